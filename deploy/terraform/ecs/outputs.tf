output "address" {
  description = "Point the name in public_url here."
  value       = aws_lb.clients.dns_name
}

output "instances_security_group_id" {
  description = "For what else may reach the instances, as a Prometheus."
  value       = aws_security_group.instances.id
}
