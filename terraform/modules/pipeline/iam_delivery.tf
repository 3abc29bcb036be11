# The delivery streams' roles. A stream reads the source, calls its own function, reads its own table's schema and writes
# below its own prefixes. Source: Firehose guide, "Controlling access with Firehose".

resource "aws_iam_role" "delivery" {
  for_each = local.functions

  name        = "${local.stream_names[each.key]}-delivery"
  description = "Role of the delivery stream ${local.stream_names[each.key]}."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "firehose.amazonaws.com" }
      # Against the confused deputy: Firehose passes the account that it acts for as the external id (guide, as above).
      # AWS does not document that it also passes aws:SourceArn; docs/deploy.md lists that as a thing to try in dev1.
      Condition = { StringEquals = { "sts:ExternalId" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "delivery" {
  for_each = local.functions

  name = "deliver"
  role = aws_iam_role.delivery[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "ReadChanges"
          Effect   = "Allow"
          Action   = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]
          Resource = var.source_stream.arn
        },
        {
          Sid      = "Transform"
          Effect   = "Allow"
          Action   = ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]
          Resource = local.alias_arns[each.key]
        },
        {
          Sid      = "FindBucket"
          Effect   = "Allow"
          Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
          Resource = local.bucket_arn
        },
        {
          Sid      = "Deliver"
          Effect   = "Allow"
          Action   = concat(["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"], each.value.destination == "iceberg" ? ["s3:DeleteObject"] : [])
          Resource = local.delivered_objects[each.key]
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = "logs:PutLogEvents"
          Resource = "${local.logs_arn}:${local.stream_logs[each.key]}:log-stream:${local.stream_log}"
        },
      ],
      each.value.converts ? local.schema_statements[each.key] : [],
      each.value.destination == "iceberg" ? local.commit_statements[each.key] : [],
      local.bucket_key_statements,
      local.source_key_statements,
    )
  })
}

locals {
  delivered_objects = {
    for key, one in local.functions : key => concat(
      # Any object of its types.
      [for type in one.types : "${local.objects}/${one.delivers_to}/${type}/*" if one.delivers_to != null],
      # Below any kind of error, its own objects: Firehose begins their names with the stream's.
      ["${local.objects}/errors/firehose/*/${local.stream_names[key]}-*"],
    )
  }

  schema_statements = {
    for key, one in local.functions : key => [{
      Sid    = "ReadSchema"
      Effect = "Allow"
      Action = ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"]
      Resource = [
        "${local.glue_arn}:catalog",
        "${local.glue_arn}:database/${one.database}",
        "${local.glue_arn}:table/${one.database}/${local.table_inputs[one.types[0]][one.files].Name}",
      ]
    }] if one.converts
  }

  # A commit is an update of the table in the catalog. Firehose makes no tables and no databases.
  commit_statements = {
    for key, one in local.functions : key => [{
      Sid    = "CommitToTables"
      Effect = "Allow"
      Action = ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"]
      Resource = concat(
        ["${local.glue_arn}:catalog", "${local.glue_arn}:database/${one.database}"],
        [for type in one.types : "${local.glue_arn}:table/${one.database}/${type}"],
      )
    }] if one.destination == "iceberg"
  }

  source_key_statements = var.source_stream.kms_key_arn == null ? [] : [{
    Sid      = "DecryptChanges"
    Effect   = "Allow"
    Action   = "kms:Decrypt"
    Resource = var.source_stream.kms_key_arn
    Condition = {
      StringEquals = {
        "kms:ViaService"                        = "kinesis.${var.region}.amazonaws.com"
        "kms:EncryptionContext:aws:kinesis:arn" = var.source_stream.arn
      }
    }
  }]
}
