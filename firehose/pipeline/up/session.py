"""Runs everything between an endpoint's table and its bucket: bridge, Kinesis source, delivery streams, sink."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from firehose.local.data_plane import DataPlane
from firehose.local.endpoint.bridge import Bridge
from firehose.local.endpoint.deployed import Deployed
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.event_record import EventRecord
from firehose.local.report import RunReport
from firehose.local.sinks import CONCURRENT_PUTS, S3Sink
from firehose.local.sources.kinesis import KinesisSource, now_ms
from firehose.pipeline.run_summary import FunctionMetrics
from firehose.pipeline.up.counts import StreamCounts, stream_counts


class Session:
    """Runs everything that is deployed on an endpoint, by our data plane.

    Session(endpoint, deployed, Path(".local/up")).run(stop=lambda: False)
    """

    def __init__(
        self,
        endpoint: Endpoint,
        deployed: Deployed,
        state: Path,
        *,
        clock: Callable[[], int] = now_ms,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._metrics = {name: FunctionMetrics() for name in deployed.names}
        self._converting = {stream.table_input is not None for stream in deployed.streams}
        self._source = KinesisSource(
            deployed.source,
            state=state,
            start_ms=deployed.start_ms,
            readers=deployed.names,
            client=endpoint.client("kinesis", attempts=1),
            clock=clock,
            sleep=sleep,
        )
        self.bridge = Bridge(endpoint, deployed.source, state=state)
        self.plane = DataPlane(
            deployed.streams,
            S3Sink(deployed.bucket, endpoint.client("s3", connections=CONCURRENT_PUTS)),
            clock=clock,
            on_printed=lambda stream, printed: self._metrics[stream].add(stream, printed),
        )

    @property
    def lag_ms(self) -> int:
        """The lag of the source behind its newest record."""
        return self._source.lag_ms

    @property
    def new_streams(self) -> list[str]:
        """The delivery streams that are new since the last run; because of them all read from the start again."""
        return self._source.new_readers

    @property
    def in_both_modes(self) -> bool:
        """True if some streams convert by a table, as in Parquet mode, and some do not, as in Avro mode."""
        return len(self._converting) == 2

    def counts(self) -> list[StreamCounts]:
        """Return the counts of each delivery stream."""
        return stream_counts(self.plane.report, self._metrics)

    def run(self, *, stop: Callable[[], bool], show: Callable[[], None] = lambda: None) -> RunReport:
        """Deliver until `stop` returns True, then deliver what was read so far. Call `show` at least once a second."""
        records = _showing(self.bridge.before(self._source), show)
        return self.plane.run(records, progress=lambda _: show(), stop=stop, settled=self._source.settled)


def _showing(records: Iterable[EventRecord | None], show: Callable[[], None]) -> Iterator[EventRecord | None]:
    for record in records:
        if record is None:
            show()
        yield record
