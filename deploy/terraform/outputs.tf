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

output "instance_profile" {
  description = "For instances on EC2, where runs_on says so; else null."
  value       = one(aws_iam_instance_profile.runtime[*].name)
}

output "deployment" {
  description = "The value of the tag a2a:deployment, by which the bill tells what belongs to the cluster."
  value       = local.topic
}
