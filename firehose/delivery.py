"""The second half of one delivery stream: partition keys, format conversion, buffers, objects, error output."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from firehose.accounting import DELIVERED, DROPPED, FAILED, StreamReport
from firehose.buffering import Entry, Partition, RowBuffer, largest
from firehose.destination import Sink
from firehose.error_output import (
    CONVERSION_FAILED,
    PARTITIONS_EXCEEDED,
    PROCESSING_FAILED,
    ErrorBuffer,
    ErrorRecord,
    conversion_error,
    processing_error,
)
from firehose.function_reply import Failure
from firehose.metrics import Metrics
from firehose.object_format import object_format
from firehose.prefix import Instance, PartitionKeyError, check_partition, instant, name_bytes, object_name
from firehose.putting import Put, put_each
from firehose.source import EventRecord
from firehose.stream.delivery_stream import DeliveryStream

# Firehose's default quota (guide, "Quota": 500 active partitions per stream, up to 5,000 on request).
ACTIVE_PARTITIONS = 500

# Ours: a run of which every record fails keeps no more than this of one error type in memory.
ERROR_OBJECT_BYTES = 8 * 1024 * 1024

# Index in the batch, the row as JSON, the partition keys as the function answered them.
OkRecord: TypeAlias = tuple[int, bytes, Any]


class Delivery:
    """Takes what the function answered for one stream and puts objects into the sink."""

    def __init__(
        self,
        stream: DeliveryStream,
        table_input: Mapping[str, Any] | None,
        sink: Sink,
        *,
        settle: Callable[[Iterable[int], int], None],
        clock: Callable[[], int] | None,
    ) -> None:
        self.report = StreamReport(stream.name, metrics=Metrics(clock))
        self._stream = stream
        self._sink = sink
        self._settle = settle
        self._clock = clock
        self._format = object_format(stream, table_input)
        self._rows = RowBuffer(self._format.schema, ACTIVE_PARTITIONS)
        self._errors: dict[str, ErrorBuffer] = {}
        self._checked: set[tuple[str, ...]] = set()
        self._name_bytes = name_bytes(stream.name, stream.version, stream.extension)

    @property
    def size_bytes(self) -> int:
        """What the rows and errors that wait take, as JSON."""
        return self._rows.size_bytes + sum(errors.size_bytes for errors in self._errors.values())

    def drop(self, ordinals: Sequence[int]) -> None:
        """The function dropped these records."""
        self.report.dropped += len(ordinals)
        self._settle(ordinals, DROPPED)

    def fail(self, records: Sequence[EventRecord], failures: Iterable[Failure], first: int, now_ms: int | None) -> None:
        """The function failed these records of a batch, whose first has the ordinal `first`."""
        function = self._stream.processing.function
        arn = function.function_arn if function else ""
        for failure in failures:
            record = records[failure.index]
            error = processing_error(
                record,
                failure.code,
                failure.message,
                attempts=failure.attempts,
                ended_ms=_ended_ms(record, now_ms),
                lambda_arn=arn,
            )
            self._keep_error(PROCESSING_FAILED, error, record, first + failure.index, now_ms)

    def accept(self, records: Sequence[EventRecord], oks: Sequence[OkRecord], first: int, now_ms: int | None) -> None:
        """The function transformed these records of a batch, whose first has the ordinal `first`."""
        values: list[tuple[str, ...]] = []
        usable: list[OkRecord] = []
        for ok in oks:
            try:
                values.append(self._partition(ok[2]))
                usable.append(ok)
            except PartitionKeyError as unusable:
                self._fail_partition(records, ok[0], first, now_ms, str(unusable))
        converted = self._format.convert([data for _, data, _ in usable])
        for failure in converted.failures:
            index = usable[failure.index][0]
            error = conversion_error(
                records[index],
                failure.code,
                failure.message,
                ended_ms=_ended_ms(records[index], now_ms),
                table=self._format.catalog_table,
            )
            self._keep_error(CONVERSION_FAILED, error, records[index], first + index, now_ms)
        entries = []
        for place, rows in Counter(converted.owners).items():
            index, data, _ = usable[place]
            record = records[index]
            arrival_ms = record["approximateArrivalTimestamp"]
            entries.append(Entry(values[place], record["recordId"], first + index, arrival_ms, len(data), rows))
        self._buffer(converted.rows, entries, records, first, now_ms)

    def flush_all(self) -> None:
        """Everything that waits becomes objects."""
        self._flush(list(self._rows.partitions.values()))
        for kind in list(self._errors):
            self._flush_errors(kind)

    def flush_largest(self, size_bytes: int) -> None:
        """The largest partitions, `size_bytes` of rows or more, and the errors become objects."""
        self._flush(largest(self._rows.partitions.values(), size_bytes=size_bytes))
        for kind in list(self._errors):
            self._flush_errors(kind)

    def flush_due(self, now_ms: int) -> None:
        """What has waited for the buffer interval becomes objects."""
        due_ms = now_ms - self._stream.buffer_seconds * 1000
        partitions = self._rows.partitions.values()
        self._flush([each for each in partitions if each.opened_ms is not None and each.opened_ms <= due_ms])
        for kind, errors in list(self._errors.items()):
            if errors.opened_ms is not None and errors.opened_ms <= due_ms:
                self._flush_errors(kind)

    def _partition(self, keys: Any) -> tuple[str, ...]:
        # Once a row. A prefix takes hundreds of times as long to check as a set to ask, and rows of one batch have few.
        try:
            values = tuple(map(keys.get, self._stream.prefix.keys))
            if values in self._checked:
                return values
        except (AttributeError, TypeError):
            pass
        checked = check_partition(self._stream.prefix, keys, self._name_bytes)
        if len(self._checked) > 10 * ACTIVE_PARTITIONS:
            self._checked.clear()
        self._checked.add(checked)
        return checked

    def _fail_partition(
        self, records: Sequence[EventRecord], index: int, first: int, now_ms: int | None, message: str
    ) -> None:
        record = records[index]
        code = "DynamicPartitioning.MetadataExtractionFailed"
        error = processing_error(record, code, message, attempts=1, ended_ms=_ended_ms(record, now_ms))
        self._keep_error(PROCESSING_FAILED, error, record, first + index, now_ms)

    def _buffer(
        self,
        rows: pa.RecordBatch,
        entries: Sequence[Entry],
        records: Sequence[EventRecord],
        first: int,
        now_ms: int | None,
    ) -> None:
        while entries:
            taken = self._rows.add(rows, entries, now_ms)
            rows = rows.slice(sum([entry.rows for entry in entries[:taken]]))
            entries = entries[taken:]
            if entries and self._clock is None:
                # The larger half, so that the next new date does not flush again.
                self._flush(largest(self._rows.partitions.values(), count=ACTIVE_PARTITIONS // 2))
            elif entries:
                self._exceed(records[entries[0].ordinal - first], entries[0].ordinal, now_ms)
                rows, entries = rows.slice(entries[0].rows), entries[1:]
        full = self._stream.buffer_bytes
        self._flush([each for each in self._rows.partitions.values() if each.size_bytes >= full])

    def _exceed(self, record: EventRecord, ordinal: int, now_ms: int | None) -> None:
        code = "DynamicPartitioning.ActivePartitionsLimitExceeded"
        message = f"more than {ACTIVE_PARTITIONS} active partitions"
        error = processing_error(record, code, message, attempts=1, ended_ms=_ended_ms(record, now_ms))
        self._keep_error(PARTITIONS_EXCEEDED, error, record, ordinal, now_ms)

    def _keep_error(self, kind: str, error: ErrorRecord, record: EventRecord, ordinal: int, now_ms: int | None) -> None:
        errors = self._errors.setdefault(kind, ErrorBuffer(kind))
        errors.add(error, record, ordinal, now_ms)
        self.report.failed[error.get("errorCode") or error["lastErrorCode"]] += 1
        if errors.size_bytes >= ERROR_OBJECT_BYTES:
            self._flush_errors(kind)

    def _flush(self, partitions: Sequence[Partition]) -> None:
        if not partitions:
            return
        for put in put_each(self._sink, self._objects(partitions)):
            flushed = put.of
            self._settle(flushed.ordinals, DELIVERED)
            self.report.delivered += len(flushed.ordinals)
            self.report.rows += flushed.rows
            self.report.objects += 1
            self.report.bytes_out += len(put.body)
            self.report.partitions[flushed.prefix] += flushed.rows

    def _objects(self, partitions: Sequence[Partition]) -> Iterator[Put["_Flushed"]]:
        for partition, rows in self._rows.take(partitions):
            prefix, key = self._key(partition)
            flushed = _Flushed(prefix, partition.ordinals, rows.num_rows)
            yield Put(key, self._format.body(rows), self._format.content_encoding, flushed)

    def _key(self, partition: Partition) -> tuple[str, str]:
        stream = self._stream
        uuid = partition.uuid(stream.name)
        at = instant(partition.oldest_ms, stream.time_zone)
        keys = dict(zip(stream.prefix.keys, partition.values, strict=True))
        prefix = stream.prefix.evaluate(Instance(keys, at, uuid.hex))
        return prefix, prefix + object_name(stream.name, stream.version, at, uuid, stream.extension)

    def _flush_errors(self, kind: str) -> None:
        errors = self._errors.pop(kind)
        stream = self._stream
        uuid = errors.uuid(stream.name)
        at: datetime = instant(errors.oldest_ms, stream.time_zone)
        prefix = stream.error_prefix.evaluate(Instance({}, at, uuid.hex, kind))
        self._sink.put(prefix + object_name(stream.name, stream.version, at, uuid, ""), b"".join(errors.lines))
        self._settle(errors.ordinals, FAILED)
        self.report.error_objects += 1


class _Flushed(NamedTuple):
    """What is counted of an object when it is there."""

    prefix: str
    ordinals: Sequence[int]
    rows: int


def _ended_ms(record: EventRecord, now_ms: int | None) -> int:
    # Without a clock the arrival, so that the same input gives the same bytes.
    arrival_ms: int = record["approximateArrivalTimestamp"]
    return arrival_ms if now_ms is None else now_ms
