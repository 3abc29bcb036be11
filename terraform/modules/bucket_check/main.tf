# Warns where a bucket that another team manages lacks what modules/pipeline sets on a bucket of its own. The AWS provider
# has no data sources for these settings, so they are read through Cloud Control: whoever plans needs
# `cloudformation:GetResource`, and S3's `s3:GetBucket*` and `s3:GetEncryptionConfiguration`. Without them the check itself
# warns that it could not look.

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7" # modules/pipeline/versions.tf says what was tried
    }
  }
}

variable "bucket" {
  type        = string
  description = "The bucket's name."
}

check "bucket_rules" {
  data "aws_cloudcontrolapi_resource" "bucket" {
    type_name  = "AWS::S3::Bucket"
    identifier = var.bucket
  }

  assert {
    condition = alltrue([
      for flag in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] :
      try(jsondecode(data.aws_cloudcontrolapi_resource.bucket.properties).PublicAccessBlockConfiguration[flag], false)
    ])
    error_message = "${var.bucket} does not block all public access: a policy or an ACL could open the archive to everybody. Ask its owners to set all four settings of the public access block."
  }
  assert {
    condition     = try(jsondecode(data.aws_cloudcontrolapi_resource.bucket.properties).OwnershipControls.Rules[0].ObjectOwnership, "") == "BucketOwnerEnforced"
    error_message = "${var.bucket} allows ACLs on objects, which policies do not show. Ask its owners to set the object ownership BucketOwnerEnforced."
  }
  assert {
    condition     = try(jsondecode(data.aws_cloudcontrolapi_resource.bucket.properties).VersioningConfiguration.Status, "") == "Enabled"
    error_message = "${var.bucket} keeps no versions: what is overwritten or deleted by mistake is lost. Ask its owners to enable versioning, and to expire noncurrent versions as the output bucket_rules says."
  }
}
