# What the load balancer and ECS see.

resource "aws_cloudwatch_metric_alarm" "errors" {
  # From the balancer itself, where no instance answers, and from instances.
  for_each            = var.alarms ? toset(["HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count"]) : toset([])
  alarm_name          = "${var.name}-${each.value}"
  alarm_description   = "Clients are answered with 5xx."
  namespace           = "AWS/ApplicationELB"
  metric_name         = each.value
  dimensions          = { LoadBalancer = aws_lb.clients.arn_suffix }
  statistic           = "Sum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  count               = var.alarms ? 1 : 0
  alarm_name          = "${var.name}-unhealthy"
  alarm_description   = "An instance is unready: its /readyz says why."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = { LoadBalancer = aws_lb.clients.arn_suffix, TargetGroup = aws_lb_target_group.instances.arn_suffix }
  statistic           = "Maximum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = local.tags
}

# Each running task sends its use of CPU once a minute: as many samples as tasks. ECS has no count of its own without Container
# Insights. No samples, no tasks.
resource "aws_cloudwatch_metric_alarm" "tasks" {
  count               = var.alarms ? 1 : 0
  alarm_name          = "${var.name}-tasks"
  alarm_description   = "Fewer instances run than should."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  dimensions          = { ClusterName = aws_ecs_cluster.this.name, ServiceName = aws_ecs_service.instances.name }
  statistic           = "SampleCount"
  period              = 60
  comparison_operator = "LessThanThreshold"
  threshold           = var.autoscaling == null ? var.instances : var.autoscaling.min
  evaluation_periods  = 10
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = local.tags
}
