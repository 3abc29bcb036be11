"""The counts of each delivery stream while it runs."""

from collections.abc import Mapping

import msgspec

from firehose.local.report import RunReport
from firehose.pipeline.run_summary import FunctionMetrics


class StreamCounts(msgspec.Struct, frozen=True):
    """The counts of one delivery stream. Each record read is delivered, dropped, failed or still buffered."""

    name: str
    read: int
    delivered: int
    dropped: int
    failed: int

    @property
    def buffered(self) -> int:
        """The records that are not settled yet."""
        return self.read - self.delivered - self.dropped - self.failed


def stream_counts(report: RunReport, metrics: Mapping[str, FunctionMetrics]) -> list[StreamCounts]:
    """Return the counts of every stream.

    Records that a function wrote to the lake itself, as in Avro mode, count as delivered, although Firehose saw them
    dropped.
    """
    found = []
    for stream in report.streams:
        itself = metrics[stream.name].delivered.total() if stream.name in metrics else 0
        delivered, dropped = stream.delivered + itself, stream.dropped - itself
        found.append(StreamCounts(stream.name, report.read, delivered, dropped, stream.failed.total()))
    return found
