# The names, modes and permissions of an environment. The record types are those of glue/schemas.

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

run "parquet_mode_has_a_function_and_a_delivery_stream_for_each_type" {
  command = plan

  # parquet mode has a function and a delivery stream for each record type
  assert {
    condition     = alltrue([for made in [aws_kinesis_firehose_delivery_stream.this, aws_lambda_function.this] : jsonencode(keys(made)) == jsonencode(local.record_types)])
    error_message = "The streams or functions are not one for each record type."
  }
  assert {
    condition     = aws_kinesis_firehose_delivery_stream.this["sale"].name == "prd3292-dev1-dmnd-sale"
    error_message = "The delivery stream has another name than the domain gives it."
  }
  assert {
    condition = alltrue([
      for name, function in aws_lambda_function.this : function.environment[0].variables.RECORD_TYPES == name && function.environment[0].variables.FORMAT == "parquet"
    ])
    error_message = "A function does not serve exactly its own type."
  }

  # exactly one function of parquet mode claims records without a readable type
  assert {
    condition     = [for name, one in aws_lambda_function.this : name if one.environment[0].variables.CLAIMS_UNREADABLE == "true"] == [sort(local.record_types)[0]]
    error_message = "Not exactly the first type by name claims records without a readable type."
  }

  # a delivery stream converts by the table of its own type
  assert {
    condition = alltrue([
      for name, stream in aws_kinesis_firehose_delivery_stream.this : alltrue([
        stream.extended_s3_configuration[0].data_format_conversion_configuration[0].schema_configuration[0].table_name == name,
        stream.extended_s3_configuration[0].data_format_conversion_configuration[0].schema_configuration[0].database_name == "prd3292_dev1_dmnd_pipeline_parquet",
      ])
    ])
    error_message = "A stream converts by another type's table."
  }

  # a delivery stream calls the alias so that a release does not change it
  assert {
    condition = alltrue([
      for stream in aws_kinesis_firehose_delivery_stream.this : anytrue([
        for parameter in stream.extended_s3_configuration[0].processing_configuration[0].processors[0].parameters :
        parameter.parameter_name == "LambdaArn" && endswith(parameter.parameter_value, ":live")
      ])
    ])
    error_message = "A stream does not call the function's alias."
  }

  # a delivery stream reaches its own function table and prefix alone
  assert {
    condition = alltrue(flatten([
      for name, policy in aws_iam_role_policy.delivery : [
        for other in local.record_types : !strcontains(policy.policy, "-${other}:live") && !strcontains(policy.policy, "parquet/${other}") if other != name
      ]
    ]))
    error_message = "A role reaches another type's function or prefix."
  }
  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.delivery : !strcontains(policy.policy, "Delete")])
    error_message = "A role may delete."
  }

  # firehose assumes its roles only for this account
  assert {
    condition = alltrue([
      for role in aws_iam_role.delivery : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["sts:ExternalId"] == "123456789012"
    ])
    error_message = "A role can be assumed for another account."
  }

  # the archive never expires
  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule :
      length(rule.expiration) == 0 || contains(["data-pipeline/errors/", "data-pipeline/athena/results/", "data-pipeline/test/"], rule.filter[0].prefix)
    ])
    error_message = "A rule expires objects of the archive."
  }

  # the bucket refuses plain http
  assert {
    condition = anytrue([
      for one in jsondecode(aws_s3_bucket_policy.this[0].policy).Statement : alltrue([
        one.Effect == "Deny", one.Principal == "*", one.Action == "s3:*",
        jsonencode(one.Resource) == jsonencode(["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]),
        jsonencode(one.Condition) == jsonencode({ Bool = { "aws:SecureTransport" = "false" } }),
      ])
    ])
    error_message = "The bucket answers plain HTTP."
  }

  # without a principal there is no ci role, and no workgroup for it
  assert {
    condition     = length(aws_iam_role.ci) == 0 && jsonencode(keys(aws_athena_workgroup.this)) == jsonencode(["analysts"])
    error_message = "The CI role or its workgroup is created."
  }

  # a dashboard widget shows every alarm
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.alarms) == length(concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.replication), values(aws_cloudwatch_metric_alarm.key), values(aws_cloudwatch_metric_alarm.silent)))
    error_message = "The dashboard lacks alarms."
  }
}

run "avro_mode_has_one_of_each_for_all_types" {
  command = plan
  variables {
    modes = ["avro"]
  }

  # avro mode has one function for all and a delivery stream without conversion
  assert {
    condition     = keys(aws_lambda_function.this) == ["avro"] && keys(aws_kinesis_firehose_delivery_stream.this) == ["avro"]
    error_message = "There is not one stream and one function."
  }
  assert {
    condition = alltrue([
      aws_lambda_function.this["avro"].environment[0].variables.RECORD_TYPES == join(",", local.record_types),
      aws_lambda_function.this["avro"].environment[0].variables.CLAIMS_UNREADABLE == "true",
      aws_lambda_function.this["avro"].environment[0].variables.FORMAT == "avro",
    ])
    error_message = "The function does not serve and claim all types."
  }
  assert {
    condition = alltrue([
      length(aws_kinesis_firehose_delivery_stream.this["avro"].extended_s3_configuration[0].data_format_conversion_configuration) == 0,
      length(aws_kinesis_firehose_delivery_stream.this["avro"].extended_s3_configuration[0].dynamic_partitioning_configuration) == 0,
    ])
    error_message = "The stream converts or partitions."
  }

  # an archive of another mode stays queryable; of Iceberg's tables that of errors alone is Terraform's
  assert {
    condition     = length(aws_glue_catalog_table.this) == 2 * (length(local.record_types) + 1) + 1 && length(aws_glue_catalog_table.view) == 2 * length(local.record_types)
    error_message = "A database lacks a table or a view."
  }
}

run "both_modes_stand_side_by_side" {
  command = plan
  variables {
    modes = ["parquet", "avro"]
  }

  # both modes run side by side, and in each one function claims
  assert {
    condition     = jsonencode(keys(aws_kinesis_firehose_delivery_stream.this)) == jsonencode(sort(concat(local.record_types, ["avro"])))
    error_message = "The streams are not those of both modes."
  }
  assert {
    condition     = length([for one in aws_lambda_function.this : 1 if one.environment[0].variables.CLAIMS_UNREADABLE == "true"]) == 2
    error_message = "Not exactly one function of each mode claims records without a readable type."
  }

  # a delivery stream respects limits that neither terraform nor the provider checks
  assert {
    condition = alltrue([
      for stream in aws_kinesis_firehose_delivery_stream.this : alltrue([
        stream.extended_s3_configuration[0].buffering_size >= 64,
        stream.extended_s3_configuration[0].buffering_interval >= 60,
        stream.extended_s3_configuration[0].compression_format == "UNCOMPRESSED",
        strcontains(stream.extended_s3_configuration[0].error_output_prefix, "!{firehose:error-output-type}/"),
        !strcontains(stream.extended_s3_configuration[0].prefix, "!{firehose:error-output-type}"),
      ])
    ])
    error_message = "Firehose would refuse the stream."
  }

  # a function writes below its own prefixes alone and reads nothing
  assert {
    condition = jsonencode(flatten([
      for one in jsondecode(aws_iam_role_policy.function["sale"].policy).Statement : one.Resource if strcontains(jsonencode(one.Action), "s3:")
    ])) == jsonencode(["arn:aws:s3:::lake/data-pipeline/errors/records/*"])
    error_message = "A function of Parquet mode writes more than error documents."
  }
  assert {
    condition = jsonencode(flatten([
      for one in jsondecode(aws_iam_role_policy.function["avro"].policy).Statement : one.Resource if strcontains(jsonencode(one.Action), "s3:")
    ])) == jsonencode(["arn:aws:s3:::lake/data-pipeline/errors/records/*", "arn:aws:s3:::lake/data-pipeline/avro/*"])
    error_message = "The function of Avro mode writes more than containers and error documents."
  }
  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.function : !strcontains(policy.policy, "s3:Get") && !strcontains(policy.policy, "s3:List") && !strcontains(policy.policy, "Delete")
    ])
    error_message = "A function may read, list or delete objects."
  }
  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.function : !strcontains(policy.policy, "kms:Decrypt")])
    error_message = "A function may decrypt, although it reads nothing."
  }

  # a delivery stream has one alarm for all four metrics of a key that it cannot use
  assert {
    condition = alltrue([
      for key in keys(aws_kinesis_firehose_delivery_stream.this) :
      length([for query in aws_cloudwatch_metric_alarm.key[key].metric_query : query if length(query.metric) == 1]) == 4
    ])
    error_message = "An alarm watches fewer than the four metrics."
  }

  # every delivery stream has alarms on freshness and lag
  assert {
    condition = alltrue([
      for key in keys(aws_kinesis_firehose_delivery_stream.this) :
      contains(keys(aws_cloudwatch_metric_alarm.this), "${key}-freshness") && contains(keys(aws_cloudwatch_metric_alarm.this), "${key}-lag")
    ])
    error_message = "A stream lacks the alarm on freshness or on lag."
  }

  # five readers are the most that a shard serves
  assert {
    condition     = local.readers == 5
    error_message = local.readers
  }
}

run "errors_have_readers_ci_has_a_role_and_logs_go_to_the_central_stream_where_they_are_given" {
  command = plan
  variables {
    error_readers  = ["arn:aws:iam::123456789012:role/operations"]
    ci_principals  = ["arn:aws:iam::123456789012:role/ci"]
    log_forwarding = { stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/central" }
    alarms         = { partition_limit = 1000 }
  }

  # only error readers read errors, and errors expire
  assert {
    condition = anytrue([
      for one in jsondecode(aws_s3_bucket_policy.this[0].policy).Statement : alltrue([
        one.Effect == "Deny", one.Resource == "arn:aws:s3:::lake/data-pipeline/errors/*",
        contains(try(one.Condition.ArnNotLike["aws:PrincipalArn"], []), "arn:aws:iam::123456789012:role/operations"),
      ])
    ])
    error_message = "Others than error_readers may read originals."
  }
  assert {
    condition = anytrue([
      for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : rule.filter[0].prefix == "data-pipeline/errors/" && try(rule.expiration[0].days, 0) == 90
    ])
    error_message = "Error objects do not expire after 90 days."
  }

  # the ci role deletes below test alone
  assert {
    condition = jsonencode([
      for one in jsondecode(aws_iam_role_policy.ci[0].policy).Statement : one.Resource if one.Effect == "Allow" && strcontains(jsonencode(one.Action), "s3:Delete")
    ]) == jsonencode(["arn:aws:s3:::lake/data-pipeline/test/*"])
    error_message = "The CI role may delete outside test/."
  }
  assert {
    condition = alltrue([
      for one in jsondecode(aws_iam_role_policy.ci[0].policy).Statement : !strcontains(jsonencode(one.Resource), "data-pipeline/errors")
    ])
    error_message = "The CI role may read originals."
  }

  # the ci role queries in its own workgroup, deletes its own results, and reads no others
  assert {
    condition     = aws_athena_workgroup.this["ci"].configuration[0].result_configuration[0].output_location == "s3://lake/data-pipeline/test/athena/results/"
    error_message = "The CI workgroup's results are not below test/."
  }
  assert {
    condition = jsonencode([
      for one in jsondecode(aws_iam_role_policy.ci[0].policy).Statement : one.Resource if strcontains(jsonencode(one.Action), "athena:")
    ]) == jsonencode(["arn:aws:athena:us-east-1:123456789012:workgroup/prd3292-dev1-dmnd-ci"])
    error_message = "The CI role may query in another workgroup."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.ci[0].policy, "data-pipeline/athena")
    error_message = "The CI role may read the analysts' results."
  }

  # logs are forwarded where a stream is given
  assert {
    condition     = jsonencode(keys(aws_cloudwatch_log_subscription_filter.central)) == jsonencode(local.record_types)
    error_message = "Not every function's logs are forwarded."
  }

  # partitions alarm at 80 percent of the limit
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["sale-partitions"].threshold == 800
    error_message = "The threshold is not 80 % of the limit."
  }
}

run "a_bucket_that_others_keep_gets_no_rules_of_ours" {
  command = plan
  variables { bucket = { name = "lake", managed = false } }

  assert {
    condition     = length(aws_s3_bucket_policy.this) + length(aws_s3_bucket_lifecycle_configuration.this) + length(aws_s3_bucket_server_side_encryption_configuration.this) == 0
    error_message = "The bucket gets rules although another team manages it."
  }
  assert {
    condition     = strcontains(output.bucket_rules.policy, "ErrorsForTheirReadersOnly")
    error_message = "The output does not state the rules."
  }
}

run "a_given_key_and_topic_are_used_and_none_made" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-0000-4000-8000-000000000000"
    alarms      = { topic_arn = "arn:aws:sns:us-east-1:123456789012:pager" }
  }

  assert {
    condition     = length(aws_kms_key.pipeline) + length(aws_sns_topic.alarms) == 0
    error_message = "A key or a topic is created."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset(["arn:aws:sns:us-east-1:123456789012:pager"])])
    error_message = "An alarm goes to another topic."
  }
  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.function : group.kms_key_id == "arn:aws:kms:us-east-1:123456789012:key/11111111-0000-4000-8000-000000000000"])
    error_message = "Logs are under another key."
  }
  assert {
    condition     = output.kms_key == "arn:aws:kms:us-east-1:123456789012:key/11111111-0000-4000-8000-000000000000"
    error_message = "The output names another key."
  }
}

run "four_readers_at_full_rate_need_two_shards_for_each_megabyte" {
  command = plan
  variables { ingest = { records_per_second = 1, kib_per_second = 1024 } }

  assert {
    condition     = output.shards_needed == 2
    error_message = output.shards_needed
  }
}

run "one_reader_at_full_rate_needs_as_many_shards_as_the_writers" {
  command = plan
  variables {
    modes  = ["avro"]
    ingest = { records_per_second = 1500, kib_per_second = 1024 }
  }

  assert {
    condition     = output.shards_needed == 2
    error_message = output.shards_needed
  }
}

run "a_source_with_fewer_shards_than_its_readers_need_is_warned_of" {
  command = plan
  variables { ingest = { records_per_second = 1, kib_per_second = 1025 } }

  expect_failures = [check.enough_shards]
}

run "a_sixth_reader_is_refused" {
  command = plan
  variables {
    modes  = ["parquet", "avro"]
    ingest = { records_per_second = 1, kib_per_second = 1, other_readers = 1 }
  }

  expect_failures = [var.modes]
}
