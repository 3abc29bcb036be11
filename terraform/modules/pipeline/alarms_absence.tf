# The alarms on absence. A stage that stands still has no metric that could be too high, so each stage is compared with the
# one before it: records come out of the first, and none arrives at the second.

locals {
  read_by = { for key in keys(local.functions) : key => {
    namespace = "AWS/Firehose", metric = "DataReadFromKinesisStream.Records", dimensions = { DeliveryStreamName = local.stream_names[key] }
  } }
  received = { namespace = "AWS/Kinesis", metric = "IncomingRecords", dimensions = { StreamName = var.source_stream.name } }

  silent_alarms = merge(
    {
      replication-silent = {
        before = { namespace = "AWS/DynamoDB", metric = "ConsumedWriteCapacityUnits", dimensions = { TableName = var.table.name } }
        after  = local.received
        means  = "The table is written, but no change arrives in the source stream: check DynamoDB's streaming destination."
      }
    },
    { for key in keys(local.functions) : "${key}-silent-stream" => {
      before = local.received
      after  = local.read_by[key]
      means  = "The source receives records, but the delivery stream reads none: check its state, its role and the source's key."
    } },
    { for key in keys(local.functions) : "${key}-silent-function" => {
      before = local.read_by[key]
      after  = { namespace = local.metric_namespace, metric = "RecordsReceived", dimensions = local.metric_dimensions[key] }
      means  = "The delivery stream reads records, but the function reports none: it is not called, or its metrics are lost, and with them every alarm on them."
    } },
    # Only where Firehose itself delivers the rows.
    { for key, one in local.functions : "${key}-silent-lake" => {
      before = { namespace = local.metric_namespace, metric = "RecordsDelivered", dimensions = local.metric_dimensions[key] }
      after  = { namespace = "AWS/Firehose", metric = one.metrics.arrived, dimensions = { DeliveryStreamName = local.stream_names[key] } }
      means  = "The function returns rows, but none arrives in the lake: check the role, the key and the bucket's policy."
    } if one.delivers_to != null },
  )
}

resource "aws_cloudwatch_metric_alarm" "silent" {
  for_each = local.silent_alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.means
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  # Longer than any buffer, so that records under way do not count as missing.
  evaluation_periods = 3
  # Nothing arrived at the first stage either.
  treat_missing_data = "notBreaching"
  alarm_actions      = [local.topic_arn]
  ok_actions         = [local.topic_arn]

  metric_query {
    id          = "silent"
    label       = "Standing still"
    expression  = "IF(before > 0 AND SUM([none, counted]) == 0, 1, 0)"
    return_data = true
  }
  # FILL has nothing to fill where a metric has no point at all, and SUM ignores what is missing; so the sum is 0 then, too.
  metric_query {
    id         = "counted"
    expression = "FILL(after, 0)"
  }
  metric_query {
    id         = "none"
    expression = "before * 0"
  }

  dynamic "metric_query" {
    for_each = { before = each.value.before, after = each.value.after }
    content {
      id = metric_query.key
      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

# No change at all where there should be some. CloudWatch has no points then, and no points are the alarm.
resource "aws_cloudwatch_metric_alarm" "source_silent" {
  count = var.alarms.silent_hours == null ? 0 : 1

  alarm_name          = "${local.name}-source-silent"
  alarm_description   = "The source has received no change for ${var.alarms.silent_hours} h: is the table still written, and does DynamoDB send its changes?"
  namespace           = local.received.namespace
  metric_name         = local.received.metric
  dimensions          = local.received.dimensions
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 3600
  evaluation_periods  = var.alarms.silent_hours
  treat_missing_data  = "breaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
}
