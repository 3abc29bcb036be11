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
          Sid      = "DescribeTable"
          Effect   = "Allow"
          Action   = ["dynamodb:DescribeTable", "dynamodb:DescribeKinesisStreamingDestination"]
          Resource = var.table.arn
        },
        {
          Sid      = "ChangeTestItems"
          Effect   = "Allow"
          Action   = ["dynamodb:PutItem", "dynamodb:DeleteItem"]
          Resource = var.table.arn
          Condition = {
            # Items of its own alone. ForAllValues is also true of a request without keys, hence the second condition.
            "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["e2e-*"] }
            Null                      = { "dynamodb:LeadingKeys" = "false" }
          }
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
            [for database in values(local.databases) : "${local.glue_arn}:table/${database}/*"], # every table of them
          )
        },
        {
          Sid      = "FindBucket"
          Effect   = "Allow"
          Action   = "s3:GetBucketLocation"
          Resource = local.bucket_arn
        },
        {
          Sid      = "ListObjects"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = local.bucket_arn
          Condition = {
            # Objects below errors/ are only counted; nobody but error_readers can read them.
            StringLike = { "s3:prefix" = [for folder in concat(local.test_folders, ["errors", "test"]) : "${local.root}/${folder}/*"] }
          }
        },
        {
          Sid      = "ReadObjects"
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = [for folder in concat(local.test_folders, ["test"]) : "${local.objects}/${folder}/*"] # any object below
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
        {
          # An object that is deleted or replaced there breaks a table, whatever else the role may be allowed one day.
          Sid      = "KeepTables"
          Effect   = "Deny"
          Action   = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"]
          Resource = [for mode in local.table_modes : "${local.objects}/${local.modes[mode].delivers_to}/*"] # any object of a table
        },
      ],
      local.bucket_key_statements,
      local.results_key_statements,
      local.table_key_statements,
    )
  })
}

locals {
  # The partition of the archive that holds the rows of test items alone, of each type and mode. Every time in a test item
  # is of this day (tests/e2e/items.py, DAY).
  test_folders = concat(
    [for folder in local.archive_folders : "${folder}/*/partition_date=1999-09-09"], # of any record type
    # A query of an Iceberg table starts with its metadata. No bound of a personal column is in them: `dmd iceberg tables`
    # turns those off.
    [for mode in local.table_modes : "${local.modes[mode].delivers_to}/*/metadata"],
  )

  # Athena encrypts results with the pipeline's key, which differs from the bucket's where another team manages that.
  results_key_statements = local.bucket_key_arn == local.key_arn ? [] : [{
    Sid       = "EncryptResults"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
    Resource  = local.key_arn
    Condition = local.bucket_key_condition
  }]

  table_key_statements = var.table.kms_key_arn == null ? [] : [{
    Sid      = "UseTable"
    Effect   = "Allow"
    Action   = "kms:Decrypt"
    Resource = var.table.kms_key_arn
    Condition = {
      StringEquals = {
        "kms:ViaService"                               = "dynamodb.${var.region}.amazonaws.com"
        "kms:EncryptionContext:aws:dynamodb:tableName" = var.table.name
      }
    }
  }]
}
