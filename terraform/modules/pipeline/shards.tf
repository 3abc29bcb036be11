# The number of shards that the source needs. A shard accepts 1 MB and 1,000 records a second, and serves 2 MB and five
# reads a second to all its readers together. Each delivery stream reads every record, once a second. So two streams at
# full rate use up a shard, and beyond five readers more shards do not help.
# Source: Kinesis Data Streams guide, "Quotas and limits"; Firehose guide, "Configure source settings".

locals {
  readers = length(local.functions) + var.ingest.other_readers
  shards_needed = max(
    ceil(var.ingest.records_per_second / 1000),
    ceil(var.ingest.kib_per_second / 1024),
    ceil(var.ingest.kib_per_second / 1024 * local.readers / 2),
  )
}

check "enough_shards" {
  assert {
    condition     = var.source_stream.shards == null ? true : var.source_stream.shards >= local.shards_needed
    error_message = "${var.source_stream.name} has ${coalesce(var.source_stream.shards, 0)} shards; ${local.readers} readers of ${var.ingest.kib_per_second} KiB and ${var.ingest.records_per_second} records a second need ${local.shards_needed}."
  }
}

check "not_too_many_readers" {
  assert {
    condition     = local.readers <= 5
    error_message = "${local.readers} consumers poll ${var.source_stream.name}; a shard can be read five times a second, so they will throttle each other however many shards there are."
  }
}
