resource "aws_ecs_cluster" "this" {
  name = var.name
}

resource "aws_cloudwatch_log_group" "instances" {
  name              = "/ecs/${var.name}"
  retention_in_days = 30
}

# What ECS itself does for a task: pull the image and write logs.
data "aws_iam_policy_document" "ecs_tasks" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

locals {
  environment = merge(
    {
      A2A_LISTEN         = "0.0.0.0:8080"
      A2A_PUBLIC_URL     = var.public_url
      A2A_STORE          = "dynamodb"
      A2A_TABLE          = var.table
      A2A_BUS            = "snssqs"
      A2A_TOPIC_ARN      = var.topic_arn
      A2A_SHUTDOWN_GRACE = tostring(var.shutdown_grace)
      A2A_LOG_FORMAT     = "json"
    },
    var.principal_header == null ? {} : { A2A_PRINCIPAL_HEADER = var.principal_header },
  )
}

resource "aws_ecs_task_definition" "instance" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 2048
  task_role_arn            = var.runtime_role_arn
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([
    {
      name                   = "a2a-node"
      image                  = var.image
      command                = ["serve"]
      essential              = true
      readonlyRootFilesystem = true
      user                   = "65532"
      # The most that Fargate gives between SIGTERM and SIGKILL; longer than the drain delay (10 s) and A2A_SHUTDOWN_GRACE.
      stopTimeout  = 120
      portMappings = [{ containerPort = 8080, protocol = "tcp" }]
      # Not readiness, which is the load balancer's: ECS would replace tasks while a backend is away.
      healthCheck = var.health_check == null ? null : {
        command     = var.health_check
        interval    = 10
        timeout     = 5
        retries     = 3
        startPeriod = 30
      }
      environment  = [for name, value in local.environment : { name = name, value = value }]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.instances.name
          awslogs-region        = data.aws_region.current.id
          awslogs-stream-prefix = "instance"
        }
      }
    }
  ])
}

resource "aws_ecs_service" "instances" {
  name                              = var.name
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.instance.arn
  launch_type                       = "FARGATE"
  desired_count                     = var.instances
  health_check_grace_period_seconds = 30

  # New instances first: a rolling update never has fewer than it should.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.private_subnets
    security_groups = [aws_security_group.instances.id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.instances.arn
    container_name   = "a2a-node"
    container_port   = 8080
  }

  depends_on = [aws_lb_listener.https]
}

output "address" {
  description = "Point the name in public_url here."
  value       = aws_lb.clients.dns_name
}
