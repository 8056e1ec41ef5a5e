variable "name" {
  description = "The name that the cluster's table, topic and queues were made with."
  type        = string
  default     = "a2a"

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9_-]{0,34}[A-Za-z0-9])?$", var.name))
    error_message = "1 to 36 of A-Z a-z 0-9 - _, a letter or digit at both ends."
  }
}

variable "deployment" {
  description = "The output of that name."
  type        = string
}

variable "tags" {
  description = "Tags for everything that is made here, and for the tasks."
  type        = map(string)
  default     = {}
}

variable "image" {
  description = "The image of the server, such as one built from deploy/docker/Dockerfile; best by digest."
  type        = string
}

variable "public_url" {
  description = "The base URL that clients use, which the agent card names: https://agent.example.com."
  type        = string
}

variable "certificate_arn" {
  description = "The certificate of public_url's host."
  type        = string
}

variable "vpc_id" {
  description = "Where everything runs."
  type        = string
}

variable "public_subnets" {
  description = "For the load balancer: two or more, in different zones."
  type        = list(string)
}

variable "private_subnets" {
  description = "For the instances: in different zones, with a way to DynamoDB, SNS, SQS, ECR and CloudWatch."
  type        = list(string)
}

variable "table" {
  description = "The output of that name."
  type        = string
}

variable "topic_arn" {
  description = "The output of that name."
  type        = string
}

variable "runtime_role_arn" {
  description = "The output of that name."
  type        = string
}

variable "principal_header" {
  description = "The header in which a gateway before the load balancer names the caller, and which it strips from what clients send; client_cidrs must then be the gateway's. Null: all callers share all tasks."
  type        = string
  default     = null
}

variable "instances" {
  description = "How many instances run at first. Later, autoscaling or an operator says. The topic reaches 200 by default, each further one is sent its news one by one."
  type        = number
  default     = 3
}

variable "command" {
  description = "What the image is to run. Null: what it says itself."
  type        = list(string)
  default     = ["serve"]
}

variable "user" {
  description = "As whom: a number, not 0."
  type        = string
  default     = "65532"

  validation {
    condition     = can(regex("^[1-9][0-9]*(:[1-9][0-9]*)?$", var.user))
    error_message = "A number that is not 0, perhaps with a colon and a group."
  }
}

variable "environment" {
  description = "Further environment variables, or others in place of those that are set here."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "secrets" {
  description = "Environment variables whose values ECS reads as a task starts: ARNs of secrets of Secrets Manager or parameters of Systems Manager by the variables' names. ECS may read these and no others."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[^:*?]+:(secretsmanager:[^:*?]+:[0-9]{12}:secret|ssm:[^:*?]+:[0-9]{12}:parameter)[:/][^*?]+$", arn))])
    error_message = "Whole ARNs of secrets or parameters, without wildcards."
  }
}

variable "secrets_kms_key_arns" {
  description = "Customer keys that these secrets are encrypted with."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "cpu" {
  description = "CPU units of an instance, 1024 for one, as Fargate sells them."
  type        = number
  default     = 1024
}

variable "memory" {
  description = "MiB of an instance, as Fargate sells them."
  type        = number
  default     = 2048
}

variable "autoscaling" {
  description = "How few and how many instances there may be, and the use of CPU that decides. Null: as many as there are."
  type        = object({ min = number, max = number, cpu_percent = optional(number, 60) })
  default     = null

  validation {
    condition     = var.autoscaling == null ? true : var.autoscaling.min >= 1 && var.autoscaling.min <= var.autoscaling.max
    error_message = "At least one, and not more than max."
  }
}

variable "drain_delay" {
  description = "Seconds between SIGTERM and the first refusal of new work. What ECS stops, the load balancer has left by then; it is for other signals."
  type        = number
  default     = 10

  validation {
    condition     = var.drain_delay >= 0
    error_message = "Not less than 0."
  }
}

variable "shutdown_grace" {
  description = "Seconds that running agents get to finish. Fargate allows at most 120 for this, the drain delay and the end of everything else."
  type        = number
  default     = 90

  validation {
    condition     = var.shutdown_grace >= 0 && var.shutdown_grace <= 100
    error_message = "Leave 20 of the 120 seconds that Fargate gives for closing streams, queue and membership."
  }
}

variable "health_check" {
  description = "What ECS runs in a container to find one that answers nobody any more, and replaces. Null: nothing, as for an image without this command."
  type        = list(string)
  default     = ["CMD", "/usr/local/bin/a2a-node", "health", "--live"]
}

variable "deregistration_delay" {
  description = "Seconds that the load balancer leaves requests and streams open of an instance that is to stop, before ECS tells it. Null: drain_delay, shutdown_grace and 5."
  type        = number
  default     = null

  validation {
    condition     = var.deregistration_delay == null ? true : var.deregistration_delay >= 0 && var.deregistration_delay <= 3600
    error_message = "0 to 3600 seconds."
  }
}

variable "client_cidrs" {
  description = "Who may reach the load balancer: the gateway's addresses where there is a principal_header."
  type        = list(string)

  validation {
    condition     = length(var.client_cidrs) > 0 && alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0))])
    error_message = "One or more ranges, such as 203.0.113.7/32."
  }
}

variable "internal" {
  description = "Gives the load balancer private addresses only, as where the gateway is in the same network: public_subnets are then private, too."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long logs are kept, as CloudWatch offers: 1, 3, 5, 7, 14, 30, 60, 90 …"
  type        = number
  default     = 30
}

variable "log_kms_key_arn" {
  description = "A customer key for the logs. Its policy must let the service logs of this region use it. Null: a key that AWS owns."
  type        = string
  default     = null
}

variable "vpc_endpoints" {
  description = "Makes ways to DynamoDB, SNS, SQS, ECR and CloudWatch Logs inside the network: the route tables of private_subnets. Null: there are some, or the way is another."
  type        = object({ route_table_ids = list(string) })
  default     = null
}

variable "alarms" {
  description = "Makes the alarms."
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "What an alarm is told to, and its end: ARNs such as that of an SNS topic of yours. Not that of the cluster."
  type        = list(string)
  default     = []
  nullable    = false
}
