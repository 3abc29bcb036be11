resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:a dead letter queue serves asynchronous calls; Firehose calls synchronously and keeps what fails
  #checkov:skip=CKV_AWS_117:it reaches S3 alone, by IAM; in a VPC it would need endpoints and start slower
  #checkov:skip=CKV_AWS_272:the zip is reproducible and pinned by its hash; signing needs a profile that the account does not have
  #checkov:skip=CKV_AWS_173:its environment holds names and no secret, and is encrypted with Lambda's own key
  #checkov:skip=CKV_AWS_50:tracing is the variable function.traced; Firehose passes no trace on, so it shows single calls
  for_each = local.functions

  function_name                  = local.function_names[each.key]
  description                    = "Change records of ${join(", ", each.value.types)} to rows (${each.value.mode} mode)."
  role                           = aws_iam_role.function[each.key].arn
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  handler                        = "transform.handler.lambda_handler"
  runtime                        = "python3.13"
  architectures                  = ["arm64"]
  memory_size                    = each.value.memory_mib
  timeout                        = each.value.timeout_seconds
  reserved_concurrent_executions = var.function.reserved_concurrency
  publish                        = true

  # transform/settings.py says what they mean.
  environment {
    variables = {
      FORMAT            = each.value.mode
      RECORD_TYPES      = join(",", each.value.types)
      CLAIMS_UNREADABLE = tostring(each.value.claims)
      BUCKET            = var.bucket.name
      ERROR_PREFIX      = "${local.root}/errors/records/"
    }
  }

  tracing_config {
    mode = var.function.traced ? "Active" : "PassThrough"
  }

  # Lambda would make the group itself, without an end to what it keeps.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]
}

# What Firehose calls, so that a new version is no change of the delivery stream, and going back is one step.
resource "aws_lambda_alias" "live" {
  for_each = local.functions

  name             = local.alias
  description      = "The version that Firehose calls."
  function_name    = aws_lambda_function.this[each.key].function_name
  function_version = aws_lambda_function.this[each.key].version
}

resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = local.function_logs[each.key]
  retention_in_days = var.retention_days.logs
  kms_key_id        = local.key_arn
}
