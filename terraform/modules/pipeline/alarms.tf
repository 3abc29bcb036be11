# What wakes somebody. One table of alarms; each says what it means and where to go on (docs/deploy.md, "Alarms").

locals {
  topic_arn = var.alarms.topic_arn == null ? aws_sns_topic.alarms[0].arn : var.alarms.topic_arn
  lag_ms    = var.alarms.lag_minutes * 60 * 1000

  # Reasons that transform/outcome.py counts; the first four only where a function claims what has no readable type.
  claimed_reasons = ["not_json", "not_a_change", "no_image", "no_type"]
  reasons         = ["invalid", "too_large", "not_written", "bug"]

  # Firehose's metrics, by delivery stream. Source: Firehose guide, "Monitor with CloudWatch metrics".
  firehose_alarms = {
    freshness = {
      metric = "DeliveryToS3.DataFreshness", statistic = "Maximum", above = var.alarms.lag_minutes * 60, periods = 3
      means  = "The oldest record that is not in S3 yet is this many seconds old."
    }
    lag = {
      metric = "KinesisMillisBehindLatest", statistic = "Maximum", above = local.lag_ms, periods = 3
      means  = "The delivery stream reads slower than changes come. What is unread at the end of the source's retention is lost."
    }
    processing = {
      metric = "ExecuteProcessing.Success", statistic = "Average", below = 1, periods = 1
      means  = "Calls of the function failed as a whole: the deployment is broken, or it ran out of time."
    }
    delivery = {
      metric = "DeliveryToS3.Success", statistic = "Average", below = 1, periods = 1
      means  = "Puts to S3 failed: the role, the key or the bucket's policy."
    }
    throttled-reads = {
      metric = "ThrottledGetRecords", statistic = "Sum", above = 0, periods = 3
      means  = "Too many readers for the source's shards: see the output shards_needed."
    }
  }
  conversion_alarms = {
    conversion = {
      metric = "FailedConversion.Records", statistic = "Sum", above = 0, periods = 1
      means  = "Rows did not fit the Glue table: the table is older than the function. They are under errors/firehose/."
    }
  }
  partition_alarms = {
    partitions = {
      metric = "PartitionCount", statistic = "Maximum", above = var.alarms.partition_limit * 0.8, periods = 1
      means  = "Over 80 % of the active partitions: a replay or backfill of many days. Slow it down, or raise the quota."
    }
    partitions-exceeded = {
      metric = "PartitionCountExceeded", statistic = "Maximum", above = 0, periods = 1
      means  = "Records of further partition dates went to errors/firehose/activePartitionExceeded/: replay them."
    }
  }
  # The function's own metrics, by its service and delivery stream (transform/telemetry.py).
  function_alarms = {
    change-age = {
      metric = "ChangeAge", statistic = "Maximum", above = var.alarms.change_age_seconds * 1000, periods = 3
      means  = "Changes are old when they arrive (REQ-1), so DynamoDB is late to Kinesis; or somebody replays or backfills."
    }
  }

  per_stream = merge([
    for key, one in local.functions : merge(
      { for name, alarm in merge(local.firehose_alarms, one.converts ? local.conversion_alarms : {}, one.partitions ? local.partition_alarms : {}) : "${key}-${name}" => merge(
        { above = null, below = null }, alarm, { namespace = "AWS/Firehose", dimensions = { DeliveryStreamName = local.stream_names[key] } }
      ) },
      { for name, alarm in local.function_alarms : "${key}-${name}" => merge(
        { above = null, below = null }, alarm, { namespace = local.metric_namespace, dimensions = local.metric_dimensions[key] }
      ) },
      { for reason in concat(local.reasons, one.claims ? local.claimed_reasons : []) : "${key}-failed-${reason}" => {
        namespace  = local.metric_namespace, metric = "RecordsFailed", statistic = "Sum", above = 0, below = null, periods = 1
        dimensions = merge(local.metric_dimensions[key], { reason = reason })
        means      = "Records failed: ${reason}. They are kept under errors/: `dmd errors` shows where and why, `dmd replay` sends them again."
      } },
      {
        "${key}-throttled" = {
          namespace  = "AWS/Lambda", metric = "Throttles", statistic = "Sum", above = 0, below = null, periods = 3
          dimensions = { FunctionName = local.function_names[key] }
          means      = "The account or the function has no concurrency left; Firehose tries again and falls behind."
        }
        "${key}-duration" = {
          namespace  = "AWS/Lambda", metric = "Duration", statistic = "Maximum", above = one.timeout_seconds * 1000 * 0.8, below = null, periods = 1
          dimensions = { FunctionName = local.function_names[key] }
          means      = "A call took over 80 % of its time. Past the end the whole batch fails."
        }
      },
    )
  ]...)

  shared_alarms = {
    source-throttled = {
      namespace  = "AWS/Kinesis", metric = "ReadProvisionedThroughputExceeded", statistic = "Average", above = 0, below = null, periods = 3
      dimensions = { StreamName = var.source_stream.name }
      means      = "Readers of the source hinder each other: see the output shards_needed."
    }
    error-objects = {
      namespace  = "AWS/S3", metric = "PutRequests", statistic = "Sum", above = 0, below = null, periods = 1
      dimensions = { BucketName = var.bucket.name, FilterId = aws_s3_bucket_metric.errors.name }
      means      = "Objects appeared under data-pipeline/errors/: `dmd errors` shows where and why."
    }
  }

  metric_dimensions = {
    for key, one in local.functions : key => { service = "transform-${join("-", one.types)}", stream = local.stream_names[key] }
  }
  alarms = merge(local.per_stream, local.shared_alarms)

  # By query, since DynamoDB counts them by a further dimension (DelegatedOperation) whose values are nowhere listed.
  replication_alarms = {
    replication-age = {
      metric = "MAX(AgeOfOldestUnreplicatedRecord)", above = var.alarms.change_age_seconds * 1000
      means  = "DynamoDB does not get its changes into Kinesis: too few shards, or no permission. It gives up after 24 hours."
    }
    replication-failed = {
      metric = "SUM(FailedToReplicateRecordCount)", above = 0
      means  = "Changes never reached Kinesis, and never will: backfill the items that changed since (`dmd backfill`)."
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
  # A type without changes at night has no metrics, and nothing wrong with it.
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

# Firehose's four words for a key that it may not use, as one alarm for each delivery stream.
resource "aws_cloudwatch_metric_alarm" "key" {
  for_each = local.functions

  alarm_name          = "${local.name}-${each.key}-key"
  alarm_description   = "Firehose may not use a key: its policy, or the key is disabled or gone. Nothing is delivered until it may."
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

resource "aws_sns_topic" "alarms" {
  count = var.alarms.topic_arn == null ? 1 : 0

  name              = "${local.name}-alarms"
  kms_master_key_id = local.key_arn
}

resource "aws_sns_topic_policy" "alarms" {
  count = var.alarms.topic_arn == null ? 1 : 0

  arn = aws_sns_topic.alarms[0].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms[0].arn
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        # The alarms of this environment.
        ArnLike = { "aws:SourceArn" = "arn:aws:cloudwatch:${var.region}:${var.account_id}:alarm:${local.name}-*" }
      }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = var.alarms.topic_arn == null ? toset(var.alarms.emails) : []

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = each.value
}
