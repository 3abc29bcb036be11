output "delivery_streams" {
  description = "The delivery streams' names, by key: a record type, or a mode that serves all types."
  value       = module.pipeline.delivery_streams
}

output "functions" {
  description = "The ARNs of the functions' aliases, which Firehose calls, by the same keys."
  value       = module.pipeline.functions
}

output "databases" {
  description = "The Glue databases by mode."
  value       = module.pipeline.databases
}

output "tables" {
  description = "The tables and views that analysts query, in each database."
  value       = module.pipeline.tables
}

output "lake" {
  description = "The lake's address, for `dmd query --lake`."
  value       = module.pipeline.lake
}

output "source_stream" {
  description = "The source stream's address, for `dmd sample --to`."
  value       = module.pipeline.source_stream
}

output "shards_needed" {
  description = "The number of shards that the source stream needs for its readers at the peak of `ingest`."
  value       = module.pipeline.shards_needed
}

output "workgroup" {
  description = "The analysts' Athena workgroup."
  value       = module.pipeline.workgroup
}

output "dashboard" {
  description = "The dashboard's address."
  value       = module.pipeline.dashboard
}

output "alarm_topic" {
  description = "The ARN of the SNS topic that alarms go to."
  value       = module.pipeline.alarm_topic
}

output "kms_key" {
  description = "The ARN of the key that encrypts the lake, the logs and query results. Whoever reads them needs it."
  value       = module.pipeline.kms_key
}

output "ci_role" {
  description = "The ARN of the role that end-to-end tests assume; null where `ci_principals` is empty."
  value       = module.pipeline.ci_role
}

output "bucket_rules" {
  description = "The rules that a bucket must have which another team manages: its policy, and the days after which objects expire."
  value       = module.pipeline.bucket_rules
}
