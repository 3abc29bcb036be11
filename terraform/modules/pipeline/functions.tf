resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:a dead letter queue serves asynchronous calls; Firehose calls synchronously and keeps failed records itself
  #checkov:skip=CKV_AWS_117:the function calls S3 only, guarded by IAM; in a VPC it would need endpoints and start more slowly
  #checkov:skip=CKV_AWS_272:the zip is reproducible and pinned by its hash; the account has no signing profile
  #checkov:skip=CKV_AWS_173:the environment variables are names, hold no secret, and are encrypted with Lambda's own key
  #checkov:skip=CKV_AWS_50:the variable function.traced turns tracing on; Firehose passes no trace id, so a trace shows a single call
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

  # transform/settings.py explains them.
  environment {
    variables = {
      FORMAT            = each.value.mode
      RECORD_TYPES      = join(",", each.value.types)
      CLAIMS_UNREADABLE = tostring(each.value.claims)
      BUCKET            = var.bucket.name
      ERROR_PREFIX      = "${local.root}/errors/records/"
      DATABASE          = each.value.database
    }
  }

  tracing_config {
    mode = var.function.traced ? "Active" : "PassThrough"
  }

  # Lambda would otherwise create the log group itself, without a retention.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.function]
}

# The alias that Firehose calls. A new version does not change the delivery stream, and going back is one step.
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
