resource "aws_athena_workgroup" "this" {
  name        = local.name
  description = "Queries over the change history of ${var.environment}."
  # Its history of queries goes with it.
  force_destroy = true

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena.scan_limit_gib * pow(1024, 3)

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "s3://${var.bucket.name}/${local.root}/athena/results/"
      encryption_configuration {
        encryption_option = "SSE_KMS"
        kms_key_arn       = local.key_arn
      }
    }
  }
}

# The analysts' queries, and compliance's, which are made of the schemas. Plain SQL, tested against a lake; the first line
# of each is its description.
locals {
  query_files = merge(
    { for file in fileset("${path.module}/queries", "*.sql") : trimsuffix(file, ".sql") => "${path.module}/queries/${file}" },
    { for file in fileset("${local.glue}/athena", "*.sql") : trimsuffix(file, ".sql") => "${local.glue}/athena/${file}" },
  )
  queries = { for name, path in local.query_files : name => file(path) }
}

resource "aws_athena_named_query" "this" {
  for_each = var.athena.saved_queries ? local.queries : {}

  name        = each.key
  description = trimprefix(split("\n", each.value)[0], "-- ")
  workgroup   = aws_athena_workgroup.this.id
  database    = local.databases[contains(var.modes, "parquet") ? "parquet" : "avro"]
  query       = each.value
}
