terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
  # Its settings are in the environment's backend.tfbackend.
  backend "s3" {}
}

# Without endpoints, keys or skipped checks: AWS_ENDPOINT_URL and TF_VAR_local_endpoint lead the same root to a local one.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
  # The provider's 25 attempts are minutes of waiting for what a local endpoint does not have.
  max_retries = var.local_endpoint ? 2 : null
  # Over http a bucket with dots in its name would be looked for at <bucket>.<endpoint>.
  s3_use_path_style = var.local_endpoint

  default_tags {
    tags = {
      Environment   = var.environment
      ProductCode   = "PRD3292"
      InventoryCode = "dmnd-pipeline"
    }
  }
}
