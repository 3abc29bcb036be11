output "delivery_streams" {
  description = "The delivery streams' names by what they serve: a record type, or avro for all of them."
  value       = module.pipeline.delivery_streams
}

output "functions" {
  description = "What Firehose calls: the ARNs of the functions' aliases."
  value       = module.pipeline.functions
}

output "databases" {
  description = "The Glue databases by mode."
  value       = module.pipeline.databases
}

output "tables" {
  description = "Tables and views that analysts query, in either database."
  value       = module.pipeline.tables
}

output "lake" {
  description = "What `dmd query --lake` takes."
  value       = module.pipeline.lake
}

output "source_stream" {
  description = "What `dmd sample --to` takes."
  value       = module.pipeline.source_stream
}

output "shards_needed" {
  description = "Shards that the source stream needs for its readers at the peak given."
  value       = module.pipeline.shards_needed
}

output "workgroup" {
  description = "The analysts' Athena workgroup."
  value       = module.pipeline.workgroup
}

output "dashboard" {
  description = "Address of the dashboard."
  value       = module.pipeline.dashboard
}

output "alarm_topic" {
  description = "ARN of the topic that alarms go to."
  value       = module.pipeline.alarm_topic
}

output "kms_key" {
  description = "ARN of the key that the lake, the logs and query results are under: who reads them needs it."
  value       = module.pipeline.kms_key
}

output "ci_role" {
  description = "ARN of the role that end-to-end tests take; null where no principal is given."
  value       = module.pipeline.ci_role
}

output "bucket_rules" {
  description = "What a bucket that is not managed here must hold to: its policy, and what expires after how many days."
  value       = module.pipeline.bucket_rules
}
