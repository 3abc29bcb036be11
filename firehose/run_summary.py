"""What a run did, as one value that is then shown to people and to scripts."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from firehose.accounting import Report, StreamReport
from transform.outcome import OTHER

PROCESSING_FAILED = "Lambda.ProcessingFailedStatus"


class Delivered(msgspec.Struct):
    """What lies in the lake of one record type after a run."""

    type: str
    rows: int
    partitions: int
    objects: int
    bytes: int


class Summary(msgspec.Struct):
    """The counts of a run. `failed` is by the function's own reasons, and by Firehose's codes for what it failed."""

    read: int
    bytes_read: int
    delivered: list[Delivered]
    dropped: dict[str, int]
    failed: dict[str, int]
    seconds: float
    records_per_second: int
    stopped: bool
    adds_up: bool

    @property
    def rows(self) -> int:
        """The rows of all types."""
        return sum(one.rows for one in self.delivered)


class FunctionMetrics:
    """Sums up the metrics that functions print, as CloudWatch would from the embedded format."""

    def __init__(self) -> None:
        self.dropped: dict[str, Counter[str]] = {}  # by delivery stream, then by record type
        self.failed: Counter[str] = Counter()

    def add(self, stream: str, printed: str) -> None:
        """What a function printed in one invocation; lines that are no metrics are passed over."""
        for line in printed.splitlines():
            if not line.startswith('{"_aws"'):
                continue
            metric: dict[str, Any] = msgspec.json.decode(line)
            if "RecordsDropped" in metric:
                self.dropped.setdefault(stream, Counter())[metric["type"]] += int(sum(metric["RecordsDropped"]))
            if "RecordsFailed" in metric:
                self.failed[metric["reason"]] += int(sum(metric["RecordsFailed"]))

    def dropped_by_all(self, streams: Collection[str], types: Iterable[str]) -> Counter[str]:
        """The records that no stream delivers: a known type's if every stream dropped them, any other's as `other`."""
        counts = [self.dropped.get(stream, Counter()) for stream in streams]
        known = {name: min(each[name] for each in counts) for name in types}
        return Counter({**known, OTHER: sum(each[OTHER] for each in counts)})


def summarise(report: Report, metrics: FunctionMetrics, types: Collection[str], seconds: float) -> Summary:
    """One value of what the data plane counted and what the functions said of it.

    A run adds up when read = delivered + dropped + failed, each record counted once, and the functions' own reasons and
    types say the same of what was failed and dropped.
    """
    dropped = metrics.dropped_by_all([stream.name for stream in report.streams], types)
    failed = sum((stream.failed for stream in report.streams), Counter[str]())
    by_function = failed.pop(PROCESSING_FAILED, 0)
    agree = dropped.total() == report.dropped and metrics.failed.total() == by_function
    return Summary(
        read=report.read,
        bytes_read=report.bytes_read,
        delivered=[_delivered(*pair) for pair in zip(types, report.streams, strict=True)],
        dropped=dict(dropped),
        failed=dict((metrics.failed + failed).most_common()),
        seconds=round(seconds, 3),
        records_per_second=round(report.read / seconds) if seconds else 0,
        stopped=report.stopped,
        adds_up=report.adds_up and agree,
    )


def _delivered(record_type: str, stream: StreamReport) -> Delivered:
    return Delivered(record_type, stream.delivered, len(stream.partitions), stream.objects, stream.bytes_out)
