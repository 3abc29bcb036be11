"""Cuts the records of a source into batches for the Lambda processor."""

from firehose.local.event_record import EventRecord
from firehose.local.processors.invocation import LAMBDA_PAYLOAD_BYTES

# The most records that one GetRecords call returns (Kinesis API reference), and so the most in any event.
BATCH_RECORDS = 10_000

# An event record without its data and partition key (which may be escaped, at six bytes a character) is 448 bytes as
# compact JSON; the event around the records about 330.
EVENT_OVERHEAD_BYTES = 512


class Batcher:
    """Gathers records to the buffer size, or for the buffer interval if a clock runs.

    Firehose's hints count raw bytes. AWS does not document whether Firehose splits a batch whose event would exceed 6
    MB. We split it, since an event that Lambda refuses would fail the whole batch.
    """

    def __init__(self, buffer_bytes: int) -> None:
        self._buffer_bytes = buffer_bytes
        self._records: list[EventRecord] = []
        self._raw_bytes = 0
        self._event_bytes = 0
        self.opened_ms: int | None = None

    def add(self, record: EventRecord, now_ms: int | None = None) -> list[EventRecord]:
        """Add one record; return the waiting batch if the record does not fit into it, else an empty one."""
        # What was not read goes alone, like any record that is too large.
        encoded = record.get("unreadBytes", 0) or len(record["data"])
        raw_bytes = encoded * 3 // 4
        event_bytes = encoded + EVENT_OVERHEAD_BYTES
        if "kinesisRecordMetadata" in record:
            event_bytes += 6 * len(record["kinesisRecordMetadata"]["partitionKey"])
        full: list[EventRecord] = []
        if self._records and (
            self._raw_bytes + raw_bytes > self._buffer_bytes
            or self._event_bytes + event_bytes > LAMBDA_PAYLOAD_BYTES - EVENT_OVERHEAD_BYTES
            or len(self._records) == BATCH_RECORDS
        ):
            full = self.take()
        if not self._records:
            self.opened_ms = now_ms
        self._records.append(record)
        self._raw_bytes += raw_bytes
        self._event_bytes += event_bytes
        return full

    def take(self) -> list[EventRecord]:
        """Remove and return all records that wait."""
        records, self._records = self._records, []
        self._raw_bytes = self._event_bytes = 0
        self.opened_ms = None
        return records
