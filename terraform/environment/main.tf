# The pipeline of one environment, on a table, a stream and a bucket that exist already.
#
# They are looked up by plain names. A lookup that depends on a managed resource waits until that resource has changed; its
# ARN would be unknown in the plan, and every delivery stream would be replaced.

locals {
  table_name  = "prd3292-${var.environment}-us-east-1-demand-table"
  stream_name = "prd3292-${var.environment}-dmnd-table-stream"
  bucket_name = "prd3292.${var.environment}.us-east-1.demand-capture.tmaws"
}

data "aws_dynamodb_table" "table" {
  name = local.table_name
}

data "aws_kinesis_stream" "source" {
  name = local.stream_name
}

# The plan fails if the bucket does not exist or belongs to another account.
data "aws_s3_bucket" "lake" {
  bucket = local.bucket_name
}

module "bucket_check" {
  count  = var.bucket_managed ? 0 : 1
  source = "../../modules/bucket_check"

  bucket = local.bucket_name
}

module "pipeline" {
  source = "../../modules/pipeline"

  environment     = var.environment
  account_id      = var.account_id
  region          = var.region
  modes           = var.modes
  package         = var.package
  function        = var.function
  buffer_seconds  = var.buffer_seconds
  lambda_buffer   = var.lambda_buffer
  kms_key_arn     = var.kms_key_arn
  protect_streams = var.protect_streams
  protect_key     = true # whatever the environment: what was written under a deleted key is lost
  operated        = var.operated
  ingest          = var.ingest
  error_readers   = var.error_readers
  retention_days  = var.retention_days
  alarms          = var.alarms
  log_forwarding  = var.log_forwarding
  ci_principals   = var.ci_principals
  iceberg         = var.iceberg
  jobs            = var.jobs
  jobs_package    = var.jobs_package
  exports         = var.exports
  scratch         = var.scratch
  erasure_key_arn = var.erasure_key_arn

  athena = {
    scan_limit_gib = var.scan_limit_gib
    saved_queries  = !var.local_endpoint
  }

  table = {
    name        = local.table_name
    arn         = data.aws_dynamodb_table.table.arn
    kms_key_arn = try(one(data.aws_dynamodb_table.table.server_side_encryption).kms_key_arn, null)
  }

  source_stream = {
    name        = local.stream_name
    arn         = data.aws_kinesis_stream.source.arn
    shards      = length(data.aws_kinesis_stream.source.open_shards)
    kms_key_arn = var.source_kms_key_arn
  }

  bucket = {
    name        = data.aws_s3_bucket.lake.bucket
    managed     = var.bucket_managed
    policy      = !var.local_endpoint
    kms_key_arn = var.bucket_kms_key_arn
  }
}
