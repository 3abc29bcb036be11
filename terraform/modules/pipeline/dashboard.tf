# The dashboard answers, from top to bottom: what is wrong, is data being lost, what failed and why, and is the cause the
# function, the lake or the source?

locals {
  alarm_arns = [
    for name in sort(concat(
      keys(local.alarms), keys(local.replication_alarms), keys(local.silent_alarms),
      [for key in keys(local.functions) : "${key}-key"], var.alarms.silent_hours == null ? [] : ["source-silent"],
      [for name in keys(local.scheduled_jobs) : "${name}-missing"],
    )) :
    "arn:aws:cloudwatch:${var.region}:${var.account_id}:alarm:${local.name}-${name}"
  ]
  keys = sort(keys(local.functions))

  # Title -> metrics of one graph, with a line for each delivery stream.
  firehose_graphs = {
    for title, metric in {
      "Not yet read from Kinesis (ms)"    = ["KinesisMillisBehindLatest", "Maximum"]
      "Not yet in the lake (s)"           = ["freshness", "Maximum"]
      "Records read"                      = ["DataReadFromKinesisStream.Records", "Sum"]
      "Calls of the function that failed" = ["ExecuteProcessing.Success", "Average"]
      "Rows that did not fit the table"   = ["misfits", "Sum"]
      "Active partitions"                 = ["PartitionCount", "Maximum"]
      "Reads throttled"                   = ["ThrottledGetRecords", "Sum"]
      } : title => [
      for key in local.keys : ["AWS/Firehose", lookup(local.functions[key].metrics, metric[0], metric[0]), "DeliveryStreamName", local.stream_names[key], { label = key, stat = metric[1] }]
    ]
  }
  function_graphs = {
    for title, metric in {
      "Rows delivered"                 = ["RecordsDelivered", "Sum"]
      "Age of changes on arrival (ms)" = ["ChangeAge", "Maximum"]
      } : title => [
      for key in local.keys : [
        local.metric_namespace, metric[0], "service", local.metric_dimensions[key].service, "stream", local.stream_names[key], { label = key, stat = metric[1] }
      ]
    ]
  }
  lambda_graphs = {
    for title, metric in {
      "Duration of a call, longest (ms)" = ["Duration", "Maximum"]
      "Calls throttled"                  = ["Throttles", "Sum"]
      "Calls under way"                  = ["ConcurrentExecutions", "Maximum"]
      } : title => [
      for key in local.keys : ["AWS/Lambda", metric[0], "FunctionName", local.function_names[key], { label = key, stat = metric[1] }]
    ]
  }
  failed = [
    for pair in flatten([
      for key in local.keys : [
        for reason in concat(local.reasons, local.functions[key].claims ? local.claimed_reasons : []) : { key = key, reason = reason }
      ]
      ]) : [
      local.metric_namespace, "RecordsFailed", "reason", pair.reason, "service", local.metric_dimensions[pair.key].service,
      "stream", local.stream_names[pair.key], { label = "${pair.key}: ${pair.reason}", stat = "Sum" }
    ]
  ]
  source_graph = [
    for metric in ["IncomingRecords", "ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded"] :
    ["AWS/Kinesis", metric, "StreamName", var.source_stream.name, { stat = "Sum" }]
  ]
  error_objects = [["AWS/S3", "PutRequests", "BucketName", var.bucket.name, "FilterId", aws_s3_bucket_metric.errors.name, { label = "objects", stat = "Sum" }]]

  rows = concat([
    ["Is anything being lost?", [
      for title in ["Not yet read from Kinesis (ms)", "Not yet in the lake (s)", "Records read"] : [title, local.firehose_graphs[title]]
    ]],
    ["What failed, and why? `dmd errors --lake s3://${var.bucket.name}` shows where each lies, `dmd replay` sends it again.", [
      ["Records failed, by reason", local.failed],
      ["Objects under errors/", local.error_objects],
      ["Rows that did not fit the table", local.firehose_graphs["Rows that did not fit the table"]],
    ]],
    ["Is it the function?", [
      ["Calls of the function that failed", local.firehose_graphs["Calls of the function that failed"]],
      ["Duration of a call, longest (ms)", local.lambda_graphs["Duration of a call, longest (ms)"]],
      ["Calls throttled", local.lambda_graphs["Calls throttled"]],
    ]],
    ["Is it the source, or the lake?", [
      ["Age of changes on arrival (ms)", local.function_graphs["Age of changes on arrival (ms)"]],
      ["Source stream", local.source_graph],
      ["Active partitions", local.firehose_graphs["Active partitions"]],
    ]],
    ["How much data is it?", [
      ["Rows delivered", local.function_graphs["Rows delivered"]],
      ["Calls under way", local.lambda_graphs["Calls under way"]],
      ["Reads throttled", local.firehose_graphs["Reads throttled"]],
    ]],
  ], length(local.job_graphs) == 0 ? [] : [["What did the jobs over the lake do?", local.job_graphs]])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name
  dashboard_body = jsonencode({
    start          = "-PT3H"
    periodOverride = "inherit"
    widgets = concat(
      # CloudWatch shows at most 100 alarms in a widget.
      [for number, arns in chunklist(local.alarm_arns, 100) : {
        type       = "alarm", x = number * 12, y = 0, width = length(local.alarm_arns) > 100 ? 12 : 24, height = 4
        properties = { title = "Alarms of ${local.name}", alarms = arns }
      }],
      flatten([
        for number, row in local.rows : concat(
          [{ type = "text", x = 0, y = 4 + number * 7, width = 24, height = 1, properties = { markdown = "### ${row[0]}" } }],
          [for column, graph in row[1] : {
            type = "metric", x = column * 8, y = 5 + number * 7, width = 8, height = 6
            properties = {
              title = graph[0], region = var.region, period = 60, view = "timeSeries", metrics = graph[1]
            }
          }]
        )
      ])
    )
  })
}
