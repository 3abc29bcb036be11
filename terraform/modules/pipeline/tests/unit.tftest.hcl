# Both sides of every bound. A run takes a second, so each tries many variables. Where values are refused, each variable has
# exactly one fault, because expect_failures names the variable and not the rule.

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

run "the_least_of_everything_is_taken" {
  command = plan
  variables {
    environment   = "qa"
    modes         = ["avro"]
    region        = "eu-west-1"
    source_stream = { name = "s", arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s", shards = 1 }
    function = {
      memory_mib           = { parquet = 256, avro = 256 }
      timeout_seconds      = { parquet = 30, avro = 30 }
      reserved_concurrency = 5
    }
    buffer_seconds = 60
    lambda_buffer = {
      parquet = { mib = 0.2, seconds = 0 }
      avro    = { mib = 1, seconds = 60 }
    }
    ingest         = { records_per_second = 0.1, kib_per_second = 0.1, other_readers = 0 }
    retention_days = { errors = 14, results = 1, logs = 1, noncurrent = 1 }
    athena         = { scan_limit_gib = 1 }
    alarms         = { lag_minutes = 10, partition_limit = 500, change_age_seconds = 10, source_retention_days = 1, silent_hours = 1 }
  }
}

run "the_most_of_everything_is_taken" {
  command = plan
  variables {
    environment = "abcdefghijkl"
    modes       = ["parquet"]
    bucket      = { name = "lake", managed = false, kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/k" }
    function = {
      memory_mib      = { parquet = 10240, avro = 10240 }
      timeout_seconds = { parquet = 300, avro = 300 }
    }
    buffer_seconds = 300
    lambda_buffer = {
      parquet = { mib = 3, seconds = 59 }
      avro    = { mib = 3, seconds = 59 }
    }
    error_readers  = ["arn:aws:iam::123456789012:role/operations-*"]
    retention_days = { errors = 365, results = 365, logs = 3653, noncurrent = 90 }
    alarms = {
      lag_minutes           = 360
      partition_limit       = 5000
      change_age_seconds    = 3600
      source_retention_days = 365
      emails                = ["operations@example.com"]
      silent_hours          = 24
    }
    kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:key/k"
    log_forwarding = { stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/central" }
  }
}

run "what_is_below_the_least_is_refused" {
  command = plan
  variables {
    jobs           = { compact = { workers = 1 } }
    jobs_package   = "tests/jobs"
    environment    = "q"
    account_id     = "12345678901"
    modes          = []
    function       = { memory_mib = { parquet = 255 } }
    buffer_seconds = 59
    lambda_buffer  = { parquet = { mib = 0.19, seconds = 30 } }
    retention_days = { errors = 13 }
    athena         = { scan_limit_gib = 0.9 }
    alarms         = { lag_minutes = 9 }
  }
  expect_failures = [var.jobs, var.environment, var.account_id, var.modes, var.function, var.buffer_seconds, var.lambda_buffer, var.retention_days, var.athena, var.alarms]
}

run "what_is_above_the_most_is_refused" {
  command = plan
  variables {
    jobs           = { compact = { workers = 300 } }
    jobs_package   = "tests/jobs"
    environment    = "abcdefghijklm"
    account_id     = "1234567890123"
    function       = { memory_mib = { parquet = 10241 } }
    buffer_seconds = 301
    lambda_buffer  = { parquet = { mib = 3.1, seconds = 30 } }
    retention_days = { errors = 366 }
    alarms         = { lag_minutes = 361 }
  }
  expect_failures = [var.jobs, var.environment, var.account_id, var.function, var.buffer_seconds, var.lambda_buffer, var.retention_days, var.alarms]
}

run "what_is_of_another_kind_is_refused" {
  command = plan
  variables {
    jobs           = { compact = { schedule = "rate(1 day)" } }
    jobs_package   = "tests/jobs"
    environment    = "DEV1"
    region         = "Virginia"
    package        = "nowhere.zip"
    modes          = ["orc"]
    alarms         = { topic_arn = "arn:aws:sqs:us-east-1:123456789012:pager" }
    kms_key_arn    = "arn:aws:kms:us-east-1:123456789012:alias/k"
    log_forwarding = { stream_arn = "arn:aws:firehose:us-east-1:123456789012:deliverystream/central" }
    source_stream  = { name = "s", arn = "arn:aws:sqs:us-east-1:123456789012:s" }
    table          = { name = "t", arn = "arn:aws:s3:::t" }
    bucket         = { name = "Lake", managed = true }
    error_readers  = ["*"]
    ci_principals  = ["arn:aws:iam::123456789012:role/*"]
    retention_days = { logs = 31 }
  }
  expect_failures = [
    var.jobs, var.environment, var.region, var.package, var.modes, var.source_stream, var.table, var.bucket, var.error_readers, var.ci_principals, var.retention_days,
    var.alarms, var.kms_key_arn, var.log_forwarding,
  ]
}

run "less_than_the_least_of_a_second_bound_is_refused" {
  command = plan
  variables {
    jobs           = { compact = { timeout_minutes = 0 } }
    jobs_package   = "tests/jobs"
    source_stream  = { name = "s", arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s", shards = 0 }
    table          = { name = "t", arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t", kms_key_arn = "alias/k" }
    bucket         = { name = "lake", managed = false, kms_key_arn = "alias/k" }
    error_readers  = ["arn:aws:iam::123456789012:role/*"]
    function       = { memory_mib = { avro = 255 } }
    lambda_buffer  = { parquet = { mib = 2, seconds = -1 } }
    ingest         = { records_per_second = 1, kib_per_second = 0 }
    retention_days = { results = 0 }
    alarms         = { partition_limit = 499 }
  }
  expect_failures = [
    var.jobs, var.source_stream, var.table, var.bucket, var.error_readers, var.function, var.lambda_buffer, var.ingest, var.retention_days, var.alarms,
  ]
}

run "more_than_the_most_of_a_second_bound_is_refused" {
  command = plan
  variables {
    jobs           = { compact = { timeout_minutes = 10081 } }
    jobs_package   = "tests/jobs"
    function       = { memory_mib = { avro = 10241 } }
    lambda_buffer  = { parquet = { mib = 2, seconds = 61 } }
    retention_days = { results = 366 }
    alarms         = { partition_limit = 5001 }
  }
  expect_failures = [var.jobs, var.function, var.lambda_buffer, var.retention_days, var.alarms]
}

run "too_short_a_timeout_one_batch_default_of_two_and_a_worker_of_streaming_jobs_are_refused" {
  command = plan
  variables {
    jobs          = { compact = { worker_type = "G.025X" } }
    jobs_package  = "tests/jobs"
    source_stream = { name = "s", arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s", kms_key_arn = "alias/k" }
    alarms        = { change_age_seconds = 9 }
    function      = { timeout_seconds = { parquet = 29 } }
    lambda_buffer = { parquet = { mib = 2, seconds = 60 } }
    ingest        = { records_per_second = 1, kib_per_second = 1, other_readers = -1 }
  }
  expect_failures = [var.jobs, var.source_stream, var.alarms, var.function, var.lambda_buffer, var.ingest]
}

run "too_long_a_timeout_the_other_batch_default_and_a_key_for_a_bucket_that_gets_ours_are_refused" {
  command = plan
  variables {
    alarms        = { change_age_seconds = 3601 }
    function      = { timeout_seconds = { parquet = 301 } }
    lambda_buffer = { parquet = { mib = 1, seconds = 30 } }
    bucket        = { name = "lake", managed = true, kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/k" }
  }
  expect_failures = [var.alarms, var.function, var.lambda_buffer, var.bucket]
}

run "too_short_a_timeout_of_avro_mode_is_refused" {
  command = plan
  variables {
    function = { timeout_seconds = { avro = 29 } }
    alarms   = { source_retention_days = 0.9 }
  }
  expect_failures = [var.function, var.alarms]
}

run "too_long_a_timeout_of_avro_mode_is_refused" {
  command = plan
  variables {
    function = { timeout_seconds = { avro = 301 } }
    alarms   = { source_retention_days = 366 }
  }
  expect_failures = [var.function, var.alarms]
}

run "less_concurrency_than_firehose_uses_for_a_shard_is_refused" {
  command = plan
  variables {
    function = { reserved_concurrency = 4 }
    alarms   = { emails = ["operations"] }
  }
  expect_failures = [var.function, var.alarms]
}

run "more_than_the_most_of_a_third_bound_is_refused" {
  command = plan
  variables {
    retention_days = { noncurrent = 91 }
    alarms         = { silent_hours = 25 }
  }
  expect_failures = [var.retention_days, var.alarms]
}

run "an_operated_environment_without_readers_of_errors_and_of_alarms_is_refused" {
  command = plan
  variables {
    operated = true
  }
  expect_failures = [var.error_readers, var.alarms]
}

run "an_operated_environment_with_both_is_taken" {
  command = plan
  variables {
    operated      = true
    error_readers = ["arn:aws:iam::123456789012:role/operations"]
    alarms        = { topic_arn = "arn:aws:sns:us-east-1:123456789012:pager" }
  }
}

run "subscribers_of_a_given_topic_are_refused" {
  command = plan
  variables {
    alarms = { topic_arn = "arn:aws:sns:us-east-1:123456789012:pager", emails = ["operations@example.com"] }
  }
  expect_failures = [var.alarms]
}

run "sizes_of_a_mode_that_there_is_not_are_refused" {
  command = plan
  variables {
    function      = { memory_mib = { orc = 512 } }
    lambda_buffer = { orc = { mib = 2, seconds = 30 } }
  }
  expect_failures = [var.function, var.lambda_buffer]
}

run "a_timeout_of_a_mode_that_there_is_not_is_refused" {
  command = plan
  variables {
    function       = { timeout_seconds = { orc = 60 } }
    ingest         = { records_per_second = 0, kib_per_second = 1 }
    retention_days = { noncurrent = 0 }
    alarms         = { silent_hours = 0 }
    log_forwarding = { stream_arn = "arn:aws:kinesis:us-east-1:123456789012:stream/central", kms_key_arn = "alias/k" }
  }
  expect_failures = [var.function, var.ingest, var.retention_days, var.alarms, var.log_forwarding]
}

# The jobs over the lake. Any folder with the two files will do.
run "the_least_of_jobs_is_taken" {
  command = plan
  variables {
    jobs         = { compact = { workers = 2, timeout_minutes = 1 } }
    jobs_package = "tests/jobs"
  }
}

run "the_most_of_jobs_is_taken" {
  command = plan
  variables {
    jobs = {
      backfill  = { workers = 299, timeout_minutes = 10080, worker_type = "G.8X" }
      compact   = { schedule = "cron(15 3 ? * MON-FRI *)", options = "--older-than 2d --type sale" }
      reconcile = {}
      erase     = {}
    }
    jobs_package    = "tests/jobs"
    erasure_key_arn = "arn:aws:kms:us-east-1:123456789012:key/k"
    exports         = { bucket = "exports", prefix = "/a/b/", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/k" }
    scratch         = { bucket = "scratch", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/k" }
  }

  assert {
    condition     = strcontains(aws_iam_role_policy.job["backfill"].policy, "arn:aws:s3:::exports/a/b/*")
    error_message = "The prefix is not the folder's."
  }
}

run "a_job_without_its_code_is_refused" {
  command = plan
  variables {
    jobs         = { compact = {} }
    jobs_package = "tests"
  }
  expect_failures = [var.jobs_package]
}

run "a_backfill_without_exports_is_refused" {
  command = plan
  variables {
    jobs         = { backfill = {} }
    jobs_package = "tests/jobs"
  }
  expect_failures = [var.exports]
}

run "a_reconciliation_without_a_scratch_lake_is_refused" {
  command = plan
  variables {
    jobs         = { reconcile = {} }
    jobs_package = "tests/jobs"
    exports      = { bucket = "exports" }
  }
  expect_failures = [var.scratch]
}

run "the_lake_is_no_scratch_lake" {
  command = plan
  variables {
    scratch = { bucket = "lake" }
  }
  expect_failures = [var.scratch]
}

run "an_alias_is_no_key_of_a_job" {
  command = plan
  variables {
    exports         = { bucket = "exports", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/k" }
    scratch         = { bucket = "scratch", kms_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/k" }
    erasure_key_arn = "arn:aws:kms:us-east-1:123456789012:alias/k"
  }
  expect_failures = [var.exports, var.scratch, var.erasure_key_arn]
}
