# The alarms on what a metric shows, as one table; alarms_absence.tf has those on what no metric shows any more. Each
# description says what an alarm means; docs/deploy.md, "Alarms", says what to do.

locals {
  lag_ms = var.alarms.lag_minutes * 60 * 1000

  # The reasons in transform/outcome.py. Only a function that handles records without a readable type counts the first four.
  claimed_reasons = ["not_json", "not_a_change", "no_image", "no_type"]
  reasons         = ["invalid", "too_large", "not_written", "bug"]

  # Firehose's metrics, by delivery stream; `freshness`, `success` and `misfits` are the names that modes.tf has for those of
  # the destination. Source: Firehose guide, "Monitor with CloudWatch metrics".
  firehose_alarms = {
    freshness = {
      metric = "freshness", statistic = "Maximum", above = var.alarms.lag_minutes * 60, periods = 3
      means  = "The oldest record that is not yet in the lake is this many seconds old."
    }
    lag = {
      metric = "KinesisMillisBehindLatest", statistic = "Maximum", above = local.lag_ms, periods = 3
      means  = "The delivery stream reads more slowly than changes arrive. Changes that are unread when the source's retention ends are lost."
    }
    processing = {
      metric = "ExecuteProcessing.Success", statistic = "Average", below = 1, periods = 1
      means  = "Whole calls of the function failed: the deployment is broken, or the calls timed out."
    }
    delivery = {
      metric = "success", statistic = "Average", below = 1, periods = 1
      means  = "Writes to the lake failed: check the role, the key and the bucket's policy."
    }
    throttled-reads = {
      metric = "ThrottledGetRecords", statistic = "Sum", above = 0, periods = 3
      means  = "The source has too many readers for its shards: compare with the output shards_needed."
    }
  }
  conversion_alarms = {
    conversion = {
      metric = "misfits", statistic = "Sum", above = 0, periods = 1
      means  = "Rows did not fit the Glue table: the table is older than the function. The rows are under errors/firehose/."
    }
  }
  row_alarms = {
    rows = {
      metric = "misfits", statistic = "Sum", above = 0, periods = 1
      means  = "Rows did not fit their Iceberg table, or the table is missing: was `dmd iceberg tables --glue` run? The rows are under errors/firehose/iceberg-failed/."
    }
  }
  partition_alarms = {
    partitions = {
      metric = "PartitionCount", statistic = "Maximum", above = var.alarms.partition_limit * 0.8, periods = 1
      means  = "Over 80 % of the active partitions are in use, by a replay or backfill of many days. Slow it down, or raise the quota."
    }
    partitions-exceeded = {
      metric = "PartitionCountExceeded", statistic = "Maximum", above = 0, periods = 1
      means  = "Too many active partitions: records of further dates went to errors/firehose/activePartitionExceeded/. Replay them."
    }
  }
  # The function's own metrics, by its service and delivery stream (transform/telemetry.py).
  function_alarms = {
    change-age = {
      metric = "ChangeAge", statistic = "Maximum", above = var.alarms.change_age_seconds * 1000, periods = 3
      means  = "Changes are old when they arrive (REQ-1): DynamoDB is late, or a replay or backfill is running."
    }
  }

  per_stream = merge([
    for key, one in local.functions : merge(
      { for name, alarm in merge(local.firehose_alarms, one.converts ? local.conversion_alarms : {}, one.partitions ? local.partition_alarms : {}, one.destination == "iceberg" ? local.row_alarms : {}) : "${key}-${name}" => merge(
        { above = null, below = null }, alarm,
        { metric = lookup(one.metrics, alarm.metric, alarm.metric), namespace = "AWS/Firehose", dimensions = { DeliveryStreamName = local.stream_names[key] } }
      ) },
      { for name, alarm in local.function_alarms : "${key}-${name}" => merge(
        { above = null, below = null }, alarm, { namespace = local.metric_namespace, dimensions = local.metric_dimensions[key] }
      ) },
      { for reason in concat(local.reasons, one.claims ? local.claimed_reasons : []) : "${key}-failed-${reason}" => {
        namespace  = local.metric_namespace, metric = "RecordsFailed", statistic = "Sum", above = 0, below = null, periods = 1
        dimensions = merge(local.metric_dimensions[key], { reason = reason })
        means      = "Records failed (${reason}) and are kept under errors/. `dmd errors` shows where and why, `dmd replay` sends them again."
      } },
      {
        "${key}-throttled" = {
          namespace  = "AWS/Lambda", metric = "Throttles", statistic = "Sum", above = 0, below = null, periods = 3
          dimensions = { FunctionName = local.function_names[key] }
          means      = "The account or the function has no concurrency left. Firehose retries and falls behind."
        }
        "${key}-duration" = {
          namespace  = "AWS/Lambda", metric = "Duration", statistic = "Maximum", above = one.timeout_seconds * 1000 * 0.8, below = null, periods = 1
          dimensions = { FunctionName = local.function_names[key] }
          means      = "A call took over 80 % of the time-out. At 100 % its whole batch fails."
        }
      },
    )
  ]...)

  shared_alarms = {
    source-throttled = {
      namespace  = "AWS/Kinesis", metric = "ReadProvisionedThroughputExceeded", statistic = "Average", above = 0, below = null, periods = 3
      dimensions = { StreamName = var.source_stream.name }
      means      = "Readers of the source throttle each other: compare its shards with the output shards_needed."
    }
    error-objects = {
      namespace  = "AWS/S3", metric = "PutRequests", statistic = "Sum", above = 0, below = null, periods = 1
      dimensions = { BucketName = var.bucket.name, FilterId = aws_s3_bucket_metric.errors.name }
      means      = "Objects appeared under data-pipeline/errors/. `dmd errors` shows where and why."
    }
  }

  metric_dimensions = {
    for key, one in local.functions : key => { service = "transform-${join("-", one.types)}", stream = local.stream_names[key] }
  }
  alarms = merge(local.per_stream, local.shared_alarms, local.job_alarms, local.merge_alarms)

  # Queried, because these metrics have a further dimension (DelegatedOperation) whose values AWS does not list.
  replication_alarms = {
    replication-age = {
      metric = "MAX(AgeOfOldestUnreplicatedRecord)", above = var.alarms.change_age_seconds * 1000
      means  = "DynamoDB cannot write its changes to Kinesis: too few shards, or no permission. It gives up after 24 hours."
    }
    replication-failed = {
      metric = "SUM(FailedToReplicateRecordCount)", above = 0
      means  = "Changes did not reach Kinesis and never will. Backfill the items that have changed since (`dmd backfill`)."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.means
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.below == null ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = each.value.below == null ? each.value.above : each.value.below
  period              = 300
  evaluation_periods  = each.value.periods
  # A type without changes at night has no metrics, which is no fault.
  treat_missing_data = "notBreaching"
  alarm_actions      = [local.topic_arn]
  ok_actions         = [local.topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "replication" {
  for_each = local.replication_alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.means
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]

  metric_query {
    id          = "q"
    expression  = "SELECT ${each.value.metric} FROM \"AWS/DynamoDB\" WHERE TableName = '${var.table.name}'"
    period      = 300
    return_data = true
  }
}

# The four metrics of a key that Firehose cannot use, as one alarm for each delivery stream.
resource "aws_cloudwatch_metric_alarm" "key" {
  for_each = local.functions

  alarm_name          = "${local.name}-${each.key}-key"
  alarm_description   = "Firehose cannot use a key: its policy forbids it, or the key is disabled or deleted. Nothing is delivered until that is fixed."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]

  metric_query {
    id          = "refused"
    label       = "Refusals"
    expression  = "SUM(METRICS())"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = ["KMSKeyAccessDenied", "KMSKeyDisabled", "KMSKeyInvalidState", "KMSKeyNotFound"]
    content {
      id = lower(metric_query.value)
      metric {
        namespace   = "AWS/Firehose"
        metric_name = metric_query.value
        dimensions  = { DeliveryStreamName = local.stream_names[each.key] }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}
