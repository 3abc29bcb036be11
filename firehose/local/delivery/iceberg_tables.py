"""An Apache Iceberg destination: the rows of each flush are appended to their table, in one commit a table.

Each table has a queue of writes, in the order of the source. A write that is refused, by a conflicting commit or
because nobody knows whether it has landed, is tried again 1 s later, then after twice that, 60 s at most. Each attempt
loads the table anew and looks at its marks (source_marks), so a commit whose answer was lost is not repeated. When the
stream's RetryOptions are over, the rows go to the error output. On AWS it is then the paths of files that nobody has
committed; ours would be of no use.

Error objects are put before rows are committed: a mark may not pass a record that has yet to get its fate.

Without a clock, as on files, a conflict is tried again at once, a few times; any other error ends the run.
"""

from base64 import b64encode
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import compress
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from pyiceberg.exceptions import (
    NoSuchNamespaceError,
    NoSuchTableError,
)

from firehose.local.aws_errors import error_code
from firehose.local.batch import Batch
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.iceberg_destination import IcebergDestination
from firehose.local.conversion.converter import Converted
from firehose.local.conversion.row_error import RowError
from firehose.local.delivery.buffering import Partition
from firehose.local.delivery.error_output import ErrorOutput
from firehose.local.delivery.iceberg_routing import IcebergRouting
from firehose.local.delivery.iceberg_writes import BUFFERED, Committed, TableWrite, TableWriter
from firehose.local.delivery.partition_keys import Values
from firehose.local.delivery.putting import ObjectPut
from firehose.local.delivery.source_marks import SourceOf
from firehose.local.delivery.upload_queue import UploadQueue, spacing_ms
from firehose.local.event_record import EventRecord
from firehose.local.iceberg_catalogs import TO_TRY_AGAIN
from firehose.local.ledger import DELIVERED, Settle
from firehose.local.local_stream import LocalStream
from firehose.local.processors.stage import OkRecord, Processed
from firehose.local.report import StreamReport, TableReport
from firehose.local.sink import Sink
from firehose.local.user_error import UserError

NO_TABLE = "Iceberg.NoSuchTable"
GLUE_DENIED = "Glue.AccessDenied"
S3_DENIED = "S3.AccessDenied"
NOT_COMMITTED = "Iceberg.CommitFailed"  # ours: after the retries AWS writes paths, and no code is known

# Attempts without a clock. PyIceberg's own default, which is switched off, is as many.
_ATTEMPTS_AT_ONCE = 5

_NO_TABLE = (NoSuchTableError, NoSuchNamespaceError)
_NOTHING: Mapping[Values, int] = MappingProxyType({})


class IcebergTables:
    """The tables of one stream, and its error objects.

    Raises, when it is made:
        ValueError: the stream has no catalog, or its source no name.
    """

    schema = BUFFERED
    ordered = True  # marks go up
    refused = _NOTHING  # no limit of partitions: AWS's, "ActivePartitionsLimit", is not published

    def __init__(
        self,
        local: LocalStream,
        stream: DeliveryStream,
        destination: IcebergDestination,
        sink: Sink,
        report: StreamReport,
        *,
        settle: Settle,
        clock: Callable[[], int] | None,
        source_of: SourceOf | None,
    ) -> None:
        catalog = local.catalog
        if catalog is None:
            raise ValueError(f"{stream.name} delivers to Iceberg tables: specify their catalog")
        if source_of is None:
            raise ValueError(f"{stream.name} delivers to Iceberg tables: name the source of its records")
        self._retry_ms = destination.retry_seconds * 1000
        self._report = report
        self._metrics = report.metrics
        self._settle = settle
        self._clock = clock
        # Made when the first rows are written.
        self._writer = cache(lambda: TableWriter(catalog(), stream.name, source_of, local.behaviour, local.change_rows))
        self._routing = IcebergRouting(destination.table)
        self._queues: dict[Values, deque[TableWrite]] = defaultdict(deque)
        self._uploads = UploadQueue(
            sink, self._metrics, area="DeliveryToS3", settle=settle, clock=clock, on_put=self._on_put
        )
        self.errors = ErrorOutput(stream, self._uploads, report, table={}, behaviour=local.behaviour)

    def partitions(self, batch: Batch, processed: Processed) -> Iterator[Values | None]:
        """Yield database and table of each record; None for a record without, which goes to the errors."""
        for (index, data, _), found in zip(processed.ok, self._routing.evaluate(processed), strict=True):
            if isinstance(found, RowError):
                record = batch.records[index]
                arrival_ms = record["approximateArrivalTimestamp"]
                row = {"record_id": record["recordId"], "arrival_ms": arrival_ms, "data": data}
                self._fail(row, batch.ordinal(index), found)
                yield None
            else:
                yield found

    def convert(self, batch: Batch, routed: Sequence[OkRecord]) -> Converted:
        """Return the records as they wait for their table: as JSON."""
        records = [batch.records[index] for index, _, _ in routed]
        columns = [
            pa.array([data for _, data, _ in routed], pa.binary()),
            pa.array([record["recordId"] for record in records], pa.string()),
            pa.array([record["approximateArrivalTimestamp"] for record in records], pa.int64()),
        ]
        return Converted(pa.RecordBatch.from_arrays(columns, schema=BUFFERED), list(range(len(records))), [])

    def write(self, partitions: Iterable[tuple[Partition, pa.Table]]) -> None:
        """Queue the rows of each table, and write those for which nothing else waits."""
        for partition, rows in partitions:
            self._metrics.add("DeliveryToIceberg.IncomingRowCount", rows.num_rows)
            self._queues[partition.values].append(
                TableWrite(partition.values, rows, partition.ordinals, partition.oldest_ms)
            )
        self._write_due(self._clock() if self._clock else 0)

    def retry(self, now_ms: int) -> None:
        """Retry the error objects and the writes that are due."""
        self._uploads.retry(now_ms)
        self._write_due(now_ms)

    def finish(self) -> None:
        """Retry everything that waits.

        Raises:
            The error of an error object or a write that is refused again.
        """
        self._uploads.finish()
        for queue in self._queues.values():
            for write in queue:
                write.due_ms = 0
        self._write_due(self._clock() if self._clock else 0)
        if self.put_error:
            raise self.put_error

    def count_active(self, partitions: int, *, exceeded: bool) -> None:
        """Count nothing: no metric of AWS's says how many tables are active."""

    @property
    def refused_bytes(self) -> int:
        """The bytes of the error objects and rows that wait behind a refusal."""
        waiting: int = sum(write.rows.nbytes for queue in self._queues.values() for write in queue)
        return self._uploads.waiting_bytes + waiting

    @property
    def put_error(self) -> Exception | None:
        """The error of the oldest refused error object, else of a refused write."""
        writes = (queue[0].error for queue in self._queues.values() if queue)
        return self._uploads.put_error or next((error for error in writes if error), None)

    def _write_due(self, now_ms: int) -> None:
        for queue in self._queues.values():
            while queue and queue[0].due_ms <= now_ms:
                self.errors.flush_all()
                if self._uploads.waiting_bytes or not self._attempt(queue[0], now_ms):
                    break
                queue.popleft()
                self.errors.flush_all()

    def _attempt(self, write: TableWrite, now_ms: int) -> bool:
        """Try to write; return whether every record of the write has left its queue."""
        while True:
            write.attempts += 1
            try:
                return self._commit(write)
            except _NO_TABLE:
                self._give_up(write, RowError(NO_TABLE, f"the table {'.'.join(write.table)} does not exist"))
                return True
            except Exception as error:  # the catalog's, a disk's, a client's or a fault's own
                self._count(write, 0)
                if self._clock is None:
                    if isinstance(error, TO_TRY_AGAIN) and write.attempts < _ATTEMPTS_AT_ONCE:
                        continue
                    raise _as_user_error(write, error) from error
                return self._later(write, error, now_ms)

    def _commit(self, write: TableWrite) -> bool:
        """Convert and commit; return False if error objects are refused, which come first."""
        writer = self._writer()
        table = writer.load(write.table)
        rows, failures = writer.convert(table, write)
        if failures:
            self._fail_rows(write, {each.index: RowError(each.code, each.message) for each in failures})
            self.errors.flush_all()
            if self._uploads.waiting_bytes:
                return False
        committed = writer.commit(table, write, rows)
        self._settle(write.ordinals, DELIVERED)
        self._count_committed(write, committed)
        return True

    def _later(self, write: TableWrite, error: Exception, now_ms: int) -> bool:
        """Plan the next attempt; or give up, if the stream's retries are over, and return True."""
        write.first_ms = now_ms if write.first_ms is None else write.first_ms
        if now_ms - write.first_ms >= self._retry_ms:
            self._settle_landed(write)
            self._give_up(write, RowError(_code_of(error), f"the table {'.'.join(write.table)}: {error_code(error)}"))
            return True
        write.error = _as_user_error(write, error)
        write.due_ms = now_ms + spacing_ms(write.attempts - 1)
        return False

    def _settle_landed(self, write: TableWrite) -> None:
        """Settle the rows that the table has, since a commit without an answer may have landed."""
        with suppress(Exception):  # the catalog is still out of reach, and nobody knows
            writer = self._writer()
            missing = set(writer.missing(writer.load(write.table), write))
            there = [place not in missing for place in range(len(write.ordinals))]
            landed = list(compress(write.ordinals, there))
            write.keep([not each for each in there])
            self._settle(landed, DELIVERED)
            self._report.delivered += len(landed)

    def _give_up(self, write: TableWrite, error: RowError) -> None:
        self._fail_rows(write, dict.fromkeys(range(len(write.ordinals)), error))

    def _fail_rows(self, write: TableWrite, errors: Mapping[int, RowError]) -> None:
        """Take rows of a write, by their places, to the error output."""
        failed = write.rows.take(pa.array(list(errors), pa.int64())).to_pylist()
        for row, (place, error) in zip(failed, errors.items(), strict=True):
            self._fail(row, write.ordinals[place], error, max(write.attempts, 1))
        write.keep([place not in errors for place in range(len(write.ordinals))])

    def _fail(self, row: Mapping[str, Any], ordinal: int, error: RowError, attempts: int = 1) -> None:
        # The row stands in the error record as it would have been written, not as its record came (seen by a user).
        record: EventRecord = {
            "recordId": row["record_id"],
            "approximateArrivalTimestamp": row["arrival_ms"],
            "data": b64encode(row["data"]).decode(),
        }
        batch = Batch([record], ordinal, self._clock() if self._clock else None)
        self.errors.add_iceberg_failure(batch, 0, error, attempts)
        self._metrics.add("DeliveryToIceberg.FailedRowCount", 1)

    def _count_committed(self, write: TableWrite, committed: Committed) -> None:
        report = self._report
        report.delivered += len(write.ordinals)
        report.rows += committed.rows
        report.objects += committed.files
        report.bytes_out += committed.file_bytes
        table = report.tables.setdefault(str(write.table[-1]), TableReport())
        table.delivered += len(write.ordinals)
        table.files += committed.files
        table.bytes += committed.file_bytes
        table.partitions |= committed.partitions
        if committed.rows:
            self._metrics.add("DeliveryToIceberg.SuccessfulRowCount", committed.rows)
            self._metrics.add("DeliveryToIceberg.Bytes", committed.row_bytes)
            self._count(write, 1)

    def _count(self, write: TableWrite, success: int) -> None:
        self._metrics.add("DeliveryToIceberg.Success", success)
        if self._clock is not None:
            age_ms = max(0, self._clock() - write.oldest_ms)
            self._metrics.add("DeliveryToIceberg.DataFreshness", age_ms / 1000)

    def _on_put(self, _: ObjectPut) -> None:
        self._report.error_objects += 1


def _code_of(error: Exception) -> str:
    if "AccessDenied" in error_code(error):
        return GLUE_DENIED
    return S3_DENIED if isinstance(error, OSError) and "ACCESS_DENIED" in str(error) else NOT_COMMITTED


def _as_user_error(write: TableWrite, error: Exception) -> Exception:
    if isinstance(error, UserError | OSError):
        return error
    return UserError(f"the Iceberg table {'.'.join(write.table)} cannot be written: {error_code(error)}")
