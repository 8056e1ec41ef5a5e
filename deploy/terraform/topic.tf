# A standard topic. Instances make their queues and subscriptions themselves.
resource "aws_sns_topic" "events" {
  name              = "${var.name}-events"
  kms_master_key_id = var.kms_key_arn

  # `a2a-node provision` finds the topic as its own by this tag, whose value is the topic's name.
  tags = merge(var.tags, { "a2a:deployment" = "${var.name}-events" })
}

# Who may use the topic is said by the roles; this only refuses what comes in clear text.
data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "OnlyOverTls"
    effect    = "Deny"
    actions   = ["sns:Publish", "sns:Subscribe"]
    resources = [aws_sns_topic.events.arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sns_topic_policy" "events" {
  arn    = aws_sns_topic.events.arn
  policy = data.aws_iam_policy_document.topic.json
}
