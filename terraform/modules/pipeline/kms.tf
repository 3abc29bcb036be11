# The key for data, logs, alarms and query results, where none is given. The roles' policies say who may use it.

resource "aws_kms_key" "pipeline" {
  count = var.kms_key_arn == null ? 1 : 0

  description         = "Data, logs, alarms and query results of ${local.name}."
  enable_key_rotation = true
  # The longest time in which a deletion can still be cancelled.
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Account"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${var.account_id}:root" }
        # IAM policies decide who may use the key. Without this statement nobody could ever change it (KMS guide, "Default
        # key policy").
        Action   = "kms:*"
        Resource = "*" # in a key's policy: this key
      },
      {
        Sid       = "Logs"
        Effect    = "Allow"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"]
        Resource  = "*" # this key
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = concat(
              [
                "${local.logs_arn}:/aws/lambda/${local.name}-*",          # the groups of this environment's functions
                "${local.logs_arn}:/aws/kinesisfirehose/${local.name}-*", # and of its delivery streams
              ],
              [for job in local.jobs : "${local.logs_arn}:${job.logs}/*"], # and the two of each job
            )
          }
        }
      },
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
        Resource  = "*" # this key
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
    ]
  })
}

resource "aws_kms_alias" "pipeline" {
  count = var.kms_key_arn == null ? 1 : 0

  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.pipeline[0].key_id
}

# What was written under a key that is gone can never be read again. So the key has a guard, as the delivery streams have,
# apart from theirs: it is removed whenever the key is, and refuses to be. To change the key: docs/deploy.md, "The key".
resource "terraform_data" "protected_key" {
  count = var.kms_key_arn == null && var.protect_key ? 1 : 0

  triggers_replace = aws_kms_key.pipeline[0].arn

  lifecycle {
    prevent_destroy = true
  }
}
