# 5.100 is what this module was applied with. It uses nothing that 6 has removed or deprecated: a specification holds every
# name of an argument against those of 6.62 (tests/terraform/provider_6.json).
#
# 6 offers what 5.100 lacks: `append_only` of a delivery stream's Iceberg destination (6.8 and later), and a partition spec
# in a Glue table's `open_table_format_input` (`iceberg_table_input`, about 6.36 and later).
terraform {
  required_version = ">= 1.11"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
