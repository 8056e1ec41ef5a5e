# What each role may do, action by action: the lists are those of the documentation of a2a-store-dynamodb and
# a2a-bus-snssqs. A test compares them. A table that is restored from a backup gets a name of its own: NAME-tasks-restored-
# and anything; no cluster may be named so that its table would fit that.

# An instance.
data "aws_iam_policy_document" "runtime" {
  statement {
    sid = "Tasks"

    actions = [
      "dynamodb:GetItem",
      "dynamodb:BatchGetItem",
      "dynamodb:Query",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive",
    ]

    resources = [
      aws_dynamodb_table.tasks.arn,
      "${aws_dynamodb_table.tasks.arn}-restored-*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  statement {
    sid = "Indexes"

    actions = [
      "dynamodb:Query",
    ]

    resources = [
      "${aws_dynamodb_table.tasks.arn}/index/by-caller",
      "${aws_dynamodb_table.tasks.arn}/index/by-context",
      "${aws_dynamodb_table.tasks.arn}/index/by-executor",
      "${aws_dynamodb_table.tasks.arn}-restored-*/index/by-caller",
      "${aws_dynamodb_table.tasks.arn}-restored-*/index/by-context",
      "${aws_dynamodb_table.tasks.arn}-restored-*/index/by-executor",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  statement {
    sid = "Queues"

    actions = [
      "sqs:CreateQueue",
      "sqs:TagQueue",
      "sqs:DeleteQueue",
      "sqs:SendMessage",
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
    ]

    resources = [
      local.queues,
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  statement {
    sid = "Topic"

    actions = [
      "sns:Subscribe",
      "sns:Publish",
      "sns:ListSubscriptionsByTopic",
      "sns:GetTopicAttributes",
    ]

    resources = [
      aws_sns_topic.events.arn,
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  # SNS takes no narrower resource for it.
  statement {
    sid = "Unsubscribe"

    actions = [
      "sns:Unsubscribe",
    ]

    resources = [
      "*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  # ECS is asked, through the agent on the instance's own host, not to stop a task whose agents are at work.
  statement {
    sid = "Protection"

    actions = [
      "ecs:GetTaskProtection",
      "ecs:UpdateTaskProtection",
    ]

    resources = [
      local.ecs_tasks,
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "Key"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["true"]
      }
    }
  }
}

# Whoever runs `a2a-node provision`, for instance on a table that was restored from a backup.
data "aws_iam_policy_document" "provisioner" {
  statement {
    sid = "Table"

    actions = [
      "dynamodb:CreateTable",
      "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive",
      "dynamodb:UpdateTimeToLive",
      "dynamodb:UpdateTable",
      "dynamodb:UpdateContinuousBackups",
    ]

    resources = [
      aws_dynamodb_table.tasks.arn,
      "${aws_dynamodb_table.tasks.arn}-restored-*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  # The items that say in which format the table is and by which key instances sign messages; nothing of any task.
  statement {
    sid = "Format"

    actions = [
      "dynamodb:GetItem",
      "dynamodb:PutItem",
    ]

    resources = [
      aws_dynamodb_table.tasks.arn,
      "${aws_dynamodb_table.tasks.arn}-restored-*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["F", "K#bus"]
    }
  }

  # Whether there are members yet.
  statement {
    sid = "Members"

    actions = [
      "dynamodb:Query",
    ]

    resources = [
      aws_dynamodb_table.tasks.arn,
      "${aws_dynamodb_table.tasks.arn}-restored-*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["I"]
    }
  }

  statement {
    sid = "Topic"

    actions = [
      "sns:CreateTopic",
      "sns:TagResource",
      "sns:GetTopicAttributes",
      "sns:SetTopicAttributes",
      "sns:ListTagsForResource",
    ]

    resources = [
      aws_sns_topic.events.arn,
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  # A dry run lists them, and whoever finds that the topic has further tags.
  statement {
    sid = "DryRun"

    actions = [
      "sns:ListTopics",
    ]

    resources = [
      "*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }
}

# Whoever runs `a2a-node reap` or `a2a-node status`.
data "aws_iam_policy_document" "janitor" {
  # The members only, which all lie in this partition.
  statement {
    sid = "Members"

    actions = [
      "dynamodb:Query",
      "dynamodb:UpdateItem",
      "dynamodb:DeleteItem",
    ]

    resources = [
      aws_dynamodb_table.tasks.arn,
      "${aws_dynamodb_table.tasks.arn}-restored-*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["I"]
    }
  }

  statement {
    sid = "TasksOfMembers"

    actions = [
      "dynamodb:BatchGetItem",
    ]

    resources = [
      aws_dynamodb_table.tasks.arn,
      "${aws_dynamodb_table.tasks.arn}-restored-*",
    ]

    # Whatever task it is, but nothing else: not the keys of messages.
    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  statement {
    sid = "ByExecutor"

    actions = [
      "dynamodb:Query",
    ]

    resources = [
      "${aws_dynamodb_table.tasks.arn}/index/by-executor",
      "${aws_dynamodb_table.tasks.arn}-restored-*/index/by-executor",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  statement {
    sid = "Queues"

    actions = [
      "sqs:ListQueueTags",
      "sqs:GetQueueAttributes",
      "sqs:DeleteQueue",
    ]

    resources = [
      local.queues,
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  statement {
    sid = "Subscriptions"

    actions = [
      "sns:ListSubscriptionsByTopic",
    ]

    resources = [
      aws_sns_topic.events.arn,
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  # Neither takes a narrower resource.
  statement {
    sid = "Unnamed"

    actions = [
      "sqs:ListQueues",
      "sns:Unsubscribe",
    ]

    resources = [
      "*",
    ]

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "Key"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["true"]
      }
    }
  }
}
