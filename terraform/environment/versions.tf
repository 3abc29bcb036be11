terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7" # modules/pipeline/versions.tf says what was tried
    }
  }
  # The settings are in each environment's backend.tfbackend.
  backend "s3" {}
}

# Sets no endpoints and skips no checks: with AWS_ENDPOINT_URL and TF_VAR_local_endpoint the same root runs on a local
# endpoint.
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
