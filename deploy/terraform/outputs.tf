output "name" {
  description = "The name of the cluster."
  value       = var.name
}

output "table" {
  description = "For A2A_TABLE."
  value       = aws_dynamodb_table.tasks.name
}

output "topic_arn" {
  description = "For A2A_TOPIC_ARN."
  value       = aws_sns_topic.events.arn
}

output "runtime_role_arn" {
  description = "The task role of the instances."
  value       = aws_iam_role.runtime.arn
}

output "provisioner_role_arn" {
  description = "For whoever runs a2a-node provision."
  value       = aws_iam_role.provisioner.arn
}

output "janitor_role_arn" {
  description = "For whoever runs a2a-node reap or a2a-node status."
  value       = aws_iam_role.janitor.arn
}
