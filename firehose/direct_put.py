"""Records that producers put into a delivery stream themselves, without a Kinesis stream."""

import msgspec

from firehose.source import EventRecord


def direct_put_record(data: bytes, *, number: int, arrival_ms: int) -> EventRecord:
    """A record in the shape in which Firehose hands it to a function: nothing of Kinesis, not even as null.

    b"{}" -> {"recordId": "shardId-000000000000" + 128 digits + 12 digits, "approximateArrivalTimestamp": 1714564809617,
              "data": "e30="}

    Its id has the form seen since 2025, a shard of Firehose's own and a sequence number, for which `number` stands.
    """
    return {
        "recordId": f"shardId-000000000000{number:0>128}{0:012}",
        "approximateArrivalTimestamp": arrival_ms,
        "data": msgspec.to_builtins(data),
    }
