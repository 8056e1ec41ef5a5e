# What follows from the name, and what an instance is told.

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  tags      = merge(var.tags, { "a2a:deployment" = var.deployment })

  # Load balancers and target groups take 32 letters, digits and hyphens, none of these at an end, no `internal-` before. A
  # name that was changed to fit has a digest behind it, by which two names never become one.
  hyphened = replace(var.name, "_", "-")
  reserved = startswith("${local.hyphened}-", "internal-")
  fits     = local.hyphened == var.name && length(var.name) <= 20 && !local.reserved
  digest   = substr(sha256(var.name), 0, 8)
  start    = local.reserved ? "a2a" : trim(substr(local.hyphened, 0, 11), "-")
  short    = local.fits ? var.name : "${local.start}-${local.digest}"

  environment = merge(
    {
      A2A_LISTEN         = "0.0.0.0:8080"
      A2A_PUBLIC_URL     = var.public_url
      A2A_STORE          = "dynamodb"
      A2A_TABLE          = var.table
      A2A_BUS            = "snssqs"
      A2A_TOPIC_ARN      = var.topic_arn
      A2A_INSTANCE_ROLES = var.runtime_role_arn
      A2A_DRAIN_DELAY    = tostring(var.drain_delay)
      A2A_SHUTDOWN_GRACE = tostring(var.shutdown_grace)
      A2A_LOG_FORMAT     = "json"
    },
    var.principal_header == null ? {} : { A2A_PRINCIPAL_HEADER = var.principal_header },
    var.environment,
  )

  # However the header is set.
  header_is_trusted = contains(keys(merge(local.environment, var.secrets)), "A2A_PRINCIPAL_HEADER")

  # Whole continents: 0.0.0.0/0 and ::/0, and the halves and quarters of them.
  anybody = [
    for cidr in var.client_cidrs : cidr
    if tonumber(split("/", cidr)[1]) < (strcontains(cidr, ":") ? 16 : 8)
  ]

  # Once the drain delay is over, agents and streams get the grace, and leaving takes 5 s at most.
  stops_within = var.drain_delay + var.shutdown_grace + 5

  # ECS takes a task's target out of the load balancer, waits for this, and sends SIGTERM only then: the balancer cuts what
  # is still open when the time is over, and the instance has not even been told. So streams get here what they get in the
  # instance after SIGTERM, and an agent that is at work gets both. A target without open requests does not wait.
  deregistration_delay = coalesce(var.deregistration_delay, local.stops_within)
}
