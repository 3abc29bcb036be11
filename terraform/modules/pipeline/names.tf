# Every name and ARN, built from names and not read from resources: an attribute of a resource that changes is unknown
# until apply, so each policy that refers to it would show as changing in every release.

locals {
  name     = "prd3292-${var.environment}-dmnd"
  database = "prd3292_${var.environment}_dmnd_pipeline"

  bucket_arn = "arn:aws:s3:::${var.bucket.name}"
  root       = "data-pipeline"
  # The ARN of the pipeline's objects, to be followed by a folder.
  objects = "${local.bucket_arn}/${local.root}"

  key_arn        = var.kms_key_arn == null ? aws_kms_key.pipeline[0].arn : var.kms_key_arn
  bucket_key_arn = var.bucket.managed ? local.key_arn : var.bucket.kms_key_arn

  function_names   = { for key in keys(local.functions) : key => "${local.name}-${key}" }
  stream_names     = local.function_names
  stream_arns      = { for key, name in local.stream_names : key => "arn:aws:firehose:${var.region}:${var.account_id}:deliverystream/${name}" }
  alias            = "live"
  function_arns    = { for key, name in local.function_names : key => "arn:aws:lambda:${var.region}:${var.account_id}:function:${name}" }
  alias_arns       = { for key, arn in local.function_arns : key => "${arn}:${local.alias}" }
  function_logs    = { for key, name in local.function_names : key => "/aws/lambda/${name}" }
  stream_logs      = { for key, name in local.stream_names : key => "/aws/kinesisfirehose/${name}" }
  stream_log       = "S3Delivery"
  logs_arn         = "arn:aws:logs:${var.region}:${var.account_id}:log-group"
  glue_arn         = "arn:aws:glue:${var.region}:${var.account_id}"
  ci_workgroup_arn = "arn:aws:athena:${var.region}:${var.account_id}:workgroup/${local.name}-ci"
  metric_namespace = "dmd-pipeline"
}
