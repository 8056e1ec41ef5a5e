resource "aws_ecs_cluster" "this" {
  name = var.name
  tags = local.tags
}

resource "aws_cloudwatch_log_group" "instances" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = local.tags
}

locals {
  container = "instance"
}

resource "aws_ecs_task_definition" "instance" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  tags                     = local.tags
  task_role_arn            = var.runtime_role_arn
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([
    {
      name                   = local.container
      image                  = var.image
      command                = var.command
      essential              = true
      readonlyRootFilesystem = true
      user                   = var.user
      linuxParameters        = { capabilities = { drop = ["ALL"] }, initProcessEnabled = false }
      # The most that Fargate gives between SIGTERM and SIGKILL; longer than the drain delay and A2A_SHUTDOWN_GRACE.
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
      environment = [for name, value in local.environment : { name = name, value = value } if !contains(keys(var.secrets), name)]
      secrets     = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
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

  lifecycle {
    precondition {
      condition     = local.stops_within + 5 <= 120
      error_message = "drain_delay, shutdown_grace and 10 s for leaving must not be more than the 120 s that Fargate gives."
    }
  }
}

resource "aws_ecs_service" "instances" {
  name                              = var.name
  cluster                           = aws_ecs_cluster.this.id
  task_definition                   = aws_ecs_task_definition.instance.arn
  launch_type                       = "FARGATE"
  desired_count                     = var.instances
  enable_ecs_managed_tags           = true
  propagate_tags                    = "SERVICE"
  tags                              = local.tags
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
    container_name   = local.container
    container_port   = 8080
  }

  # How many there are then is autoscaling's, or an operator's: `aws ecs update-service --desired-count`. An apply changes it not.
  lifecycle {
    ignore_changes = [desired_count]
  }

  # Without these a first instance gets no image, or no requests, and the first deployment has nothing to go back to.
  depends_on = [
    aws_lb_listener.https,
    aws_vpc_endpoint.gateway,
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_ingress_rule.to_endpoints,
    aws_vpc_security_group_ingress_rule.from_balancer,
    aws_vpc_security_group_egress_rule.to_instances,
    aws_vpc_security_group_egress_rule.out,
    aws_iam_role_policy_attachment.execution,
    aws_iam_role_policy.secrets,
  ]
}
