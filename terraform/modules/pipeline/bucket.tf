# What the bucket must hold to. Where another team keeps the bucket's rules, the output `bucket_rules` says it to them.

locals {
  bucket_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"                                         # a denial, for everybody
        Action    = "s3:*"                                      # whatever it is
        Resource  = [local.bucket_arn, "${local.bucket_arn}/*"] # and every object
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # What failed is kept with its original, personal data included: for those who replay it.
        Sid       = "ErrorsForTheirReadersOnly"
        Effect    = "Deny"
        Principal = "*" # a denial, for everybody but
        Action    = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource  = "${local.objects}/errors/*" # any object below
        Condition = { ArnNotLike = { "aws:PrincipalArn" = concat(local.delivery_role_arns, var.error_readers) } }
      },
    ]
  })

  # Firehose itself may look at what it has put; the ARNs are those of all modes, so that adding one is no change here.
  delivery_role_arns = [
    for key in keys(local.functions_of_all_modes) : "arn:aws:iam::${var.account_id}:role/${local.name}-${key}-delivery"
  ]

  # Below these prefixes nothing stays. The archive is kept for ever (REQ-5).
  expiries = {
    errors  = { prefix = "${local.root}/errors/", days = var.retention_days.errors }
    results = { prefix = "${local.root}/athena/results/", days = var.retention_days.results }
    test    = { prefix = "${local.root}/test/", days = 7 }
  }
}

resource "aws_s3_bucket_policy" "this" {
  count = var.bucket.managed && var.bucket.policy ? 1 : 0

  bucket = var.bucket.name
  policy = local.bucket_policy
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  #checkov:skip=CKV_AWS_300:every rule ends unfinished uploads after a day; the check does not see into dynamic blocks
  count = var.bucket.managed ? 1 : 0

  bucket = var.bucket.name

  dynamic "rule" {
    for_each = local.expiries
    content {
      id     = rule.key
      status = "Enabled"
      filter {
        prefix = rule.value.prefix
      }
      expiration {
        days = rule.value.days
      }
      # Where the bucket keeps versions, an expired object would still be there.
      noncurrent_version_expiration {
        noncurrent_days = 1
      }
      abort_incomplete_multipart_upload {
        days_after_initiation = 1
      }
    }
  }

  rule {
    id     = "unfinished"
    status = "Enabled"
    filter {
      prefix = "${local.root}/"
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  count = var.bucket.managed ? 1 : 0

  bucket = var.bucket.name

  rule {
    # One call of KMS for many objects instead of one for each.
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

# Objects that appear under errors/, whoever wrote them and why: Firehose counts them as delivered.
resource "aws_s3_bucket_metric" "errors" {
  bucket = var.bucket.name
  name   = "${local.name}-errors"

  filter {
    prefix = "${local.root}/errors/"
  }
}
