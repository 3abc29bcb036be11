# The functions' roles. A function writes objects below its own prefixes and lines to its own log group. It reads nothing.

resource "aws_iam_role" "function" {
  for_each = local.functions

  name        = "${local.function_names[each.key]}-function"
  description = "Role of the function ${local.function_names[each.key]}."
  # No condition on the source: iam:PassRole guards the role, and Lambda only accepts roles of its own account.
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
          # Any log stream of the group: Lambda creates one for each of its sandboxes.
          Resource = "${local.logs_arn}:${local.function_logs[each.key]}:*"
        },
      ],
      local.object_key_statements,
      var.function.traced ? local.tracing_statements : [],
    )
  })
}

locals {
  # The use of the bucket's key, through S3 and for this bucket alone. With a bucket key the context is the bucket's ARN.
  bucket_key_statements = local.bucket_key_arn == null ? [] : [{
    Sid       = "EncryptObjects"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
    Resource  = local.bucket_key_arn
    Condition = local.bucket_key_condition
  }]
  # A function puts each object in a single call and reads none. Only a multipart upload would need to decrypt.
  object_key_statements = [for one in local.bucket_key_statements : merge(one, { Action = ["kms:GenerateDataKey"] })]
  bucket_key_condition = {
    StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" }
    # The objects' ARNs as well: S3 gives them as the context of a multipart upload without the bucket key.
    StringLike = { "kms:EncryptionContext:aws:s3:arn" = [local.bucket_arn, "${local.bucket_arn}/*"] }
  }

  tracing_statements = [{
    Sid      = "Trace"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = "*" # X-Ray's actions support no resources (service authorization reference, "AWS X-Ray")
  }]
}
