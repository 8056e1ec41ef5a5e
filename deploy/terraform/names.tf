# What follows from the name.

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id
  place     = "${data.aws_region.current.id}:${local.account}"
  topic     = "${var.name}-events"

  # A queue is named after the topic and an instance's id. A `?` is one character: so `a2a` does not cover the queues of
  # `a2a-prod`, as `*` would.
  queues = "arn:${local.partition}:sqs:${local.place}:${local.topic}-????????-????-????-????-????????????"

  ecs_tasks = "arn:${local.partition}:ecs:${local.place}:task/${coalesce(var.ecs_cluster, var.name)}/*"

  # By this tag `a2a-node provision` finds the topic as its own, and the bill is told apart. Queues have it, too.
  tags = merge(var.tags, { "a2a:deployment" = local.topic })
}
