# The roles of the MERGEs: of the state machine, with which Athena reads the histories and writes the current tables, and
# of the schedules that start it.

resource "aws_iam_role" "merge" {
  for_each = local.merges

  name        = each.value.role
  description = "Merges into the current tables of ${var.environment}."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

# Sources: Step Functions guide, "IAM policies for calling Athena"; Athena guide, "Fine-grained access".
resource "aws_iam_role_policy" "merge" {
  for_each = local.merges

  name = "merge"
  role = aws_iam_role.merge[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        { Sid = "ListRuns", Effect = "Allow", Action = "states:ListExecutions", Resource = each.value.arn },
        {
          Sid      = "RunQueries"
          Effect   = "Allow"
          Action   = ["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:StopQueryExecution"]
          Resource = "arn:aws:athena:${var.region}:${var.account_id}:workgroup/${local.name}-merge"
        },
        {
          Sid      = "UseCatalog"
          Effect   = "Allow"
          Action   = "athena:GetDataCatalog"
          Resource = "arn:aws:athena:${var.region}:${var.account_id}:datacatalog/AwsDataCatalog"
        },
        {
          Sid    = "FindTables"
          Effect = "Allow"
          Action = ["glue:GetDatabase", "glue:GetTable"]
          Resource = concat(
            ["${local.glue_arn}:catalog", "${local.glue_arn}:database/${each.value.database}"],
            [for table in concat(local.record_types, local.current_tables) : "${local.glue_arn}:table/${each.value.database}/${table}"],
          )
        },
        {
          Sid    = "CommitToTables"
          Effect = "Allow"
          Action = "glue:UpdateTable"
          Resource = concat(
            ["${local.glue_arn}:catalog", "${local.glue_arn}:database/${each.value.database}"],
            [for table in local.current_tables : "${local.glue_arn}:table/${each.value.database}/${table}"],
          )
        },
        {
          Sid      = "FindBucket"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
          Resource = local.bucket_arn
        },
        {
          Sid    = "ReadTables"
          Effect = "Allow"
          Action = "s3:GetObject"
          # Any object of a table.
          Resource = [for table in concat(local.record_types, local.current_tables) : "${local.objects}/${each.value.folder}/${table}/*"]
        },
        {
          # A commit removes metadata that are too old, and one that is refused the files that it has written.
          Sid      = "WriteCurrentTables"
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
          Resource = [for table in local.current_tables : "${local.objects}/${each.value.folder}/${table}/*"] # any object of a table
        },
        {
          Sid      = "WriteResults"
          Effect   = "Allow"
          Action   = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
          Resource = "${local.objects}/${each.value.results}/*" # any object below
        },
      ],
      local.bucket_key_statements,
      local.results_key_statements,
    )
  })
}

resource "aws_iam_role" "merge_schedule" {
  for_each = local.merges

  name        = "${each.value.role}-schedule"
  description = "Starts the merges into the current tables of ${var.environment}."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "merge_schedule" {
  for_each = local.merges

  name = "start"
  role = aws_iam_role.merge_schedule[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = "StartRuns", Effect = "Allow", Action = "states:StartExecution", Resource = each.value.arn }]
  })
}
