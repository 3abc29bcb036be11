# Iceberg mode: one stream for all types, whose rows name their tables, and the upkeep of the tables.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment = "dev1"
  account_id  = "123456789012"
  # Any file, since only its hash is read.
  package = "versions.tf"
  table   = { name = "table", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/table" }
  source_stream = {
    name   = "source"
    arn    = "arn:aws:kinesis:us-east-1:123456789012:stream/source"
    shards = 2
  }
  bucket = { name = "lake", managed = true }
  ingest = { records_per_second = 100, kib_per_second = 100 }
}

run "one_stream_and_one_function_serve_all_types_beside_another_mode" {
  command = plan
  variables {
    modes  = ["avro", "iceberg"]
    alarms = { partition_limit = 1000 }
  }

  assert {
    condition     = jsonencode(keys(aws_kinesis_firehose_delivery_stream.this)) == jsonencode(["avro", "iceberg"])
    error_message = "There is not one stream for each mode."
  }
  assert {
    condition = alltrue([
      aws_lambda_function.this["iceberg"].environment[0].variables.FORMAT == "iceberg",
      aws_lambda_function.this["iceberg"].environment[0].variables.RECORD_TYPES == join(",", local.record_types),
      aws_lambda_function.this["iceberg"].environment[0].variables.CLAIMS_UNREADABLE == "true",
      aws_lambda_function.this["iceberg"].environment[0].variables.DATABASE == "prd3292_dev1_dmnd_pipeline_iceberg",
    ])
    error_message = "The function does not serve and claim all types for its own database."
  }

  # the stream lists no tables, so that a further record type replaces nothing
  assert {
    condition = alltrue([
      for one in aws_kinesis_firehose_delivery_stream.this["iceberg"].iceberg_configuration : alltrue([
        length(one.destination_table_configuration) == 0,
        one.catalog_arn == "arn:aws:glue:us-east-1:123456789012:catalog",
        one.buffering_size <= 128 && one.buffering_interval <= 900 && one.retry_duration <= 7200,
      ])
    ])
    error_message = "The stream lists tables, or Firehose would refuse it."
  }
  assert {
    condition     = length(aws_kinesis_firehose_delivery_stream.this["iceberg"].extended_s3_configuration) == 0
    error_message = "The stream has a second destination."
  }

  # terraform makes the table of errors alone, and no view
  assert {
    condition = jsonencode([for key in keys(aws_glue_catalog_table.this) : key if startswith(key, "iceberg/")]) == jsonencode(["iceberg/errors"]) && length([
      for key in keys(aws_glue_catalog_table.view) : key if startswith(key, "iceberg/")
    ]) == 0
    error_message = "Terraform makes tables that dmd iceberg tables makes."
  }

  # the stream commits to its tables, and makes and drops none
  assert {
    condition = one([
      for one in jsondecode(aws_iam_role_policy.delivery["iceberg"].policy).Statement : one if one.Sid == "CommitToTables"
      ]) == {
      Sid = "CommitToTables", Effect = "Allow", Action = ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"]
      Resource = concat(
        ["arn:aws:glue:us-east-1:123456789012:catalog", "arn:aws:glue:us-east-1:123456789012:database/prd3292_dev1_dmnd_pipeline_iceberg"],
        [for type in local.record_types : "arn:aws:glue:us-east-1:123456789012:table/prd3292_dev1_dmnd_pipeline_iceberg/${type}"],
      )
    }
    error_message = "The stream's role is not that of a writer of its tables."
  }
  assert {
    condition = one([for one in jsondecode(aws_iam_role_policy.delivery["iceberg"].policy).Statement : one.Action if one.Sid == "Deliver"]) == [
      "s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:DeleteObject",
    ]
    error_message = "The stream cannot read and remove the files of its commits."
  }
  assert {
    condition = !anytrue([
      for one in jsondecode(aws_iam_role_policy.delivery["avro"].policy).Statement : strcontains(jsonencode(one.Action), "s3:DeleteObject") || strcontains(jsonencode(one.Action), "glue:UpdateTable")
    ])
    error_message = "A stream of another mode may remove objects or change tables."
  }

  # alarms and graphs watch the metrics of the destination
  assert {
    condition = alltrue([
      aws_cloudwatch_metric_alarm.this["iceberg-freshness"].metric_name == "DeliveryToIceberg.DataFreshness",
      aws_cloudwatch_metric_alarm.this["iceberg-delivery"].metric_name == "DeliveryToIceberg.Success",
      aws_cloudwatch_metric_alarm.this["iceberg-rows"].metric_name == "DeliveryToIceberg.FailedRowCount",
      aws_cloudwatch_metric_alarm.this["avro-freshness"].metric_name == "DeliveryToS3.DataFreshness",
      contains(keys(aws_cloudwatch_metric_alarm.silent), "iceberg-silent-lake"),
      strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "DeliveryToIceberg.DataFreshness"),
    ])
    error_message = "An alarm watches a metric that this destination does not have."
  }
  assert {
    condition     = length([for key in keys(aws_cloudwatch_metric_alarm.this) : key if key == "avro-rows" || key == "iceberg-partitions" || key == "iceberg-conversion"]) == 0
    error_message = "A stream has an alarm that can never ring."
  }

  # a table's current files never expire
  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule :
      length(rule.expiration) == 0 if anytrue([for filter in rule.filter : startswith("data-pipeline/iceberg/", filter.prefix)])
    ])
    error_message = "A rule of the bucket removes files that snapshots name."
  }

  # without the variable Glue keeps no table up
  assert {
    condition     = length(aws_glue_catalog_table_optimizer.this) + length(aws_iam_role.optimizer) == 0
    error_message = "Optimizers are made unasked."
  }

  # nor does anything merge
  assert {
    condition = length(aws_sfn_state_machine.merge) + length(aws_scheduler_schedule.merge) + length(aws_iam_role.merge) + length([
      for key in concat(keys(aws_cloudwatch_metric_alarm.this), keys(aws_cloudwatch_metric_alarm.merge_missing), keys(aws_athena_workgroup.this)) : key if strcontains(key, "merge")
    ]) == 0
    error_message = "Merges are scheduled unasked."
  }
}

run "tables_are_kept_up_and_merged_where_that_is_asked_for" {
  command = plan
  variables {
    modes   = ["iceberg"]
    iceberg = { optimizers = true, snapshot_days = 7, merge = { every_minutes = 10, window_minutes = 20 } }
  }

  assert {
    condition = jsonencode(sort(keys(aws_glue_catalog_table_optimizer.this))) == jsonencode(sort(flatten([
      for table in concat(local.record_types, local.current_tables) : [for kind in ["compaction", "orphan_file_deletion", "retention"] : "iceberg/${table}/${kind}"]
    ])))
    error_message = "There is not one optimizer of each kind for each table."
  }
  assert {
    condition     = aws_glue_catalog_table_optimizer.this["iceberg/sale/retention"].configuration[0].retention_configuration[0].iceberg_configuration[0].snapshot_retention_period_in_days == 7
    error_message = "Snapshots are kept for another time."
  }
  assert {
    condition     = aws_glue_catalog_table_optimizer.this["iceberg/sale/orphan_file_deletion"].configuration[0].orphan_file_deletion_configuration[0].iceberg_configuration[0].location == "s3://lake/data-pipeline/iceberg/sale/"
    error_message = "Orphans are looked for outside the table's own place."
  }

  # both schedules start the same state machine with the generated statements
  assert {
    condition = {
      for key, one in aws_scheduler_schedule.merge : key => [one.schedule_expression, jsondecode(one.target[0].input)]
      } == {
      "iceberg/window" = ["rate(10 minutes)", { full = false, statements = [for type in local.record_types : replace(jsondecode(file("../../../glue/athena/merges.json"))[type].window, "$${seconds}", "1200")] }]
      "iceberg/full"   = ["cron(20 3 * * ? *)", { full = true, statements = [for type in local.record_types : jsondecode(file("../../../glue/athena/merges.json"))[type].full] }]
    }
    error_message = "The schedules do not merge a window and, once a day, all of history."
  }
  assert {
    condition     = toset([for one in aws_scheduler_schedule.merge : one.target[0].arn]) == toset([aws_sfn_state_machine.merge["iceberg"].arn])
    error_message = "The schedules start different state machines, so that two runs could write one table."
  }

  # an execution merges when it is the oldest; a window is skipped and a full merge waits otherwise
  assert {
    condition = jsonencode(jsondecode(aws_sfn_state_machine.merge["iceberg"].definition).States.Turn) == jsonencode({
      Type = "Choice", Default = "Skip"
      Choices = [
        { Condition = "{% $states.input.oldest = $states.context.Execution.Id %}", Next = "Merge" },
        { Condition = "{% $states.input.full %}", Next = "Wait" },
      ]
    })
    error_message = "Two runs may write one table at once."
  }
  assert {
    condition     = jsondecode(aws_sfn_state_machine.merge["iceberg"].definition).States.Merge.ItemProcessor.States.Run.Arguments.QueryExecutionContext.Database == "prd3292_dev1_dmnd_pipeline_iceberg"
    error_message = "The statements run in another database."
  }
  assert {
    condition     = aws_athena_workgroup.this["merge"].configuration[0].bytes_scanned_cutoff_per_query == null
    error_message = "A merge of all of history is cut off."
  }

  # the role reads the histories and writes the current tables, and nothing else
  assert {
    condition = jsonencode({ for one in jsondecode(aws_iam_role_policy.merge["iceberg"].policy).Statement : one.Sid => [one.Action, one.Resource] if one.Sid != "EncryptObjects" }) == jsonencode({
      ListRuns   = ["states:ListExecutions", "arn:aws:states:us-east-1:123456789012:stateMachine:prd3292-dev1-dmnd-iceberg-merge"]
      RunQueries = [["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:StopQueryExecution"], "arn:aws:athena:us-east-1:123456789012:workgroup/prd3292-dev1-dmnd-merge"]
      UseCatalog = ["athena:GetDataCatalog", "arn:aws:athena:us-east-1:123456789012:datacatalog/AwsDataCatalog"]
      FindTables = [["glue:GetDatabase", "glue:GetTable"], concat(
        ["arn:aws:glue:us-east-1:123456789012:catalog", "arn:aws:glue:us-east-1:123456789012:database/prd3292_dev1_dmnd_pipeline_iceberg"],
        [for table in concat(local.record_types, local.current_tables) : "arn:aws:glue:us-east-1:123456789012:table/prd3292_dev1_dmnd_pipeline_iceberg/${table}"],
      )]
      CommitToTables = ["glue:UpdateTable", concat(
        ["arn:aws:glue:us-east-1:123456789012:catalog", "arn:aws:glue:us-east-1:123456789012:database/prd3292_dev1_dmnd_pipeline_iceberg"],
        [for type in local.record_types : "arn:aws:glue:us-east-1:123456789012:table/prd3292_dev1_dmnd_pipeline_iceberg/${type}_current"],
      )]
      FindBucket         = [["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], "arn:aws:s3:::lake"]
      ReadTables         = ["s3:GetObject", [for table in concat(local.record_types, local.current_tables) : "arn:aws:s3:::lake/data-pipeline/iceberg/${table}/*"]]
      WriteCurrentTables = [["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], [for type in local.record_types : "arn:aws:s3:::lake/data-pipeline/iceberg/${type}_current/*"]]
      WriteResults       = [["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"], "arn:aws:s3:::lake/data-pipeline/athena/results/merges/*"]
    })
    error_message = "The role of merges is another one."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.merge_schedule["iceberg"].policy).Statement == [{
      Sid = "StartRuns", Effect = "Allow", Action = "states:StartExecution", Resource = "arn:aws:states:us-east-1:123456789012:stateMachine:prd3292-dev1-dmnd-iceberg-merge"
    }]
    error_message = "The schedules' role is another one."
  }

  # runs that fail, take too long or do not happen ring
  assert {
    condition = {
      for key in ["failed", "slow"] : key => aws_cloudwatch_metric_alarm.this["iceberg-merge-${key}"].metric_name
    } == { failed = "ExecutionsFailed", slow = "ExecutionsTimedOut" } && aws_cloudwatch_metric_alarm.merge_missing["iceberg"].treat_missing_data == "breaching"
    error_message = "A run can fail unseen."
  }
}

run "an_environment_that_does_not_write_iceberg_tables_has_no_optimizers" {
  command = plan
  variables {
    modes   = ["parquet"]
    iceberg = { optimizers = true }
  }

  assert {
    condition     = length(aws_glue_catalog_table_optimizer.this) == 0
    error_message = "Tables that are not there are kept up."
  }
}

run "ci_removes_and_replaces_nothing_of_a_table" {
  command = plan
  variables { ci_principals = ["arn:aws:iam::123456789012:role/ci"] }

  assert {
    condition = one([for one in jsondecode(aws_iam_role_policy.ci[0].policy).Statement : one if one.Effect == "Deny"]) == {
      Sid    = "KeepTables", Effect = "Deny", Resource = ["arn:aws:s3:::lake/data-pipeline/iceberg/*"]
      Action = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"]
    }
    error_message = "The CI role is not kept off the tables."
  }
}

run "the_shortest_and_the_longest_life_of_a_snapshot" {
  command = plan
  variables { iceberg = { snapshot_days = 1 } }
}

run "a_longer_one_is_refused" {
  command = plan
  variables { iceberg = { snapshot_days = 31 } }

  expect_failures = [var.iceberg]
}

run "a_window_that_a_skipped_run_would_leave_open_is_refused" {
  command = plan
  variables { iceberg = { merge = { every_minutes = 10, window_minutes = 19 } } }

  expect_failures = [var.iceberg]
}
