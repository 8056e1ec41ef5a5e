# What AWS's own metrics tell. What instances tell of themselves at /metrics is for your Prometheus.

locals {
  # The dimensions of the table and of each index: a throttled index throttles the table's writes.
  throttled = {
    table         = { TableName = aws_dynamodb_table.tasks.name }
    "by-caller"   = { TableName = aws_dynamodb_table.tasks.name, GlobalSecondaryIndexName = "by-caller" }
    "by-context"  = { TableName = aws_dynamodb_table.tasks.name, GlobalSecondaryIndexName = "by-context" }
    "by-executor" = { TableName = aws_dynamodb_table.tasks.name, GlobalSecondaryIndexName = "by-executor" }
  }
}

resource "aws_cloudwatch_metric_alarm" "throttled" {
  for_each            = var.alarms ? local.throttled : {}
  alarm_name          = "${var.name}-throttled-${each.key}"
  alarm_description   = "DynamoDB throttles: more is asked of a partition, an index, the table or the account than it gives."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = local.tags

  metric_query {
    id          = "all"
    label       = "Throttled reads and writes in five minutes"
    expression  = "FILL(reads, 0) + FILL(writes, 0)"
    return_data = true
  }

  metric_query {
    id = "reads"

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "ReadThrottleEvents"
      dimensions  = each.value
      period      = 300
      stat        = "Sum"
    }
  }

  metric_query {
    id = "writes"

    metric {
      namespace   = "AWS/DynamoDB"
      metric_name = "WriteThrottleEvents"
      dimensions  = each.value
      period      = 300
      stat        = "Sum"
    }
  }
}

# Each operation has a metric of its own; the query adds them up.
resource "aws_cloudwatch_metric_alarm" "system_errors" {
  count               = var.alarms ? 1 : 0
  alarm_name          = "${var.name}-system-errors"
  alarm_description   = "DynamoDB answers with errors of its own."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = local.tags

  metric_query {
    id          = "errors"
    label       = "Errors in a minute"
    expression  = "SELECT SUM(SystemErrors) FROM SCHEMA(\"AWS/DynamoDB\", Operation, TableName) WHERE TableName = '${aws_dynamodb_table.tasks.name}'"
    period      = 60
    return_data = true
  }
}

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  count               = var.alarms ? 1 : 0
  alarm_name          = "${var.name}-undelivered"
  alarm_description   = "SNS cannot deliver to a queue: one is gone whose subscription is not (a2a-node reap), or a policy or key keeps messages out."
  namespace           = "AWS/SNS"
  metric_name         = "NumberOfNotificationsFailed"
  dimensions          = { TopicName = aws_sns_topic.events.name }
  statistic           = "Sum"
  period              = 60
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = local.tags
}

# Queues come and go, and an alarm cannot search for names: this is about all queues of the account and region.
resource "aws_cloudwatch_metric_alarm" "unread" {
  count               = var.alarms && var.alarm_on_queues ? 1 : 0
  alarm_name          = "${var.name}-unread"
  alarm_description   = "A message waits in a queue for more than a minute: an instance does not read, or a dead one's queue is still there. Of any queue of this account and region."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = local.tags

  metric_query {
    id          = "age"
    label       = "Age of the oldest message, seconds"
    expression  = "SELECT MAX(ApproximateAgeOfOldestMessage) FROM SCHEMA(\"AWS/SQS\", QueueName)"
    period      = 60
    return_data = true
  }
}
