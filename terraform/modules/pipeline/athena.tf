locals {
  workgroups = merge(
    { analysts = { name = local.name, of = "Queries over the change history of ${var.environment}.", results = "athena/results" } },
    # Of their own, so that end-to-end tests can delete their results, and read nobody else's.
    length(var.ci_principals) == 0 ? {} : {
      ci = { name = "${local.name}-ci", of = "End-to-end tests of ${var.environment}.", results = "test/athena/results" }
    },
  )
}

resource "aws_athena_workgroup" "this" {
  for_each = local.workgroups

  name        = each.value.name
  description = each.value.of
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
      output_location = "s3://${var.bucket.name}/${local.root}/${each.value.results}/"
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
  # Columnar files where there are any: queries scan less of them.
  queried_mode = concat([for mode in sort(var.modes) : mode if local.modes[mode].converts], sort(var.modes))[0]
}

resource "aws_athena_named_query" "this" {
  for_each = var.athena.saved_queries ? local.queries : {}

  name        = each.key
  description = trimprefix(split("\n", each.value)[0], "-- ")
  workgroup   = aws_athena_workgroup.this["analysts"].id
  database    = local.databases[local.queried_mode]
  query       = each.value
}
