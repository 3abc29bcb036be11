"""Delivers the records of one stream, from the function's answer to the destination.

A record goes through four steps, of which the destination decides three: its partition (`partitions`), its rows
(`convert`), the buffer of its partition (`buffering`), and the write of a full or old buffer (`write`). A record that
fails in one of them goes to the error output instead.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Protocol

import pyarrow as pa

from firehose.local.batch import Batch
from firehose.local.conversion.converter import Converted
from firehose.local.delivery.buffering import BufferedRecord, Partition, RowBuffer, largest
from firehose.local.delivery.error_output import ErrorOutput
from firehose.local.delivery.partition_keys import Values
from firehose.local.event_record import payload_bytes
from firehose.local.ledger import DROPPED, Settle
from firehose.local.processors.stage import OkRecord, Processed
from firehose.local.report import StreamReport

# Firehose's default quota (guide, "Quota": 500 active partitions per stream, up to 5,000 on request).
ACTIVE_PARTITIONS = 500


class DestinationWriter(Protocol):
    """A destination as `Delivery` needs it: extended S3 is `s3_objects`, Iceberg `iceberg_tables`."""

    schema: pa.Schema  # of the rows that `convert` gives
    ordered: bool  # whether records must come in the order of their source
    errors: ErrorOutput

    def partitions(self, batch: Batch, processed: Processed) -> Iterable[Values | None]:
        """Returns the partition of each ok record; None for one without, which goes to the error output."""

    def convert(self, batch: Batch, routed: Sequence[OkRecord]) -> Converted:
        """Returns the rows of these records of a batch, and the records that are not rows."""

    def write(self, partitions: Iterable[tuple[Partition, pa.Table]]) -> None:
        """Writes the rows of each partition and settles their records; with a clock, keeps refused writes."""

    def retry(self, now_ms: int) -> None:
        """Retries the refused writes that are due."""

    def finish(self) -> None:
        """Retries all refused writes.

        Raises:
            The error of a write that is refused again.
        """

    def count_active(self, partitions: int, *, exceeded: bool) -> None:
        """Counts the active partitions after a batch; `exceeded` says that a record would have needed one too many."""

    @property
    def refused(self) -> Mapping[Values, int]:
        """The partitions with rows that were refused, which therefore stay active."""

    @property
    def refused_bytes(self) -> int:
        """The bytes of refused writes, and of those that wait behind them."""

    @property
    def put_error(self) -> Exception | None:
        """The error of the oldest refused write, if any was refused."""


class Delivery:
    """Buffers one stream's answers of the function for the destination.

    With a clock a refused write waits and is tried again, and the active partitions are limited to `active_partitions`,
    as in AWS. Without one a refusal is raised, and only memory limits the partitions: no interval would ever end one,
    and a limit would tear each date of a file with many dates into many small objects.
    """

    def __init__(
        self,
        destination: DestinationWriter,
        report: StreamReport,
        *,
        settle: Settle,
        clock: Callable[[], int] | None,
        buffer_bytes: int,
        buffer_seconds: int,
        active_partitions: float = ACTIVE_PARTITIONS,
    ) -> None:
        self.report = report
        self._destination = destination
        self._errors = destination.errors
        self._settle = settle
        self._buffer_seconds = buffer_seconds
        self._active_partitions = active_partitions
        limit = active_partitions if clock else inf
        self._rows = RowBuffer(destination.schema, limit, buffer_bytes, destination.refused)

    @property
    def ordered(self) -> bool:
        """True if batches must come in the order of their source."""
        return self._destination.ordered

    @property
    def size_bytes(self) -> int:
        """The memory of the rows, as JSON, partitions and errors that wait."""
        return self._rows.size_bytes + self._errors.size_bytes

    @property
    def refused_bytes(self) -> int:
        """The bytes that the destination refuses at present; flushing more does not free them."""
        return self._destination.refused_bytes

    @property
    def put_error(self) -> Exception | None:
        """The error of the oldest write that the destination refuses."""
        return self._destination.put_error

    def accept(self, batch: Batch, processed: Processed) -> None:
        """Takes a batch as the stages left it."""
        self.report.received += len(batch.records)
        if processed.dropped:
            self.report.dropped += len(processed.dropped)
            self._settle([batch.ordinal(index) for index in processed.dropped], DROPPED)
        for failure in processed.failed:
            self._errors.add_processor_failure(batch, failure)
        if processed.ok:
            self._route(batch, processed)

    def _route(self, batch: Batch, processed: Processed) -> None:
        values: list[Values] = []
        routed: list[OkRecord] = []
        for ok, found in zip(processed.ok, self._destination.partitions(batch, processed), strict=True):
            if found is not None:
                values.append(found)
                routed.append(ok)
        converted = self._destination.convert(batch, routed)
        for failure in converted.failures:
            index, data, _ = routed[failure.index]
            self._errors.add_conversion_failure(batch, index, failure, data)
        waiting = []
        for place, rows in Counter(converted.owners).items():
            index, data, _ = routed[place]
            record = batch.records[index]
            arrival_ms = record["approximateArrivalTimestamp"]
            original = payload_bytes(record)
            ordinal = batch.ordinal(index)
            waiting.append(
                BufferedRecord(values[place], record["recordId"], ordinal, arrival_ms, len(data), rows, original)
            )
        self._buffer(batch, converted.rows, waiting)

    def flush_all(self) -> None:
        """Writes everything that waits, and retries all refused writes once.

        Raises:
            The destination's error for a write that it still refuses.
        """
        self._flush(list(self._rows.partitions.values()))
        self._errors.flush_all()
        self._destination.finish()

    def flush_largest(self, size_bytes: int) -> None:
        """Writes the largest partitions, which take `size_bytes` or more, and the errors."""
        self._flush(largest(self._rows.partitions.values(), size_bytes))
        self._errors.flush_all()

    def flush_due(self, now_ms: int) -> None:
        """Writes the partitions whose buffer interval has passed; retries the refused writes that are due."""
        self._destination.retry(now_ms)
        due_ms = now_ms - self._buffer_seconds * 1000
        partitions = self._rows.partitions.values()
        self._flush([each for each in partitions if each.opened_ms is not None and each.opened_ms <= due_ms])
        self._errors.flush_due(due_ms)

    def _buffer(self, batch: Batch, rows: pa.RecordBatch, waiting: Sequence[BufferedRecord]) -> None:
        exceeded = False
        while waiting:
            taken = self._rows.add(rows, waiting, batch.now_ms)
            rows = rows.slice(sum([record.rows for record in waiting[:taken]]))
            waiting = waiting[taken:]
            if self._rows.full:
                self._flush(self._rows.full[:])
            elif waiting:
                index = waiting[0].ordinal - batch.first
                self._errors.add_partition_limit_error(batch, index, self._active_partitions)
                rows, waiting = rows.slice(waiting[0].rows), waiting[1:]
                exceeded = True
        self._destination.count_active(self._rows.active, exceeded=exceeded)

    def _flush(self, partitions: Sequence[Partition]) -> None:
        if partitions:
            self._destination.write(self._rows.take(partitions))
