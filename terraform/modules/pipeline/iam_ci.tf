# The role of `make e2e`: it writes test items to the table, queries them in Athena, and deletes only below test/.

resource "aws_iam_role" "ci" {
  count = length(var.ci_principals) > 0 ? 1 : 0

  name                 = "${local.name}-ci"
  description          = "End-to-end tests of ${var.environment}."
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.ci_principals }
    }]
  })
}

resource "aws_iam_role_policy" "ci" {
  count = length(var.ci_principals) > 0 ? 1 : 0

  name = "end-to-end"
  role = aws_iam_role.ci[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "ChangeItems"
          Effect = "Allow"
          Action = [
            "dynamodb:DescribeTable", "dynamodb:DescribeKinesisStreamingDestination", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
          ]
          Resource = var.table.arn
        },
        {
          Sid    = "Query"
          Effect = "Allow"
          Action = [
            "athena:GetWorkGroup", "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
          ]
          Resource = local.ci_workgroup_arn
        },
        {
          Sid    = "ReadTables"
          Effect = "Allow"
          Action = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"]
          Resource = concat(
            ["${local.glue_arn}:catalog"],
            [for database in values(local.databases) : "${local.glue_arn}:database/${database}"],
            [for database in values(local.databases) : "${local.glue_arn}:table/${database}/*"], # every table of the two
          )
        },
        {
          Sid      = "ListObjects"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation", "s3:ListBucket"]
          Resource = local.bucket_arn
        },
        {
          Sid    = "ReadObjects"
          Effect = "Allow"
          Action = "s3:GetObject"
          # Any object below; errors/ is for error_readers alone, and what analysts have asked is theirs.
          Resource = [for prefix in concat(reverse(keys(local.modes)), ["test"]) : "${local.objects}/${prefix}/*"]
        },
        {
          Sid      = "WriteObjects"
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
          Resource = "${local.objects}/test/*" # any object below
        },
        {
          Sid      = "DeleteTestObjects"
          Effect   = "Allow"
          Action   = "s3:DeleteObject"
          Resource = "${local.objects}/test/*" # any object below, and nowhere else
        },
      ],
      local.bucket_key_statements,
      local.ci_key_statements,
      local.table_key_statements,
    )
  })
}

locals {
  # Athena encrypts results with the pipeline's key, which differs from the bucket's where another team manages that.
  ci_key_statements = local.bucket_key_arn == local.key_arn ? [] : [{
    Sid       = "EncryptResults"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
    Resource  = local.key_arn
    Condition = { StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" } }
  }]

  table_key_statements = var.table.kms_key_arn == null ? [] : [{
    Sid       = "UseTable"
    Effect    = "Allow"
    Action    = "kms:Decrypt"
    Resource  = var.table.kms_key_arn
    Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${var.region}.amazonaws.com" } }
  }]
}
