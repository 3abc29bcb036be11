# The web-orders stream: bucket, function, Glue table and delivery stream. The provider reads AWS_ENDPOINT_URL.

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
}

locals {
  name  = "web-orders"
  table = jsondecode(file("${path.module}/table.json"))
}

resource "aws_s3_bucket" "lake" {
  bucket        = local.name
  force_destroy = true
}

resource "aws_iam_role" "this" {
  name = local.name
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = ["firehose.amazonaws.com", "lambda.amazonaws.com"] } },
    ]
  })
}

# Made by: python -m zipfile -c orders.zip orders.py
resource "aws_lambda_function" "orders" {
  function_name    = local.name
  role             = aws_iam_role.this.arn
  runtime          = "python3.13"
  handler          = "orders.handler"
  filename         = "${path.module}/orders.zip"
  source_code_hash = filebase64sha256("${path.module}/orders.zip")
  timeout          = 60
}

resource "aws_glue_catalog_database" "shop" {
  name = "shop"
}

resource "aws_glue_catalog_table" "orders" {
  name          = local.table.Name
  database_name = aws_glue_catalog_database.shop.name
  table_type    = local.table.TableType
  parameters    = local.table.Parameters

  dynamic "partition_keys" {
    for_each = local.table.PartitionKeys
    content {
      name = partition_keys.value.Name
      type = partition_keys.value.Type
    }
  }

  storage_descriptor {
    location      = "s3://${aws_s3_bucket.lake.bucket}/orders/"
    input_format  = local.table.StorageDescriptor.InputFormat
    output_format = local.table.StorageDescriptor.OutputFormat

    ser_de_info {
      serialization_library = local.table.StorageDescriptor.SerdeInfo.SerializationLibrary
    }

    dynamic "columns" {
      for_each = local.table.StorageDescriptor.Columns
      content {
        name = columns.value.Name
        type = columns.value.Type
      }
    }
  }
}

resource "aws_kinesis_firehose_delivery_stream" "orders" {
  name        = local.name
  destination = "extended_s3"

  extended_s3_configuration {
    role_arn            = aws_iam_role.this.arn
    bucket_arn          = aws_s3_bucket.lake.arn
    prefix              = "orders/day=!{partitionKeyFromLambda:day}/shop=!{partitionKeyFromLambda:shop}/"
    error_output_prefix = "errors/!{firehose:error-output-type}/"
    buffering_size      = 64
    buffering_interval  = 60

    dynamic_partitioning_configuration {
      enabled = true
    }

    processing_configuration {
      enabled = true

      processors {
        type = "Lambda"

        parameters {
          parameter_name  = "LambdaArn"
          parameter_value = "${aws_lambda_function.orders.arn}:$LATEST"
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
          parquet_ser_de {}
        }
      }

      schema_configuration {
        database_name = aws_glue_catalog_table.orders.database_name
        table_name    = aws_glue_catalog_table.orders.name
        role_arn      = aws_iam_role.this.arn
      }
    }
  }
}
