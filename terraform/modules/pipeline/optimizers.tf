# The upkeep of Iceberg tables by AWS Glue: small files into larger ones, old snapshots and the files that only they name
# away. Behind `iceberg.optimizers`: the tables must be there first (docs/deploy.md, "Iceberg mode"), the work costs by
# the DPU-hour, and moto has no optimizers.

locals {
  # "iceberg/sale/compaction" => { database = ..., table = "sale", kind = "compaction", location = "s3://..." }
  optimizers = var.iceberg.optimizers ? merge(flatten([
    for mode in local.table_modes : [
      for table in concat(local.record_types, contains(keys(local.merges), mode) ? local.current_tables : []) : {
        for kind in ["compaction", "retention", "orphan_file_deletion"] :
        "${mode}/${table}/${kind}" => {
          database = local.databases[mode]
          table    = table
          kind     = kind
          location = "s3://${var.bucket.name}/${local.root}/${local.modes[mode].delivers_to}/${table}/"
        }
      }
    ] if contains(var.modes, mode)
  ])...) : {}
}

resource "aws_glue_catalog_table_optimizer" "this" {
  for_each = local.optimizers

  catalog_id    = var.account_id
  database_name = each.value.database
  table_name    = each.value.table
  type          = each.value.kind

  configuration {
    role_arn = aws_iam_role.optimizer[0].arn
    enabled  = true

    dynamic "retention_configuration" {
      for_each = each.value.kind == "retention" ? [1] : []
      content {
        iceberg_configuration {
          snapshot_retention_period_in_days = var.iceberg.snapshot_days
          number_of_snapshots_to_retain     = 1
          clean_expired_files               = true
        }
      }
    }

    dynamic "orphan_file_deletion_configuration" {
      for_each = each.value.kind == "orphan_file_deletion" ? [1] : []
      content {
        iceberg_configuration {
          # Longer than a commit can take that Firehose retries: two hours.
          orphan_file_retention_period_in_days = 3
          location                             = each.value.location
        }
      }
    }
  }

  depends_on = [aws_iam_role_policy.optimizer]
}

resource "aws_iam_role" "optimizer" {
  count = length(local.optimizers) > 0 ? 1 : 0

  name        = "${local.name}-optimizer"
  description = "Upkeep of the Iceberg tables of ${var.environment}."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "glue.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

# Source: Glue guide, "Optimizing Iceberg tables", prerequisites.
resource "aws_iam_role_policy" "optimizer" {
  count = length(local.optimizers) > 0 ? 1 : 0

  name = "optimize"
  role = aws_iam_role.optimizer[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "RewriteFiles"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
          Resource = [for mode in local.table_modes : "${local.objects}/${local.modes[mode].delivers_to}/*"] # any object of a table
        },
        {
          Sid       = "ListFiles"
          Effect    = "Allow"
          Action    = "s3:ListBucket"
          Resource  = local.bucket_arn
          Condition = { StringLike = { "s3:prefix" = [for mode in local.table_modes : "${local.root}/${local.modes[mode].delivers_to}/*"] } } # any of theirs
        },
        {
          Sid    = "CommitToTables"
          Effect = "Allow"
          Action = ["glue:GetTable", "glue:UpdateTable"]
          Resource = concat(
            ["${local.glue_arn}:catalog"],
            [for mode in local.table_modes : "${local.glue_arn}:database/${local.databases[mode]}"],
            distinct([for one in values(local.optimizers) : "${local.glue_arn}:table/${one.database}/${one.table}"]),
          )
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${local.logs_arn}:/aws-glue/iceberg-*" # Glue's own groups, one for each kind of upkeep
        },
      ],
      local.bucket_key_statements,
    )
  })
}
