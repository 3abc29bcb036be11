# The jobs' roles. A job reads and writes its own folders of the lake (jobs.tf), and all of them their notes.

resource "aws_iam_role" "job" {
  for_each = local.jobs

  name        = each.value.role
  description = "Role of the job ${each.value.name}."
  # No condition on the source: iam:PassRole guards the role, and Glue only accepts roles of its own account.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "glue.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "job" {
  for_each = local.jobs

  name = "work"
  role = aws_iam_role.job[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # Of all keys, since S3 answers a read of an object that does not exist with a denial where this has a condition.
          Sid      = "ListObjects"
          Effect   = "Allow"
          Action   = "s3:ListBucket"
          Resource = concat([local.bucket_arn], [for one in local.job_buckets[each.key] : one.arn])
        },
        {
          Sid    = "ReadObjects"
          Effect = "Allow"
          Action = "s3:GetObject"
          # Any object below.
          Resource = [for folder in concat(each.value.reads, ["dmd-jobs", local.code_folder]) : "${local.bucket_arn}/${folder}/*"]
        },
        {
          Sid      = "PutObjects"
          Effect   = "Allow"
          Action   = "s3:PutObject"
          Resource = [for folder in concat(each.value.puts, ["dmd-jobs"]) : "${local.bucket_arn}/${folder}/*"] # any object below
        },
        {
          Sid      = "DeleteObjects"
          Effect   = "Allow"
          Action   = "s3:DeleteObject"
          Resource = [for folder in concat(each.value.deletes, ["dmd-jobs"]) : "${local.bucket_arn}/${folder}/*"] # any object below
        },
        {
          Sid       = "PutMetrics"
          Effect    = "Allow"
          Action    = "cloudwatch:PutMetricData"
          Resource  = "*" # the action supports no resources (service authorization reference, "Amazon CloudWatch")
          Condition = { StringEquals = { "cloudwatch:namespace" = local.metric_namespace } }
        },
        {
          Sid    = "WriteLogs"
          Effect = "Allow"
          Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
          # Any log stream of the job's two groups: Glue creates one for each driver and executor.
          Resource = [for kind in ["output", "error"] : "${local.logs_arn}:${each.value.logs}/${kind}:*"]
        },
      ],
      [for one in [
        { Sid = "ListVersions", Effect = "Allow", Action = ["s3:GetBucketVersioning", "s3:ListBucketVersions"], Resource = local.bucket_arn },
        {
          Sid      = "DeleteVersions"
          Effect   = "Allow"
          Action   = ["s3:GetObjectVersion", "s3:DeleteObjectVersion"]
          Resource = [for folder in each.value.reads : "${local.bucket_arn}/${folder}/*"] # any object below
        },
      ] : one if each.value.versions],
      [for one in [
        {
          Sid    = "UseTables"
          Effect = "Allow"
          Action = each.value.catalog
          Resource = concat(["${local.glue_arn}:catalog"], flatten([
            for mode in local.table_modes : [
              "${local.glue_arn}:database/${local.databases[mode]}",
              [for table in concat(local.record_types, local.current_tables) : "${local.glue_arn}:table/${local.databases[mode]}/${table}"],
            ] if contains(var.modes, mode)
          ]))
        },
        {
          # PyIceberg writes a large file in parts, and gives them up where that fails.
          Sid      = "AbortUploads"
          Effect   = "Allow"
          Action   = "s3:AbortMultipartUpload"
          Resource = [for folder in local.table_paths : "${local.bucket_arn}/${folder}/*"] # any object below
        },
      ] : one if length(local.table_paths) > 0 && contains(each.value.catalog, one.Sid == "UseTables" ? "glue:GetTable" : "glue:UpdateTable")],
      [for one in [
        { Sid = "ReadExports", Effect = "Allow", Action = "s3:GetObject", Resource = "${local.exports_arn}/*" }, # any object below
        # Which attributes are its keys; an export does not say so.
        { Sid = "DescribeTable", Effect = "Allow", Action = "dynamodb:DescribeTable", Resource = var.table.arn },
      ] : one if each.value.exports],
      each.value.scratch ? [{
        Sid      = "FillScratchLake"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = "arn:aws:s3:::${var.scratch.bucket}/*" # all of it: it holds nothing else
      }] : [],
      each.value.erasure && var.erasure_key_arn != null ? [{
        Sid      = "UseErasureKey"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource = var.erasure_key_arn
      }] : [],
      local.bucket_key_statements,
      [for one in local.job_buckets[each.key] : {
        Sid    = "Use${one.name}Key"
        Effect = "Allow"
        Action = one.key_actions
        Condition = {
          StringEquals = { "kms:ViaService" = "s3.${var.region}.amazonaws.com" }
          StringLike   = { "kms:EncryptionContext:aws:s3:arn" = [one.arn, "${one.arn}/*"] } # the bucket's, or any object's
        }
        Resource = one.key_arn
      } if one.key_arn != null],
    )
  })
}

locals {
  exports_arn = var.exports == null ? "" : join("/", compact(["arn:aws:s3:::${var.exports.bucket}", trim(var.exports.prefix, "/")]))

  # The buckets that a job uses beside the lake's.
  job_buckets = {
    for name, job in local.jobs : name => concat(
      job.exports ? [{ name = "Exports", arn = "arn:aws:s3:::${var.exports.bucket}", key_arn = var.exports.kms_key_arn, key_actions = ["kms:Decrypt"] }] : [],
      job.scratch ? [{ name = "Scratch", arn = "arn:aws:s3:::${var.scratch.bucket}", key_arn = var.scratch.kms_key_arn, key_actions = ["kms:GenerateDataKey", "kms:Decrypt"] }] : [],
    )
  }

  # The jobs that read what failed, which the bucket's policy denies to everybody else.
  error_reading_jobs = [
    for name, job in local.jobs : "arn:aws:iam::${var.account_id}:role/${job.role}" if anytrue([for folder in job.reads : startswith(folder, "${local.root}/errors")])
  ]
}
