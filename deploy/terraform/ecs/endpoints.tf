# Ways to AWS that do not lead through the internet. Webhooks and public images still need one.

locals {
  interfaces = concat(
    ["sns", "sqs", "logs", "ecr.api", "ecr.dkr"],
    length(local.secrets) > 0 ? ["secretsmanager"] : [],
    length(local.parameters) > 0 ? ["ssm"] : [],
  )
}

# ECR keeps layers in S3.
resource "aws_vpc_endpoint" "gateway" {
  for_each          = var.vpc_endpoints == null ? toset([]) : toset(["dynamodb", "s3"])
  vpc_id            = var.vpc_id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${data.aws_region.current.id}.${each.value}"
  route_table_ids   = var.vpc_endpoints.route_table_ids
  tags              = local.tags
}

resource "aws_security_group" "endpoints" {
  count       = var.vpc_endpoints == null ? 0 : 1
  name        = "${var.name}-endpoints"
  description = "The instances to services of AWS"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "to_endpoints" {
  count                        = var.vpc_endpoints == null ? 0 : 1
  security_group_id            = aws_security_group.endpoints[0].id
  referenced_security_group_id = aws_security_group.instances.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each            = var.vpc_endpoints == null ? toset([]) : toset(local.interfaces)
  vpc_id              = var.vpc_id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${data.aws_region.current.id}.${each.value}"
  subnet_ids          = var.private_subnets
  security_group_ids  = [aws_security_group.endpoints[0].id]
  private_dns_enabled = true
  tags                = local.tags
}
