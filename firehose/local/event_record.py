"""One element of `records` in the event that Firehose hands to a function.

A record is built once, base64 included, and shared by all the delivery streams that read it.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import NotRequired, TypedDict

import msgspec


class KinesisRecordMetadata(TypedDict):
    """The place of a record in the Kinesis stream that it was read from."""

    shardId: str
    partitionKey: str
    approximateArrivalTimestamp: int
    sequenceNumber: str
    subsequenceNumber: int


class EventRecord(TypedDict):
    """A record in the shape of a captured event; times are epoch milliseconds, `data` is base64."""

    recordId: str
    approximateArrivalTimestamp: int
    data: str
    kinesisRecordMetadata: NotRequired[KinesisRecordMetadata]  # absent if the record was put directly
    unreadBytes: NotRequired[int]  # ours: the size of a record too large to be read, whose data is empty; it fails


def event_record(
    data: bytes,
    *,
    shard_id: str,
    partition_key: str,
    sequence_number: str,
    arrival_ms: int,
    subsequence_number: int = 0,
) -> EventRecord:
    """Return a Kinesis record in the shape in which Firehose hands it to the function.

    b"{}" -> {"recordId": "shardId-000000000000" + 128 digits + 12 digits, "approximateArrivalTimestamp": 1714564809617,
              "data": "e30=", "kinesisRecordMetadata": {"shardId": ..., "sequenceNumber": ..., ...}}
    """
    return {
        "recordId": f"{shard_id}{sequence_number:0>128}{subsequence_number:012}",
        "approximateArrivalTimestamp": arrival_ms,
        "data": msgspec.to_builtins(data),  # base64, 3 to 4 times as fast as binascii
        "kinesisRecordMetadata": {
            "shardId": shard_id,
            "partitionKey": partition_key,
            "approximateArrivalTimestamp": arrival_ms,
            "sequenceNumber": sequence_number,
            "subsequenceNumber": subsequence_number,
        },
    }


def put_directly(record: EventRecord) -> EventRecord:
    """Return the record as if it had been put into the delivery stream itself: without Kinesis metadata."""
    put = record.copy()
    del put["kinesisRecordMetadata"]
    return put


def payload_bytes(record: EventRecord) -> int:
    """Return the length of a record's payload before base64: {"data": "e30="} -> 2."""
    data = record["data"]
    return len(data) // 4 * 3 - data.count("=", -2)


def payloads_bytes(records: Sequence[EventRecord]) -> int:
    """Return the sum of their `payload_bytes`, in a third of the time of one call each."""
    encoded = [record["data"] for record in records]
    padding = sum(map(str.endswith, encoded, repeat("="))) + sum(map(str.endswith, encoded, repeat("==")))
    return sum(map(len, encoded)) // 4 * 3 - padding
