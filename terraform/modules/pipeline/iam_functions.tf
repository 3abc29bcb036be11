# A function writes objects below its own prefixes and lines into its own log group. It reads nothing.

resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = "${local.function_names[each.key]}-function"
  description = "What the function ${local.function_names[each.key]} may do."
  # Without a condition on the source: what guards it is iam:PassRole, and Lambda takes roles of its own account only.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = "write"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "WriteObjects"
          Effect   = "Allow"
          Action   = "s3:PutObject"
          Resource = [for prefix in concat(["errors/records"], each.value.writes_to) : "${local.objects}/${prefix}/*"] # any object below
        },
        {
          Sid    = "WriteLogs"
          Effect = "Allow"
          Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
          # Any log stream of the group: Lambda makes one for each of its sandboxes.
          Resource = "${local.logs_arn}:${local.function_logs[each.key]}:*"
        },
      ],
      local.object_key_statements,
      var.function.traced ? local.tracing_statements : [],
    )
  })
}

locals {
  # To use an encrypted bucket: through S3 and for this bucket alone (with a bucket key the context is its ARN).
  bucket_key_statements = local.bucket_key_arn == null ? [] : [{
    Sid       = "EncryptObjects"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
    Resource  = local.bucket_key_arn
    Condition = local.bucket_key_condition
  }]
  # A function puts each object by one call and reads none: only an upload of several parts would need to decrypt.
  object_key_statements = [for one in local.bucket_key_statements : merge(one, { Action = ["kms:GenerateDataKey"] })]
  bucket_key_condition = {
    StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" }
    # Its objects too: S3 gives their ARN where an upload of several parts does without the bucket key.
    StringLike = { "kms:EncryptionContext:aws:s3:arn" = [local.bucket_arn, "${local.bucket_arn}/*"] }
  }

  tracing_statements = [{
    Sid      = "Trace"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = "*" # X-Ray's actions know no resources (service authorization reference, "AWS X-Ray")
  }]
}
