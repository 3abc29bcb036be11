"""The summary of a run, one value that is then shown to people and to scripts."""

from collections import Counter
from collections.abc import Collection, Iterable
from threading import Lock
from typing import Any

import msgspec

from firehose.local.report import RunReport, TableReport
from firehose.local.sink import Sink
from firehose.pipeline.streams import LOCAL, stream_names
from glue.layout import FILE_FORMATS, PARTITION, format_prefix
from transform.outcome import OTHER

PROCESSING_FAILED = "Lambda.ProcessingFailedStatus"
# How Firehose's other codes begin that speak of a function: of whole batches.
_OF_BATCHES = "Lambda."

_DATA = tuple(map(format_prefix, FILE_FORMATS))


class TypeSummary(msgspec.Struct):
    """The rows and objects of one record type that a run put into the lake."""

    type: str
    rows: int
    partitions: int
    objects: int
    bytes: int


class RunSummary(msgspec.Struct):
    """The counts of a run. `failed` is by the function's reasons, or Firehose's codes for what Firehose failed."""

    read: int
    bytes_read: int
    delivered: list[TypeSummary]
    dropped: dict[str, int]
    failed: dict[str, int]
    seconds: float
    records_per_second: int
    stopped: bool
    adds_up: bool
    blank_lines: int = 0  # of the files read, skipped

    @property
    def rows(self) -> int:
        """The rows of all types."""
        return sum(one.rows for one in self.delivered)


class FunctionMetrics:
    """Sums up the metrics that functions print, as CloudWatch would from the embedded format."""

    def __init__(self) -> None:
        self.dropped: dict[str, Counter[str]] = {}  # by delivery stream, then by record type
        self.failed: Counter[str] = Counter()
        # Records that functions wrote to the lake themselves, as in Avro mode, by record type.
        self.delivered: Counter[str] = Counter()
        self.objects = 0
        self.bytes = 0

    def add(self, stream: str, printed: str) -> None:
        """Add what a function printed in one invocation, except lines that are not metrics."""
        for line in printed.splitlines():
            if not line.startswith('{"_aws"'):
                continue
            metric: dict[str, Any] = msgspec.json.decode(line)
            if "RecordsDropped" in metric:
                self.dropped.setdefault(stream, Counter())[metric["type"]] += int(sum(metric["RecordsDropped"]))
            if "RecordsFailed" in metric:
                self.failed[metric["reason"]] += int(sum(metric["RecordsFailed"]))
            if "ObjectsWritten" in metric:
                self.delivered[metric["type"]] += int(sum(metric["RecordsDelivered"]))
                self.objects += int(sum(metric["ObjectsWritten"]))
                self.bytes += int(sum(metric["BytesDelivered"]))

    def dropped_by_all(self, streams: Collection[str], types: Iterable[str]) -> Counter[str]:
        """Count the records that every stream dropped: those of a known type under its name, the rest as `other`."""
        counts = [self.dropped.get(stream, Counter()) for stream in streams]
        known = {name: min(each[name] for each in counts) for name in types}
        return Counter({**known, OTHER: sum(each[OTHER] for each in counts)})


class CountingSink:
    """A sink that counts the objects of each partition: those of the data plane, and those that functions put.

    "data-pipeline/avro/sale/partition_date=2025-01-01/a.avro" -> one object of sale, in one partition
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._counting = Lock()
        self._objects: dict[str, Counter[str]] = {}  # by record type, then by partition
        self._bytes: Counter[str] = Counter()  # by record type

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Put the object, then count it if it is data."""
        self._sink.put(key, body, content_type, content_encoding)
        partition, _, _ = key.rpartition("/")
        folder, _, _ = partition.rpartition(f"/{PARTITION}=")
        if folder.startswith(_DATA):
            record_type = folder.rpartition("/")[2]
            with self._counting:
                self._objects.setdefault(record_type, Counter())[partition] += 1
                self._bytes[record_type] += len(body)

    @property
    def concurrent_puts(self) -> int:
        """The number of puts at once that the sink behind it accepts."""
        return getattr(self._sink, "concurrent_puts", 1)

    @property
    def total(self) -> tuple[int, int]:
        """Objects and bytes of all types."""
        return sum(each.total() for each in self._objects.values()), self._bytes.total()

    def summary(self, record_type: str, rows: int, table: TableReport) -> TypeSummary:
        """Return the summary of a type with this many delivered rows: its objects, and the files of its `table`."""
        objects = self._objects.get(record_type, Counter())
        return TypeSummary(
            record_type,
            rows,
            len(objects) + len(table.partitions),
            objects.total() + table.files,
            self._bytes[record_type] + table.bytes,
        )


def summarise(
    report: RunReport, metrics: FunctionMetrics, objects: CountingSink, types: Collection[str], seconds: float
) -> RunSummary:
    """Return the summary of a run from the data plane's counts, the functions' metrics and the objects put.

    A run adds up when read = delivered + dropped + failed, with each record counted once, and the three independent
    counts agree: the data plane's dropped records are those that the functions report as dropped or as written by
    themselves; its failed records are theirs; and the objects put are its own and those that the functions report.

    A function that failed a whole batch has reported nothing of it: then the data plane's count stands alone, and of
    the batch only those records count as failed that no other stream has settled.
    """
    streams = report.streams
    dropped = metrics.dropped_by_all([stream.name for stream in streams], types)
    failed = sum((stream.failed for stream in streams), Counter[str]())
    by_function = failed.pop(PROCESSING_FAILED, 0)
    lost = Counter({code: failed.pop(code) for code in list(failed) if code.startswith(_OF_BATCHES)})
    tables = {name: _table(report, name) for name in types}
    rows = metrics.delivered + Counter({name: _by_data_plane(report, name) + tables[name].delivered for name in types})
    agree = (
        rows.total() == report.delivered + metrics.delivered.total()
        and dropped.total() + metrics.delivered.total() == report.dropped
        and metrics.failed.total() == by_function
        and _put(report, metrics) == objects.total
    )
    failed += metrics.failed
    if lost:
        ((code, _),) = lost.most_common(1)
        failed[code] = report.read - rows.total() - dropped.total() - failed.total()
    return RunSummary(
        read=report.read,
        bytes_read=report.bytes_read,
        delivered=[objects.summary(name, rows[name], tables[name]) for name in types],
        dropped=dict(dropped),
        failed=dict(failed.most_common()),
        seconds=round(seconds, 3),
        records_per_second=round(report.read / seconds) if seconds else 0,
        stopped=report.stopped,
        adds_up=report.adds_up and (agree or bool(lost)),
    )


def _put(report: RunReport, metrics: FunctionMetrics) -> tuple[int, int]:
    """Return the objects and bytes that the data plane and the functions report to have put.

    Files of Iceberg tables do not come through the sink.
    """
    streams = [stream for stream in report.streams if not stream.tables]
    return (
        sum(stream.objects for stream in streams) + metrics.objects,
        sum(stream.bytes_out for stream in streams) + metrics.bytes,
    )


def _table(report: RunReport, record_type: str) -> TableReport:
    """Return the counts of a type's Iceberg table, in a mode that has such tables."""
    found = (stream.tables.get(record_type.lower()) for stream in report.streams)
    return next(filter(None, found), TableReport())


def _by_data_plane(report: RunReport, record_type: str) -> int:
    """Count the rows of a type that its own delivery stream delivered, in a mode that has such streams."""
    own = stream_names(LOCAL, record_type)
    return sum(stream.delivered for stream in report.streams if stream.name in own)
