# The schema is that of a2a_store_dynamodb::table, which every instance verifies at its start.
resource "aws_dynamodb_table" "tasks" {
  name                        = "${var.name}-tasks"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection
  tags                        = local.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  attribute {
    name = "gp"
    type = "S"
  }

  attribute {
    name = "gc"
    type = "S"
  }

  attribute {
    name = "gs"
    type = "S"
  }

  attribute {
    name = "ex"
    type = "S"
  }

  global_secondary_index {
    name               = "by-caller"
    hash_key           = "gp"
    range_key          = "gs"
    projection_type    = "INCLUDE"
    non_key_attributes = ["x", "st"]

    dynamic "on_demand_throughput" {
      for_each = var.on_demand_limits == null ? [] : [var.on_demand_limits]

      content {
        max_read_request_units  = on_demand_throughput.value.reads
        max_write_request_units = on_demand_throughput.value.writes
      }
    }
  }

  global_secondary_index {
    name               = "by-context"
    hash_key           = "gc"
    range_key          = "gs"
    projection_type    = "INCLUDE"
    non_key_attributes = ["x", "st"]

    dynamic "on_demand_throughput" {
      for_each = var.on_demand_limits == null ? [] : [var.on_demand_limits]

      content {
        max_read_request_units  = on_demand_throughput.value.reads
        max_write_request_units = on_demand_throughput.value.writes
      }
    }
  }

  global_secondary_index {
    name            = "by-executor"
    hash_key        = "ex"
    projection_type = "KEYS_ONLY"

    dynamic "on_demand_throughput" {
      for_each = var.on_demand_limits == null ? [] : [var.on_demand_limits]

      content {
        max_read_request_units  = on_demand_throughput.value.reads
        max_write_request_units = on_demand_throughput.value.writes
      }
    }
  }

  # For the table, and for each index as much.
  dynamic "on_demand_throughput" {
    for_each = var.on_demand_limits == null ? [] : [var.on_demand_limits]

    content {
      max_read_request_units  = on_demand_throughput.value.reads
      max_write_request_units = on_demand_throughput.value.writes
    }
  }

  ttl {
    attribute_name = "x"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = var.point_in_time_recovery
  }

  dynamic "server_side_encryption" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }
}
