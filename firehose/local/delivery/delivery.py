"""The second half of one delivery stream: from what the function answered to objects in the sink.

Each room has its own file: `partition_keys`, the format (`object_format`), the buffers (`buffering`), the objects under
way (`upload_queue`), and the error output.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.prefix import PartitionKeyError, instant, name_bytes, object_name
from firehose.local.conversion.converter import Converted
from firehose.local.delivery.buffering import Entry, Partition, RowBuffer, largest
from firehose.local.delivery.error_output import ErrorOutput
from firehose.local.delivery.object_format import object_format
from firehose.local.delivery.partition_keys import PartitionKeys, Values
from firehose.local.delivery.putting import Put
from firehose.local.delivery.upload_queue import ObjectManifest, ObjectPut, UploadQueue
from firehose.local.event_record import EventRecord, payload_bytes
from firehose.local.ledger import DELIVERED, DROPPED
from firehose.local.metrics import Metrics
from firehose.local.processors.function_reply import Failure
from firehose.local.report import StreamReport
from firehose.local.sinks import Sink

# Firehose's default quota (guide, "Quota": 500 active partitions per stream, up to 5,000 on request).
ACTIVE_PARTITIONS = 500

# Index in the batch, the row as JSON, the partition keys as the function answered them.
OkRecord: TypeAlias = tuple[int, bytes, Any]


class Delivery:
    """Takes what the function answered for one stream and puts objects into the sink.

    With a clock an object that the sink refuses waits and is tried again, and the active partitions are limited to
    `active_partitions`, as in AWS. Without one a refusal is raised, and partitions are flushed early instead.
    """

    def __init__(
        self,
        stream: DeliveryStream,
        table_input: Mapping[str, Any] | None,
        sink: Sink,
        *,
        settle: Callable[[Iterable[int], int], None],
        clock: Callable[[], int] | None,
        active_partitions: int = ACTIVE_PARTITIONS,
        behaviour: Behaviour = OBSERVED,
    ) -> None:
        self._metrics = Metrics(clock)
        self.report = StreamReport(stream.name, metrics=self._metrics)
        self._stream = stream
        self._destination = destination = stream.destination
        self._settle = settle
        self._clock = clock
        self._format = object_format(stream, table_input, behaviour)
        size = name_bytes(stream.name, stream.version, destination.extension)
        self._keys = PartitionKeys(destination.prefix, stream.processing.query, size, self._metrics)
        self._outbox = UploadQueue(
            sink, self._metrics, area="DeliveryToS3", settle=settle, clock=clock, on_put=self._on_put
        )
        self._rows = RowBuffer(
            self._format.schema, active_partitions, destination.buffer_bytes, self._outbox.partitions
        )
        self._errors = ErrorOutput(
            stream,
            self._outbox,
            self.report.failed,
            table=self._format.catalog_table,
            behaviour=behaviour,
        )

    @property
    def size_bytes(self) -> int:
        """What the rows and errors that wait take, as JSON."""
        return self._rows.size_bytes + self._errors.size_bytes

    @property
    def refused_bytes(self) -> int:
        """The objects that the sink does not take at present: flushing more would not lessen them."""
        return self._outbox.waiting_bytes

    @property
    def refusal(self) -> Exception | None:
        """Why the sink does not take the oldest of those."""
        return self._outbox.refusal

    def drop(self, ordinals: Sequence[int]) -> None:
        """The function dropped these records."""
        self.report.dropped += len(ordinals)
        self._settle(ordinals, DROPPED)

    def fail(self, records: Sequence[EventRecord], failures: Iterable[Failure], first: int, now_ms: int | None) -> None:
        """The function failed these records of a batch, whose first has the ordinal `first`."""
        for failure in failures:
            self._errors.add_function_failure(records[failure.index], failure, first + failure.index, now_ms)

    def accept(self, records: Sequence[EventRecord], oks: Sequence[OkRecord], first: int, now_ms: int | None) -> None:
        """The function transformed these records of a batch, whose first has the ordinal `first`."""
        values: list[Values] = []
        usable: list[OkRecord] = []
        for ok, found in zip(oks, self._keys.evaluate(oks), strict=True):
            if isinstance(found, PartitionKeyError):
                self._errors.add_partition_key_error(records[ok[0]], str(found), first + ok[0], now_ms)
            else:
                values.append(found)
                usable.append(ok)
        converted = self._format.convert([data for _, data, _ in usable])
        for failure in converted.failures:
            index, data, _ = usable[failure.index]
            self._errors.add_conversion_failure(records[index], failure, data, first + index, now_ms)
        entries = []
        for place, rows in Counter(converted.owners).items():
            index, data, _ = usable[place]
            record = records[index]
            arrival_ms = record["approximateArrivalTimestamp"]
            original = payload_bytes(record)
            entries.append(
                Entry(values[place], record["recordId"], first + index, arrival_ms, len(data), rows, original)
            )
        self._count_conversion(usable, converted, entries)
        self._buffer(converted.rows, entries, records, first, now_ms)

    def flush_all(self) -> None:
        """Everything that waits becomes objects, and those that were refused are tried once more.

        Raises:
            What the sink raises for an object that is then still not there.
        """
        self._flush(list(self._rows.partitions.values()))
        self._errors.flush_all()
        self._outbox.finish()

    def flush_largest(self, size_bytes: int) -> None:
        """The largest partitions, `size_bytes` of rows or more, and the errors become objects."""
        self._flush(largest(self._rows.partitions.values(), size_bytes=size_bytes))
        self._errors.flush_all()

    def flush_due(self, now_ms: int) -> None:
        """What has waited for the buffer interval becomes objects; what was refused is tried when its time has come."""
        self._outbox.retry(now_ms)
        due_ms = now_ms - self._destination.buffer_seconds * 1000
        partitions = self._rows.partitions.values()
        self._flush([each for each in partitions if each.opened_ms is not None and each.opened_ms <= due_ms])
        self._errors.flush_due(due_ms)

    def _buffer(
        self,
        rows: pa.RecordBatch,
        entries: Sequence[Entry],
        records: Sequence[EventRecord],
        first: int,
        now_ms: int | None,
    ) -> None:
        exceeded = False
        while entries:
            taken = self._rows.add(rows, entries, now_ms)
            rows = rows.slice(sum([entry.rows for entry in entries[:taken]]))
            entries = entries[taken:]
            if self._rows.full:
                self._flush(self._rows.full[:])
            elif entries and self._clock is None:
                # The larger half, so that the next new date does not flush again.
                half = max(1, self._rows.partition_limit // 2)
                self._flush(largest(self._rows.partitions.values(), count=half))
            elif entries:
                ordinal = entries[0].ordinal
                self._errors.add_partition_limit_error(
                    records[ordinal - first], self._rows.partition_limit, ordinal, now_ms
                )
                rows, entries = rows.slice(entries[0].rows), entries[1:]
                exceeded = True
        if self._destination.partitioned:
            self._metrics.add("PartitionCount", self._rows.active)
            self._metrics.add("PartitionCountExceeded", int(exceeded))

    def _count_conversion(self, usable: Sequence[OkRecord], converted: Converted, entries: Sequence[Entry]) -> None:
        if self._destination.conversion is None:
            return
        failed = converted.failures
        self._metrics.add("SucceedConversion.Records", len(entries))
        self._metrics.add("SucceedConversion.Bytes", sum([entry.size_bytes for entry in entries]))
        if failed:
            self._metrics.add("FailedConversion.Records", len(failed))
            self._metrics.add("FailedConversion.Bytes", sum([len(usable[failure.index][1]) for failure in failed]))

    def _flush(self, partitions: Sequence[Partition]) -> None:
        if partitions:
            self._outbox.send(self._objects(partitions))

    def _objects(self, partitions: Sequence[Partition]) -> Iterator[ObjectPut]:
        stream, destination = self._stream, self._destination
        for partition, rows in self._rows.take(partitions):
            uuid = partition.uuid(stream.name)
            at = instant(partition.oldest_ms, destination.time_zone)
            prefix = destination.prefix.evaluate(destination.prefix.instance(partition.values, at, uuid.hex))
            name = object_name(stream.name, stream.version, at, uuid, destination.extension)
            contents = ObjectManifest(
                partition.ordinals,
                DELIVERED,
                partition.oldest_ms,
                partition.original_bytes,
                prefix=prefix,
                rows=rows.num_rows,
                values=partition.values,
                opened_ms=partition.opened_ms,
            )
            yield Put(prefix + name, self._format.body(rows, name), self._format.content_encoding, contents)

    def _on_put(self, put: ObjectPut) -> None:
        of = put.of
        if of.values is None:
            self.report.error_objects += 1
            return
        self.report.delivered += len(of.ordinals)
        self.report.rows += of.rows
        self.report.objects += 1
        self.report.bytes_out += len(put.body)
        self.report.partitions[of.prefix] += of.rows
        if self._destination.partitioned:
            self._count_object(of)

    def _count_object(self, of: ObjectManifest) -> None:
        self._metrics.add("DeliveryToS3.ObjectCount", 1)
        if self._clock is not None and of.opened_ms is not None:
            seconds = max(1000, self._clock() - of.opened_ms) / 1000
            self._metrics.add("PerPartitionThroughput", of.original_bytes / seconds)
