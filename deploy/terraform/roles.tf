data "aws_iam_policy_document" "operators" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type = "AWS"
      identifiers = length(var.operators) > 0 ? var.operators : [
        "arn:${local.partition}:iam::${local.account}:root"
      ]
    }
  }
}

resource "aws_iam_role" "runtime" {
  name               = "${var.name}-runtime"
  assume_role_policy = data.aws_iam_policy_document.instances.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "runtime" {
  name   = "runtime"
  role   = aws_iam_role.runtime.id
  policy = data.aws_iam_policy_document.runtime.json
}

resource "aws_iam_role" "provisioner" {
  name               = "${var.name}-provisioner"
  assume_role_policy = data.aws_iam_policy_document.operators.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "provisioner" {
  name   = "provisioner"
  role   = aws_iam_role.provisioner.id
  policy = data.aws_iam_policy_document.provisioner.json
}

resource "aws_iam_role" "janitor" {
  name               = "${var.name}-janitor"
  assume_role_policy = data.aws_iam_policy_document.operators.json
  tags               = local.tags
}

resource "aws_iam_role_policy" "janitor" {
  name   = "janitor"
  role   = aws_iam_role.janitor.id
  policy = data.aws_iam_policy_document.janitor.json
}
