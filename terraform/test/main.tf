# The whole pipeline on a local AWS endpoint, with stand-ins for what a real environment has already:
#
#   AWS_ENDPOINT_URL=http://127.0.0.1:5000 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test terraform apply

terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7" # modules/pipeline/versions.tf says what was tried
    }
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
  # By default the provider tries 25 times, which takes minutes where a local endpoint lacks an operation.
  max_retries = var.local_endpoint ? 2 : null
  # By default the provider would look for a bucket at <bucket>.<endpoint>, which a local endpoint does not have.
  s3_use_path_style = var.local_endpoint

  default_tags {
    tags = {
      Environment   = var.environment
      ProductCode   = "PRD3292"
      InventoryCode = "dmnd-pipeline"
    }
  }
}

module "stand_ins" {
  source = "../modules/stand_ins"

  environment = var.environment
}

module "pipeline" {
  source = "../modules/pipeline"

  environment     = var.environment
  account_id      = var.account_id
  region          = var.region
  modes           = var.modes
  package         = var.package
  buffer_seconds  = var.buffer_seconds
  protect_streams = var.protect_streams
  protect_key     = var.protect_key
  table           = module.stand_ins.table
  source_stream   = module.stand_ins.source_stream
  ingest          = { records_per_second = 100, kib_per_second = 100 }
  ci_principals   = ["arn:aws:iam::${var.account_id}:role/ci"]
  error_readers   = ["arn:aws:iam::${var.account_id}:role/operations"]
  alarms          = { emails = ["operations@example.com"] }
  jobs            = var.jobs
  jobs_package    = var.jobs_package
  exports         = { bucket = "exports" }
  scratch         = { bucket = "scratch" }
  athena          = { saved_queries = !var.local_endpoint }

  bucket = {
    name    = module.stand_ins.bucket_name
    managed = true
    policy  = !var.local_endpoint
  }
}
