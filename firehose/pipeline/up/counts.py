"""The counts of each delivery stream while it runs."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

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


def stream_counts(counts: Iterable[Mapping[str, Any]], metrics: Mapping[str, FunctionMetrics]) -> list[StreamCounts]:
    """Return the counts of every stream, from what the endpoint counts and what functions printed.

    Records that a function wrote to the lake itself, as in Avro mode, count as delivered, although Firehose saw them
    dropped.
    """
    found = []
    for stream in counts:
        name = stream["stream"]
        itself = metrics[name].delivered.total() if name in metrics else 0
        delivered, dropped = stream["delivered"] + itself, stream["dropped"] - itself
        found.append(StreamCounts(name, stream["read"], delivered, dropped, sum(stream["failed"].values())))
    return sorted(found, key=lambda one: one.name)
