# The delivery streams. They equal those that the builders in firehose/ describe (a specification compares them). Settings
# that equal Firehose's default are left out: the provider drops them from its state, and every plan would set them again.

resource "aws_kinesis_firehose_delivery_stream" "this" {
  for_each = local.functions

  name        = local.stream_names[each.key]
  destination = each.value.destination

  kinesis_source_configuration {
    kinesis_stream_arn = var.source_stream.arn
    role_arn           = aws_iam_role.delivery[each.key].arn
  }

  dynamic "extended_s3_configuration" {
    for_each = each.value.destination == "extended_s3" ? [1] : []
    content {
      role_arn            = aws_iam_role.delivery[each.key].arn
      bucket_arn          = local.bucket_arn
      prefix              = each.value.prefix
      error_output_prefix = "${local.root}/errors/firehose/!{firehose:error-output-type}/"
      # 128 MiB is Firehose's maximum, and its default with format conversion. It gives the fewest objects.
      buffering_size     = 128
      buffering_interval = var.buffer_seconds
      # The only value allowed with format conversion. The Parquet pages themselves are compressed with Snappy.
      compression_format = "UNCOMPRESSED"
      # A backup would keep the data of deleted persons unredacted.
      s3_backup_mode = "Disabled"

      cloudwatch_logging_options {
        enabled         = true
        log_group_name  = local.stream_logs[each.key]
        log_stream_name = local.stream_log
      }

      dynamic "dynamic_partitioning_configuration" {
        for_each = each.value.partitions ? [1] : []
        content {
          enabled        = true
          retry_duration = 300
        }
      }

      processing_configuration {
        enabled = true
        processors {
          type = "Lambda"
          dynamic "parameters" {
            for_each = merge({ LambdaArn = local.alias_arns[each.key] }, local.buffer_parameters[each.key])
            content {
              parameter_name  = parameters.key
              parameter_value = parameters.value
            }
          }
        }
      }

      dynamic "data_format_conversion_configuration" {
        for_each = each.value.converts ? [1] : []
        content {
          enabled = true
          input_format_configuration {
            deserializer {
              open_x_json_ser_de {
                case_insensitive = true
              }
            }
          }
          output_format_configuration {
            serializer {
              parquet_ser_de {
                compression    = "SNAPPY"
                writer_version = "V1"
              }
            }
          }
          schema_configuration {
            role_arn      = aws_iam_role.delivery[each.key].arn
            database_name = each.value.database
            table_name    = local.table_inputs[each.value.types[0]][each.value.files].Name
            region        = var.region
            version_id    = "LATEST"
          }
        }
      }
    }
  }

  # It lists no tables: rows name theirs, and the provider would replace the stream for each further table in a list.
  dynamic "iceberg_configuration" {
    for_each = each.value.destination == "iceberg" ? [1] : []
    content {
      role_arn           = aws_iam_role.delivery[each.key].arn
      catalog_arn        = "${local.glue_arn}:catalog"
      buffering_size     = 128
      buffering_interval = var.buffer_seconds
      # Firehose's maximum. Afterwards every waiting row goes to the error output, even if only the catalog or a
      # permission was wrong for a while.
      retry_duration = 7200

      # What fails. Rows go to the tables' own places.
      s3_configuration {
        role_arn            = aws_iam_role.delivery[each.key].arn
        bucket_arn          = local.bucket_arn
        error_output_prefix = "${local.root}/errors/firehose/!{firehose:error-output-type}/"
      }

      cloudwatch_logging_options {
        enabled         = true
        log_group_name  = local.stream_logs[each.key]
        log_stream_name = local.stream_log
      }

      processing_configuration {
        enabled = true
        processors {
          type = "Lambda"
          dynamic "parameters" {
            for_each = merge({ LambdaArn = local.alias_arns[each.key] }, local.buffer_parameters[each.key])
            content {
              parameter_name  = parameters.key
              parameter_value = parameters.value
            }
          }
        }
      }
    }
  }

  lifecycle {
    precondition {
      # The streams of all modes: one of them may be added later.
      condition     = alltrue([for other in keys(local.functions_of_all_modes) : !startswith(other, "${each.key}-")])
      error_message = "Another delivery stream's name begins with ${local.stream_names[each.key]}-, so this stream's role could write that one's error objects. Rename one of the record types or the mode's key in modes.tf."
    }
  }

  # Firehose assumes the role, reads the table and calls the function as soon as the stream is created.
  depends_on = [
    aws_iam_role_policy.delivery,
    aws_glue_catalog_table.this,
    aws_lambda_alias.live,
    aws_cloudwatch_log_stream.delivery,
  ]
}

locals {
  # Both or neither, as the validation in variables.tf explains.
  buffer_parameters = {
    for key, one in local.functions : key => one.lambda_buffer.mib == 1 ? {} : {
      BufferSizeInMBs         = tostring(one.lambda_buffer.mib)
      BufferIntervalInSeconds = tostring(one.lambda_buffer.seconds)
    }
  }
}

# prevent_destroy accepts no variable. So each delivery stream has a guard, which is replaced or removed whenever the stream
# is, and refuses to be. To remove a stream on purpose: docs/deploy.md, "Changing the mode".
resource "terraform_data" "protected" {
  for_each = var.protect_streams ? local.functions : {}

  triggers_replace = aws_kinesis_firehose_delivery_stream.this[each.key].arn

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "delivery" {
  for_each = local.functions

  name              = local.stream_logs[each.key]
  retention_in_days = var.retention_days.logs
  kms_key_id        = local.key_arn
}

resource "aws_cloudwatch_log_stream" "delivery" {
  for_each = local.functions

  name           = local.stream_log
  log_group_name = aws_cloudwatch_log_group.delivery[each.key].name
}
