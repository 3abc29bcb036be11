# Stand-ins, for terraform/test, for the table, stream and bucket that a real environment has already.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7" # modules/pipeline/versions.tf says what was tried
    }
  }
}

variable "environment" {
  type        = string
  description = "The environment's name, which is part of all other names."
}

variable "shards" {
  type        = number
  default     = 2
  description = "The number of shards of the stream."

  validation {
    condition     = var.shards >= 1 && var.shards <= 200
    error_message = "shards must be 1 to 200, the quota of a new account."
  }
}

locals {
  bucket_name = "prd3292.${var.environment}.us-east-1.demand-capture.tmaws"
}

resource "aws_kms_key" "this" {
  #checkov:skip=CKV2_AWS_64:the default key policy, which leaves access to IAM, suffices for a stand-in
  description         = "Table and stream of prd3292-${var.environment}."
  enable_key_rotation = true
}

resource "aws_dynamodb_table" "table" {
  name         = "prd3292-${var.environment}-us-east-1-demand-table"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}

resource "aws_kinesis_stream" "source" {
  name             = "prd3292-${var.environment}-dmnd-table-stream"
  shard_count      = var.shards
  retention_period = 24
  encryption_type  = "KMS"
  kms_key_id       = aws_kms_key.this.arn

  stream_mode_details {
    stream_mode = "PROVISIONED"
  }

  # moto drops the tags of a new stream.
  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

resource "aws_dynamodb_kinesis_streaming_destination" "changes" {
  table_name                               = aws_dynamodb_table.table.name
  stream_arn                               = aws_kinesis_stream.source.arn
  approximate_creation_date_time_precision = "MICROSECOND"
}

resource "aws_s3_bucket" "lake" {
  #checkov:skip=CKV_AWS_18:a stand-in on a local endpoint needs no access log
  #checkov:skip=CKV_AWS_144:a stand-in needs no copy in another region
  #checkov:skip=CKV_AWS_145:the pipeline module sets the encryption of a bucket that it manages
  #checkov:skip=CKV_AWS_21:the pipeline module sets the versioning of a bucket that it manages
  #checkov:skip=CKV2_AWS_6:the pipeline module sets the public access block of a bucket that it manages
  #checkov:skip=CKV2_AWS_61:the pipeline module sets the lifecycle rules of a bucket that it manages
  #checkov:skip=CKV2_AWS_62:no consumer needs event notifications
  bucket = local.bucket_name
  # A stand-in holds no data of value.
  force_destroy = true
}

output "table" {
  description = "The table, as modules/pipeline takes it."
  value       = { name = aws_dynamodb_table.table.name, arn = aws_dynamodb_table.table.arn, kms_key_arn = aws_kms_key.this.arn }
}

output "source_stream" {
  description = "The stream, as modules/pipeline takes it."
  value = {
    name        = aws_kinesis_stream.source.name
    arn         = aws_kinesis_stream.source.arn
    shards      = aws_kinesis_stream.source.shard_count
    kms_key_arn = aws_kms_key.this.arn
  }
}

output "bucket_name" {
  description = "The bucket's name, known before the bucket exists, because tables and policies contain it."
  value       = local.bucket_name
  depends_on  = [aws_s3_bucket.lake]
}
