# The rules that the bucket must have. Where another team manages the bucket, the output `bucket_rules` states them.

locals {
  # Every action that reads an object, or what is kept beside it, or opens it to others.
  disclosing_actions = [
    "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTorrent", "s3:GetObjectVersionTorrent",
    "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", "s3:GetObjectVersionForReplication",
    "s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
    "s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:RestoreObject",
  ]

  bucket_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"                                         # a denial, for everybody
        Action    = "s3:*"                                      # of every action
        Resource  = [local.bucket_arn, "${local.bucket_arn}/*"] # on the bucket and every object
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # Failed records are kept as they came, with personal data, for those who replay them.
        Sid       = "ErrorsForTheirReadersOnly"
        Effect    = "Deny"
        Principal = "*" # a denial, for everybody except those of the condition
        Action    = local.disclosing_actions
        Resource  = "${local.objects}/errors/*" # any object below
        Condition = { ArnNotLike = { "aws:PrincipalArn" = concat(local.delivery_role_arns, local.error_reading_jobs, var.error_readers) } }
      },
    ]
  })

  # Firehose may read back what it has written. The roles of all modes are listed, so that adding a mode leaves the policy
  # as it is.
  delivery_role_arns = [
    for key in keys(local.functions_of_all_modes) : "arn:aws:iam::${var.account_id}:role/${local.name}-${key}-delivery"
  ]

  # Objects below these folders expire after so many days, and versions that were overwritten or deleted after
  # `noncurrent_days`. The archive itself is kept forever (REQ-5): its days are null. Nor may a current file of an Iceberg
  # table expire, which its snapshots still name; those that a commit has removed go as noncurrent versions.
  expiries = merge(
    {
      errors  = { prefix = "${local.root}/errors/", days = var.retention_days.errors, noncurrent_days = var.retention_days.noncurrent }
      results = { prefix = "${local.root}/athena/results/", days = var.retention_days.results, noncurrent_days = 1 }
      test    = { prefix = "${local.root}/test/", days = 7, noncurrent_days = 1 }
    },
    { for folder in local.archive_folders : folder => { prefix = "${local.root}/${folder}/", days = null, noncurrent_days = var.retention_days.noncurrent } },
    # Each renewal of a lease is a new version of its note; the code of earlier releases is noncurrent.
    length(local.jobs) == 0 ? {} : {
      for name, folder in { notes = "dmd-jobs", code = local.code_folder } : name => { prefix = "${folder}/", days = null, noncurrent_days = var.retention_days.noncurrent }
    },
  )
}

resource "aws_s3_bucket_policy" "this" {
  count = var.bucket.managed && var.bucket.policy ? 1 : 0

  bucket = var.bucket.name
  policy = local.bucket_policy

  # S3 would refuse to block public policies and to set one at the same moment.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_public_access_block" "this" {
  count = var.bucket.managed ? 1 : 0

  bucket                  = var.bucket.name
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# No object has an ACL: policies alone say who may read.
resource "aws_s3_bucket_ownership_controls" "this" {
  count = var.bucket.managed ? 1 : 0

  bucket = var.bucket.name

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

# An object that is overwritten or deleted by mistake can be brought back, for as long as noncurrent versions are kept.
resource "aws_s3_bucket_versioning" "this" {
  count = var.bucket.managed ? 1 : 0

  bucket = var.bucket.name

  versioning_configuration {
    status = "Enabled"
  }
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
      dynamic "expiration" {
        for_each = rule.value.days == null ? [] : [rule.value.days]
        content {
          days = expiration.value
        }
      }
      noncurrent_version_expiration {
        noncurrent_days = rule.value.noncurrent_days
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

  # Rules for noncurrent versions need a bucket that keeps versions.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  count = var.bucket.managed ? 1 : 0

  bucket = var.bucket.name

  rule {
    # One call to KMS for many objects instead of one for each.
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

# Counts objects that appear under errors/, whoever wrote them: Firehose counts them as delivered.
resource "aws_s3_bucket_metric" "errors" {
  bucket = var.bucket.name
  name   = "${local.name}-errors"

  filter {
    prefix = "${local.root}/errors/"
  }
}
