# Who may take the role of the instances: what runs them, in this account, as `runs_on` says.

data "aws_iam_policy_document" "instances" {
  dynamic "statement" {
    for_each = var.runs_on.ecs ? [1] : []

    content {
      sid     = "Ecs"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "Service"
        identifiers = ["ecs-tasks.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }

      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = ["arn:${local.partition}:ecs:${local.place}:*"]
      }
    }
  }

  # EC2 names no source: who may pass the role to a machine is said by iam:PassRole.
  dynamic "statement" {
    for_each = var.runs_on.ec2 ? [1] : []

    content {
      sid     = "Ec2"
      actions = ["sts:AssumeRole"]

      principals {
        type        = "Service"
        identifiers = ["ec2.${data.aws_partition.current.dns_suffix}"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.runs_on.eks_pod_identity

    content {
      sid     = "EksPodIdentity${statement.key}"
      actions = ["sts:AssumeRole", "sts:TagSession"]

      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/eks-cluster-arn"
        values   = [statement.value.cluster_arn]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-namespace"
        values   = [statement.value.namespace]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:RequestTag/kubernetes-service-account"
        values   = [statement.value.service_account]
      }
    }
  }

  # The issuer is what stands behind `oidc-provider/` in the provider's ARN.
  dynamic "statement" {
    for_each = var.runs_on.eks_web_identity

    content {
      sid     = "EksWebIdentity${statement.key}"
      actions = ["sts:AssumeRoleWithWebIdentity"]

      principals {
        type        = "Federated"
        identifiers = [statement.value.oidc_provider_arn]
      }

      condition {
        test     = "StringEquals"
        variable = "${split("oidc-provider/", statement.value.oidc_provider_arn)[1]}:sub"
        values   = ["system:serviceaccount:${statement.value.namespace}:${statement.value.service_account}"]
      }

      condition {
        test     = "StringEquals"
        variable = "${split("oidc-provider/", statement.value.oidc_provider_arn)[1]}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }
}

# What EC2 wants beside the role.
resource "aws_iam_instance_profile" "runtime" {
  count = var.runs_on.ec2 ? 1 : 0
  name  = "${var.name}-runtime"
  role  = aws_iam_role.runtime.name
  tags  = local.tags
}
