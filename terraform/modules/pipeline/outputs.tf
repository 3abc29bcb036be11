output "delivery_streams" {
  description = "The delivery streams' names, by key: a record type, or a mode that serves all types."
  value       = { for key, stream in aws_kinesis_firehose_delivery_stream.this : key => stream.name }
}

output "functions" {
  description = "The ARNs of the functions' aliases, which Firehose calls, by the same keys."
  value       = { for key, alias in aws_lambda_alias.live : key => alias.arn }
}

output "databases" {
  description = "The Glue databases by mode."
  value       = { for mode, database in aws_glue_catalog_database.this : mode => database.name }
}

output "tables" {
  description = "The tables and views that analysts query, in each database."
  value       = sort(distinct(concat([for one in aws_glue_catalog_table.this : one.name], [for one in aws_glue_catalog_table.view : one.name])))
}

output "lake" {
  description = "The lake's address, for `dmd query --lake`."
  value       = "s3://${var.bucket.name}"
}

output "source_stream" {
  description = "The source stream's address, for `dmd sample --to`."
  value       = "kinesis://${var.source_stream.name}"
}

output "shards_needed" {
  description = "The number of shards that the source stream needs for its readers at the peak of `ingest`."
  value       = local.shards_needed
}

output "workgroup" {
  description = "The analysts' Athena workgroup."
  value       = aws_athena_workgroup.this["analysts"].name
}

output "dashboard" {
  description = "The dashboard's address."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}

output "alarm_topic" {
  description = "The ARN of the SNS topic that alarms go to."
  value       = local.topic_arn
}

output "kms_key" {
  description = "The ARN of the key that encrypts the lake, the logs and query results. Whoever reads them needs it."
  value       = local.key_arn
}

output "ci_role" {
  description = "The ARN of the role that end-to-end tests assume; null where `ci_principals` is empty."
  value       = one(aws_iam_role.ci[*].arn)
}

output "bucket_rules" {
  description = "The rules that a bucket must have which another team manages: its policy, and the days after which objects expire."
  value       = { policy = local.bucket_policy, expiries = local.expiries }
}
