# The number of shards that the source needs. A shard accepts 1 MB and 1,000 records a second, and serves 2 MB and five
# reads a second to all its readers together. Each delivery stream reads every record, once a second. So two streams at
# full rate use up a shard, and beyond five readers more shards do not help.
# Source: Kinesis Data Streams guide, "Quotas and limits"; Firehose guide, "Configure source settings".

locals {
  readers = var.ingest.other_readers + length(local.functions) # at most five: a validation of `modes`
  shards_needed = max(
    ceil(var.ingest.records_per_second / 1000),
    ceil(var.ingest.kib_per_second / 1024),
    ceil(var.ingest.kib_per_second / 1024 * local.readers / 2),
  )
}

check "enough_shards" {
  assert {
    condition     = var.source_stream.shards == null ? true : var.source_stream.shards >= local.shards_needed
    error_message = "${var.source_stream.name} has ${coalesce(var.source_stream.shards, 0)} shards, but ${local.readers} readers of ${var.ingest.kib_per_second} KiB and ${var.ingest.records_per_second} records a second need ${local.shards_needed}: they would throttle each other and fall behind. Add shards, or remove a reader."
  }
}
