locals {
  workgroups = merge(
    { analysts = { name = local.name, description = "Queries over the change history of ${var.environment}.", results = "athena/results", limited = true } },
    # End-to-end tests have a workgroup of their own, so that they can delete their results and read no others.
    length(var.ci_principals) == 0 ? {} : {
      ci = { name = "${local.name}-ci", description = "End-to-end tests of ${var.environment}.", results = "test/athena/results", limited = true }
    },
    # A MERGE of all of history reads all of it.
    length(local.merges) == 0 ? {} : {
      merge = { name = "${local.name}-merge", description = "Merges into the current tables of ${var.environment}.", results = values(local.merges)[0].results, limited = false }
    },
  )
}

resource "aws_athena_workgroup" "this" {
  for_each = local.workgroups

  name        = each.value.name
  description = each.value.description
  # Deletes the query history with the workgroup.
  force_destroy = true

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = each.value.limited ? var.athena.scan_limit_gib * pow(1024, 3) : null

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

# Saved queries for analysts (queries/) and for compliance (glue/athena/, generated from the schemas). They are plain SQL,
# tested against a lake. The first line of each is its description.
locals {
  query_files = merge(
    { for file in fileset("${path.module}/queries", "*.sql") : trimsuffix(file, ".sql") => "${path.module}/queries/${file}" },
    { for file in fileset("${local.glue}/athena", "*.sql") : trimsuffix(file, ".sql") => "${local.glue}/athena/${file}" },
  )
  queries = { for name, path in local.query_files : name => file(path) }
  # A mode with columnar files where there is one: queries scan less of them.
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
