output "delivery_streams" {
  description = "The delivery streams' names by what they serve: a record type, or avro for all of them."
  value       = { for key, stream in aws_kinesis_firehose_delivery_stream.this : key => stream.name }
}

output "functions" {
  description = "What Firehose calls: the ARNs of the functions' aliases."
  value       = { for key, alias in aws_lambda_alias.live : key => alias.arn }
}

output "databases" {
  description = "The Glue databases by mode."
  value       = { for mode, database in aws_glue_catalog_database.this : mode => database.name }
}

output "tables" {
  description = "Tables and views that analysts query, in either database."
  value       = sort(distinct(concat([for one in aws_glue_catalog_table.this : one.name], [for one in aws_glue_catalog_table.view : one.name])))
}

output "lake" {
  description = "What `dmd query --lake` takes."
  value       = "s3://${var.bucket.name}"
}

output "source_stream" {
  description = "What `dmd sample --to` takes."
  value       = "kinesis://${var.source_stream.name}"
}

output "shards_needed" {
  description = "Shards that the source stream needs for its readers at the peak given."
  value       = local.shards_needed
}

output "workgroup" {
  description = "The analysts' Athena workgroup."
  value       = aws_athena_workgroup.this["analysts"].name
}

output "dashboard" {
  description = "Address of the dashboard."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}

output "alarm_topic" {
  description = "ARN of the topic that alarms go to."
  value       = local.topic_arn
}

output "kms_key" {
  description = "ARN of the key that the lake, the logs and query results are under: who reads them needs it."
  value       = local.key_arn
}

output "ci_role" {
  description = "ARN of the role that end-to-end tests take; null where no principal is given."
  value       = one(aws_iam_role.ci[*].arn)
}

output "bucket_rules" {
  description = "What a bucket that is not managed here must hold to: its policy, and what expires after how many days."
  value       = { policy = local.bucket_policy, expiries = local.expiries }
}
