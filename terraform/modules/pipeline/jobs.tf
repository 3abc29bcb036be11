# The jobs over the lake, as AWS Glue runs them (docs/operations.md, "Jobs on AWS"), and everything in which they differ. A
# further job is one row here. Constants alone, as in modes.tf.

locals {
  job_rows = {
    backfill = {
      command  = "backfill"
      reads    = local.archive_paths
      puts     = concat(local.archive_paths, ["${local.root}/errors/records", "${local.root}/errors/firehose"]) # as function and stream do
      deletes  = local.archive_paths                                                                            # what it has put itself and a compaction has replaced meanwhile
      versions = false                                                                                          # whether it reads and deletes noncurrent versions of what it reads
      erasure  = true                                                                                           # whether it uses the key of the list of erased subjects
      exports  = true                                                                                           # whether it reads exports of the table
      scratch  = false                                                                                          # whether it fills a scratch lake
      catalog  = []                                                                                             # what it does to Iceberg tables in Glue's catalog
      graphs   = {}
    }
    compact = {
      command  = "compact"
      reads    = local.archive_paths
      puts     = local.archive_paths
      deletes  = local.archive_paths
      versions = false
      erasure  = false
      exports  = false
      scratch  = false
      catalog  = []
      graphs = {
        "Files before and after compaction" = ["files_before", "files_after", "partitions"]
        "Bytes before and after compaction" = ["bytes_before", "bytes_after"]
      }
    }
    # Beside functions, streams and backfills it alone writes what failed, and it alone deletes versions and rewrites
    # Iceberg tables: optimizers compact these, and a backfill into them is not a job's.
    erase = {
      command  = "erase"
      reads    = concat(local.archive_paths, ["${local.root}/errors"])
      puts     = concat(local.archive_paths, ["${local.root}/errors"])
      deletes  = []
      versions = true
      erasure  = true
      exports  = false
      scratch  = false
      catalog  = ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"]
      graphs   = {}
    }
    reconcile = {
      command  = "reconcile"
      reads    = concat(local.archive_paths, ["${local.root}/errors/records", "dmd-replay"])
      puts     = []
      deletes  = []
      versions = false
      erasure  = false
      exports  = true
      scratch  = true
      catalog  = ["glue:GetDatabase", "glue:GetTable"]
      graphs   = { "Items that reconciliation cannot explain" = ["unexplained"] }
    }
  }

  # The archive's files. An Iceberg table is not its files: whoever puts one into its folder adds nothing to it.
  archive_paths = [
    for folder in local.archive_folders : "${local.root}/${folder}" if !contains([for mode in local.table_modes : local.modes[mode].delivers_to], folder)
  ]
  # The Iceberg tables' files, while a mode writes some.
  table_paths = [for mode in local.table_modes : "${local.root}/${local.modes[mode].delivers_to}" if contains(var.modes, mode)]

  jobs = {
    for name, settings in var.jobs : name => merge(settings, local.job_rows[name], {
      name = "${local.name}-${name}"
      role = "${local.name}-${name}-job"
      logs = "/aws-glue/jobs/${local.name}-${name}"
      # Not in the rows, which the validation of var.jobs reads: they know no variable that may be invalid itself.
      reads   = concat(local.job_rows[name].reads, contains(local.job_rows[name].catalog, "glue:GetTable") ? local.table_paths : [])
      puts    = concat(local.job_rows[name].puts, contains(local.job_rows[name].catalog, "glue:UpdateTable") ? local.table_paths : [])
      deletes = concat(local.job_rows[name].deletes, contains(local.job_rows[name].catalog, "glue:UpdateTable") ? local.table_paths : [])
      command = join(" ", concat(
        [local.job_rows[name].command],
        local.job_rows[name].scratch ? ["--scratch s3://${var.scratch.bucket}"] : [],
        local.job_rows[name].erasure && var.erasure_key_arn != null ? ["--erasure-key ${var.erasure_key_arn}"] : [],
      ))
    }) if contains(keys(local.job_rows), name)
  }
  scheduled_jobs = { for name, job in local.jobs : name => job if job.schedule != null }

  # What a job runs, by content: a new release leaves a run that has begun alone.
  code_folder = "dmd-code"
  job_code = length(local.jobs) == 0 ? {} : {
    for file in ["job.py", "jobs.gluewheels.zip"] : file => "${local.code_folder}/${substr(filesha256("${var.jobs_package}/${file}"), 0, 16)}/${file}"
  }
}

resource "aws_s3_object" "job_code" {
  for_each = local.job_code

  bucket     = var.bucket.name
  key        = each.value
  source     = "${var.jobs_package}/${each.key}"
  kms_key_id = local.bucket_key_arn
}

resource "aws_glue_job" "this" {
  #checkov:skip=CKV_AWS_195:the log groups and the objects are encrypted with the pipeline's key by themselves; bookmarks are off
  for_each = local.jobs

  name              = each.value.name
  description       = "dmd ${each.value.command}, on Spark."
  role_arn          = aws_iam_role.job[each.key].arn
  glue_version      = "5.1"
  execution_class   = "STANDARD" # FLEX may wait for hours, and a lease ends after ten minutes
  worker_type       = each.value.worker_type
  number_of_workers = each.value.workers
  timeout           = each.value.timeout_minutes
  max_retries       = 0

  command {
    name            = "glueetl"
    python_version  = "3"
    script_location = "s3://${var.bucket.name}/${local.job_code["job.py"]}"
  }

  execution_property {
    max_concurrent_runs = 1
  }

  # firehose/cli/aws_glue_job.py explains them. Whoever starts a run may give other options, and nothing else of ours.
  non_overridable_arguments = {
    "--command" = each.value.command
    "--lake"    = "s3://${var.bucket.name}"
    "--region"  = var.region
  }

  default_arguments = merge(each.value.options == "" ? {} : { "--options" = each.value.options }, {
    "--job-language"        = "python"
    "--job-bookmark-option" = "job-bookmark-disable"
    # A zip of wheels, and nothing from a package index. Source: Glue guide, "Using Python libraries with AWS Glue".
    "--additional-python-modules"       = "s3://${var.bucket.name}/${local.job_code["jobs.gluewheels.zip"]}"
    "--python-modules-installer-option" = "--no-index"
    "--custom-logGroup-prefix"          = each.value.logs
  })

  depends_on = [aws_cloudwatch_log_group.job, aws_iam_role_policy.job, aws_s3_object.job_code]
}

resource "aws_glue_trigger" "job" {
  for_each = local.scheduled_jobs

  name        = each.value.name
  description = "Starts ${each.value.name}."
  type        = "SCHEDULED"
  schedule    = each.value.schedule

  actions {
    job_name = aws_glue_job.this[each.key].name
  }
}

# Glue 5 writes what a script prints to the first, and what Spark says to the second (Glue guide, "Logging for AWS Glue jobs").
resource "aws_cloudwatch_log_group" "job" {
  for_each = merge([
    for name, job in local.jobs : { for kind in ["output", "error"] : "${name}/${kind}" => "${job.logs}/${kind}" }
  ]...)

  name              = each.value
  retention_in_days = var.retention_days.logs
  kms_key_id        = local.key_arn
}

# Counts the runs that fail. Glue has no metric of that, and a run that could not begin none at all.
resource "aws_cloudwatch_event_rule" "failed_job" {
  for_each = local.jobs

  name        = "${each.value.name}-failed"
  description = "Runs of ${each.value.name} that failed or took too long. An alarm watches how often it matches."
  event_pattern = jsonencode({
    source        = ["aws.glue"]
    "detail-type" = ["Glue Job State Change"]
    detail        = { jobName = [each.value.name], state = ["FAILED", "TIMEOUT"] }
  })
}

# A scheduled run that did not take place, or never succeeds. No points are the alarm.
resource "aws_cloudwatch_metric_alarm" "job_missing" {
  for_each = local.scheduled_jobs

  alarm_name          = "${local.name}-${each.key}-missing"
  alarm_description   = "No run of ${each.value.name} has succeeded for two days: look at its runs, its schedule and its log."
  namespace           = local.metric_namespace
  metric_name         = "succeeded"
  dimensions          = { job = each.value.name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 86400
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
}

locals {
  job_alarms = {
    for name, job in local.jobs : "${name}-failed" => {
      namespace  = "AWS/Events", metric = "TriggeredRules", statistic = "Sum", above = 0, below = null, periods = 1
      dimensions = { RuleName = "${job.name}-failed" }
      means      = "A run of ${job.name} failed or took too long. Its log says why, its report under dmd-jobs/reports/ what it found."
    }
  }

  # At most three graphs fit into a row of the dashboard.
  job_graphs = concat([], [
    for name, job in local.jobs : [
      for title, metrics in job.graphs : [title, [
        for metric in metrics : [local.metric_namespace, metric, "job", job.name, { label = metric, stat = "Maximum" }]
      ]]
    ]
  ]...)
}
