variable "name" {
  description = "Names the cluster: the table NAME-tasks, the topic NAME-events, the queues NAME-events-<instance id>."
  type        = string
  default     = "a2a"

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9_-]{0,34}[A-Za-z0-9])?$", var.name))
    error_message = "Queues are named after it: 1 to 36 of A-Z a-z 0-9 - _, a letter or digit at both ends."
  }

  # The roles of a cluster NAME may use tables whose names begin with NAME-tasks-restored-.
  validation {
    condition     = !strcontains(var.name, "-tasks-restored")
    error_message = "-tasks-restored is for tables that are restored from a backup."
  }
}

variable "operators" {
  description = "Who may take the roles of provisioner and janitor: ARNs of users or roles. Empty: whoever an administrator of this account lets."
  type        = list(string)
  default     = []
}

variable "runs_on" {
  description = "What may give instances the runtime role: ECS, EC2, and service accounts of EKS clusters, by EKS Pod Identity or by a web identity (IRSA)."

  type = object({
    ecs = optional(bool, true)
    ec2 = optional(bool, false)

    eks_pod_identity = optional(list(object({
      cluster_arn     = string
      namespace       = string
      service_account = string
    })), [])

    eks_web_identity = optional(list(object({
      oidc_provider_arn = string
      namespace         = string
      service_account   = string
    })), [])
  })

  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for one in var.runs_on.eks_web_identity : can(regex("^arn:[^:]+:iam::[0-9]{12}:oidc-provider/.+$", one.oidc_provider_arn))])
    error_message = "oidc_provider_arn is an ARN of IAM: arn:PARTITION:iam::ACCOUNT:oidc-provider/ISSUER."
  }

  validation {
    condition     = var.runs_on.ecs || var.runs_on.ec2 || length(var.runs_on.eks_pod_identity) + length(var.runs_on.eks_web_identity) > 0
    error_message = "Somebody must have the runtime role."
  }

  # A name with a wildcard would stand for itself only; an empty one for nothing.
  validation {
    condition = alltrue([
      for one in concat(var.runs_on.eks_pod_identity, var.runs_on.eks_web_identity) :
      can(regex("^[a-z0-9.-]+$", one.namespace)) && can(regex("^[a-z0-9.-]+$", one.service_account))
    ])
    error_message = "Name a namespace and a service account, each exactly."
  }
}

variable "ecs_cluster" {
  description = "The ECS cluster of the instances, which ask it not to stop them while agents are at work. Null: one with the name of this."
  type        = string
  default     = null
}

variable "publishers" {
  description = "Who may publish to the topic beside the instances, as ARNs of roles or users. `doctor` needs none where it has the runtime role; name them in its --instance-roles, too."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "on_demand_limits" {
  description = "The most read and write units a second that the table gives, and each of its indexes: a bound of the bill, at which requests are throttled. Null: those of the account."
  type        = object({ reads = number, writes = number })
  default     = null
}

variable "alarm_actions" {
  description = "What an alarm is told to, and its end: ARNs such as that of an SNS topic of yours. Not that of the cluster."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "alarms" {
  description = "Makes the alarms."
  type        = bool
  default     = true
}

variable "alarm_on_queues" {
  description = "Makes an alarm of the oldest message of all queues of this account and region: CloudWatch cannot tell those of the cluster by the beginning of their names. Off where others' queues let messages wait."
  type        = bool
  default     = true
}

variable "budget" {
  description = "US dollars a month above which these addresses get mail. Counted by the tag a2a:deployment, once it is activated as a cost allocation tag. Null: no budget."
  type        = object({ usd = number, mail = list(string) })
  default     = null

  validation {
    condition     = var.budget == null ? true : var.budget.usd > 0 && length(var.budget.mail) > 0
    error_message = "A budget needs an amount and somebody to tell."
  }
}

variable "deletion_protection" {
  description = "Refuses to delete the table until this is switched off."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Keeps a continuous backup of the table."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "A customer key for the table and the topic. Its policy must let this account's IAM policies decide, and let the service sns.amazonaws.com use it. Null: keys that AWS owns."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything that is made here."
  type        = map(string)
  default     = {}
}
