variable "name" {
  description = "Names the cluster: the table NAME-tasks, the topic NAME-events, the queues NAME-events-<instance id>."
  type        = string
  default     = "a2a"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,36}$", var.name))
    error_message = "Queues are named after it: 1 to 36 of A-Z a-z 0-9 - _."
  }
}

variable "operators" {
  description = "Who may take the roles of provisioner and janitor: ARNs of users or roles. Empty: whoever an administrator of this account lets."
  type        = list(string)
  default     = []
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
