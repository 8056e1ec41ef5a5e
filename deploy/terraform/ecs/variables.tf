variable "name" {
  description = "The name that the cluster's table, topic and queues were made with."
  type        = string
  default     = "a2a"
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
  description = "The header in which a gateway before the load balancer names the caller, and which it strips from what clients send. Null: all callers share all tasks."
  type        = string
  default     = null
}

variable "instances" {
  description = "How many instances run. A topic takes 200 by default."
  type        = number
  default     = 3
}

variable "shutdown_grace" {
  description = "Seconds that running agents get to finish. ECS allows at most 120 for this and the end of everything else."
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

variable "client_cidrs" {
  description = "Who may reach the load balancer."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}
