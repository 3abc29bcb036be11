# Web orders of somebody who knows nothing of this project: a Kinesis stream, a function, a Glue table, a delivery stream
# with dynamic partitioning and format conversion, and alarms. Its shape is that of the public modules for Firehose:
# variables for each feature, processors and parameters made by dynamic blocks.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region            = "us-east-1"
  s3_use_path_style = true
  max_retries       = 2

  default_tags {
    tags = { Team = "shop" }
  }
}

variable "package" {
  type        = string
  description = "The function's zip."
}

variable "lambda_parameters" {
  type        = map(string)
  default     = { BufferSizeInMBs = "0.5", BufferIntervalInSeconds = "61", NumberOfRetries = "1" }
  description = "Parameters of the Lambda processor."
}

locals {
  name = "web-orders"
  columns = {
    id     = "string"
    qty    = "int"
    price  = "decimal(10,2)"
    placed = "timestamp"
    items  = "array<struct<sku:string,qty:int>>"
  }
}

resource "aws_s3_bucket" "lake" {
  bucket        = "${local.name}-lake"
  force_destroy = true
}

resource "aws_iam_role" "this" {
  for_each = toset(["firehose", "lambda"])
  name     = "${local.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "${each.key}.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "delivery" {
  role = aws_iam_role.this["firehose"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:PutObject", "s3:ListBucket"], Resource = [aws_s3_bucket.lake.arn, "${aws_s3_bucket.lake.arn}/*"] },
      { Effect = "Allow", Action = "lambda:InvokeFunction", Resource = "${aws_lambda_function.orders.arn}:*" },
    ]
  })
}

resource "aws_kinesis_stream" "orders" {
  name             = local.name
  shard_count      = 2
  retention_period = 48

  # moto drops the tags of a new stream.
  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_lambda_function" "orders" {
  function_name    = local.name
  role             = aws_iam_role.this["lambda"].arn
  runtime          = "python3.12"
  handler          = "orders.handler"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  timeout          = 60

  environment {
    variables = { STAGE = "test" }
  }
}

resource "aws_glue_catalog_database" "shop" {
  name = "shop"
}

resource "aws_glue_catalog_table" "orders" {
  name          = "orders"
  database_name = aws_glue_catalog_database.shop.name
  table_type    = "EXTERNAL_TABLE"
  parameters    = { EXTERNAL = "TRUE", classification = "parquet" }

  partition_keys {
    name = "day"
    type = "string"
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.bucket}/orders/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
      parameters            = { "serialization.format" = "1" }
    }

    dynamic "columns" {
      for_each = local.columns
      content {
        name = columns.key
        type = columns.value
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "delivery" {
  name              = "/aws/kinesisfirehose/${local.name}"
  retention_in_days = 14
}

resource "aws_cloudwatch_log_stream" "delivery" {
  name           = "S3Delivery"
  log_group_name = aws_cloudwatch_log_group.delivery.name
}

resource "aws_kinesis_firehose_delivery_stream" "orders" {
  name        = local.name
  destination = "extended_s3"

  kinesis_source_configuration {
    kinesis_stream_arn = aws_kinesis_stream.orders.arn
    role_arn           = aws_iam_role.this["firehose"].arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.this["firehose"].arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "orders/day=!{partitionKeyFromLambda:day}/shop=!{partitionKeyFromQuery:shop}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
    buffering_size      = 64
    buffering_interval  = 90
    custom_time_zone    = "Europe/Berlin"
    s3_backup_mode      = "Enabled"

    s3_backup_configuration {
      role_arn           = aws_iam_role.this["firehose"].arn
      bucket_arn         = aws_s3_bucket.lake.arn
      prefix             = "raw/"
      buffering_size     = 10
      buffering_interval = 400
      compression_format = "GZIP"
    }

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.delivery.name
      log_stream_name = aws_cloudwatch_log_stream.delivery.name
    }

    dynamic_partitioning_configuration {
      enabled        = true
      retry_duration = 600
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        parameters {
          parameter_name  = "LambdaArn"
          parameter_value = "${aws_lambda_function.orders.arn}:$LATEST"
        }

        dynamic "parameters" {
          for_each = var.lambda_parameters
          content {
            parameter_name  = parameters.key
            parameter_value = parameters.value
          }
        }
      }

      processors {
        type = "MetadataExtraction"

        parameters {
          parameter_name  = "JsonParsingEngine"
          parameter_value = "JQ-1.6"
        }
        parameters {
          parameter_name  = "MetadataExtractionQuery"
          parameter_value = "{shop:.shop}"
        }
      }
    }

    data_format_conversion_configuration {
      input_format_configuration {
        deserializer {
          open_x_json_ser_de {}
        }
      }

      output_format_configuration {
        serializer {
          parquet_ser_de {
            compression = "SNAPPY"
          }
        }
      }

      schema_configuration {
        database_name = aws_glue_catalog_table.orders.database_name
        table_name    = aws_glue_catalog_table.orders.name
        role_arn      = aws_iam_role.this["firehose"].arn
      }
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "clicks" {
  name        = "${local.name}-clicks"
  destination = "extended_s3"

  server_side_encryption {
    enabled  = true
    key_type = "AWS_OWNED_CMK"
  }

  extended_s3_configuration {
    role_arn   = aws_iam_role.this["firehose"].arn
    bucket_arn = aws_s3_bucket.lake.arn
    prefix     = "clicks/"
  }
}

resource "aws_dynamodb_table" "shops" {
  name         = "shops"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"

  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_kinesis_stream" "shops" {
  name        = "shops"
  shard_count = 1

  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_dynamodb_kinesis_streaming_destination" "shops" {
  table_name                               = aws_dynamodb_table.shops.name
  stream_arn                               = aws_kinesis_stream.shops.arn
  approximate_creation_date_time_precision = "MILLISECOND"
}

locals {
  alarms = {
    processing = { metric = "ExecuteProcessing.Success", comparison = "LessThanThreshold", threshold = 1, statistic = "Minimum" }
    freshness  = { metric = "DeliveryToS3.DataFreshness", comparison = "GreaterThanThreshold", threshold = 3600, statistic = "Maximum" }
    delivery   = { metric = "DeliveryToS3.Success", comparison = "LessThanThreshold", threshold = 1, statistic = "Average" }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  namespace           = "AWS/Firehose"
  metric_name         = each.value.metric
  dimensions          = { DeliveryStreamName = aws_kinesis_firehose_delivery_stream.orders.name }
  statistic           = each.value.statistic
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = 300
  evaluation_periods  = 2
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
}
