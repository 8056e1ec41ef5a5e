resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Clients to the load balancer"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_security_group" "instances" {
  name        = "${var.name}-instances"
  description = "The load balancer to the instances"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each          = toset(var.client_cidrs)
  security_group_id = aws_security_group.balancer.id
  cidr_ipv4         = strcontains(each.value, ":") ? null : each.value
  cidr_ipv6         = strcontains(each.value, ":") ? each.value : null
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  lifecycle {
    precondition {
      condition     = !local.header_is_trusted || length(local.anybody) == 0
      error_message = "Whoever reaches the load balancer may name any caller in A2A_PRINCIPAL_HEADER: let only your gateway reach it, not ${join(", ", local.anybody)}."
    }
  }
}

resource "aws_vpc_security_group_egress_rule" "to_instances" {
  security_group_id            = aws_security_group.balancer.id
  referenced_security_group_id = aws_security_group.instances.id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

# Nobody but the load balancer: a header that names the caller is believed.
resource "aws_vpc_security_group_ingress_rule" "from_balancer" {
  security_group_id            = aws_security_group.instances.id
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

# AWS and webhooks; webhooks may be anywhere.
resource "aws_vpc_security_group_egress_rule" "out" {
  security_group_id = aws_security_group.instances.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
