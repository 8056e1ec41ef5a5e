resource "aws_lb" "clients" {
  name                       = "${local.short}-clients"
  load_balancer_type         = "application"
  internal                   = var.internal
  tags                       = local.tags
  subnets                    = var.public_subnets
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = true

  # An idle stream carries a line every 15 seconds; a blocking send may be silent for as long as its agent works.
  idle_timeout = 3600
}

resource "aws_lb_target_group" "instances" {
  name        = "${local.short}-instances"
  vpc_id      = var.vpc_id
  target_type = "ip"
  tags        = local.tags
  protocol    = "HTTP"
  port        = 8080

  # No stickiness: any instance answers for any task.
  load_balancing_algorithm_type = "least_outstanding_requests"

  deregistration_delay = local.deregistration_delay

  health_check {
    path              = "/readyz"
    matcher           = "200"
    interval          = 5
    timeout           = 4
    healthy_threshold = 2
    # ECS replaces a task whose target is unhealthy, with the agents that run in it: not for a short outage of a backend.
    unhealthy_threshold = 6
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.clients.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.instances.arn
  }
}

# For Prometheus and for what checks health, which ask the instances themselves; not for clients.
resource "aws_lb_listener_rule" "not_for_clients" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1

  condition {
    path_pattern {
      values = ["/metrics", "/healthz", "/readyz"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
    }
  }
}
