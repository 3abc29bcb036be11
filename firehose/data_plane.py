"""The pump: records of a source through delivery streams, as their descriptions say, into a sink.

source -> de-aggregation -> batches -> Lambda processor -> partition keys -> format conversion -> buffers -> objects
                                            |                   |                  |
                                            +-------------------+------------------+--> error output
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from firehose.accounting import Ledger, Report, payload_bytes
from firehose.delivery import Delivery
from firehose.destination import Sink
from firehose.running_stream import Group, LocalStream, RunningStream, groups, processor_of
from firehose.source import EventRecord
from firehose.source_records import SourceRecords

# Rows of all streams together, as JSON. Gathering them for a flush may take as much again twice: a million sample
# records take 335 MB at their peak, a hundred thousand 314. With 128 MiB it was 385 and 301.
MEMORY_BYTES = 108 * 1024 * 1024

_LOOK_MS = 100

# Epoch milliseconds.
Clock: TypeAlias = Callable[[], int]

_Progress: TypeAlias = Callable[[Report], None]


class DataPlane:
    """Runs delivery streams that read one source.

    Without a clock, as on files, the buffer intervals do not run, and partitions are flushed early rather than exceed
    the limit of active ones. With one, both are as in AWS.

    A source is either read, by `run`, or gives its records itself, by `accept`, with a `tick` whenever time has passed
    and `finish` at the end.

    Raises, when it is made:
        SettingError: a setting of a stream that AWS refuses, or that is not carried out.
        ValueError: a stream that converts without a table, or calls a function that is not given.
    """

    def __init__(
        self,
        streams: Sequence[LocalStream],
        sink: Sink,
        *,
        clock: Clock | None = None,
        memory_bytes: int = MEMORY_BYTES,
        on_printed: Callable[[str, str], None] = lambda _stream, _text: None,
    ) -> None:
        self._clock = clock
        self._memory_bytes = memory_bytes
        self._on_printed = on_printed
        self._report = Report()
        self._ledger = Ledger(len(streams), self._report)
        self._source_records = SourceRecords()
        self._streams = [self._running(number, stream, sink) for number, stream in enumerate(streams)]
        self._groups = groups(self._streams)
        self.reading = False

    def run(
        self,
        source: Iterable[EventRecord | None],
        *,
        progress: _Progress = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
        settled: Callable[[int], None] = lambda _: None,
    ) -> Report:
        """Everything that the source has, or up to where `stop` says so; what was accepted is then delivered.

        A source that waits gives None from time to time, so that buffer intervals are looked at. `progress` is called
        after each batch with the counts so far (`read`, `bytes_read`). A KeyboardInterrupt raised while the source is
        being read (`reading` is true) stops as `stop` does. To be called once.

        `settled` is told, whenever intervals have been looked at and at the end, how many of its records, from the
        first on, were delivered, dropped or kept as errors by every stream: where a source would go on after a crash.
        """
        looked_ms = 0
        for record in self._read(source, stop):
            now_ms = self._clock() if self._clock else None
            if record is not None:
                self.accept(record, now_ms, progress)
            # Intervals are seconds, and looking at hundreds of partitions takes longer than a record.
            if now_ms is not None and (record is None or now_ms - looked_ms >= _LOOK_MS):
                self.tick(now_ms)
                looked_ms = now_ms
                # Under load a source does not wait for minutes.
                settled(self.settled())
        self.finish(progress)
        settled(self.settled())
        self._ledger.close(self._report.read)
        return self._report

    @property
    def report(self) -> Report:
        """The counts so far. What all streams together made of each record is known when a run has ended."""
        return self._report

    def accept(self, record: EventRecord, now_ms: int | None, progress: _Progress = lambda _: None) -> None:
        """Takes one record of the source; a batch that is full with it is processed."""
        self._source_records.add(1)
        self._report.read += 1
        for group in self._groups:
            full = group.batcher.add(record, now_ms)
            if full:
                self._process(group, full, progress)

    def tick(self, now_ms: int) -> None:
        """Processes and delivers what has waited for its interval."""
        for group in self._groups:
            opened_ms = group.batcher.opened_ms
            if opened_ms is not None and now_ms - opened_ms >= group.seconds * 1000:
                self._process(group, group.batcher.take(), lambda _: None)
        for running in self._streams:
            running.delivery.flush_due(now_ms)

    def finish(self, progress: _Progress = lambda _: None) -> None:
        """Processes and delivers all that was accepted, whatever its age."""
        for group in self._groups:
            self._process(group, group.batcher.take(), progress)
        for running in self._streams:
            running.delivery.flush_all()

    def settled(self) -> int:
        """How many records of the source, from the first on, have their fate in every stream."""
        return self._source_records.settled(self._ledger.settled())

    def _read(self, source: Iterable[EventRecord | None], stop: Callable[[], bool]) -> Iterator[EventRecord | None]:
        records = iter(source)
        while not stop():
            self.reading = True
            try:
                record = next(records)
            except StopIteration:
                return
            except KeyboardInterrupt:
                break
            finally:
                self.reading = False
            yield record
        self._report.stopped = True

    def _process(self, group: Group, records: list[EventRecord], progress: _Progress) -> None:
        if not records:
            return
        first = group.processed
        group.processed += len(records)
        now_ms = self._clock() if self._clock else None
        size_bytes = sum(map(payload_bytes, records))
        if group is self._groups[0]:
            self._report.bytes_read += size_bytes
        for running in group.streams:
            running.delivery.report.bytes_in += size_bytes
            running.process(records, first, now_ms)
            self._bound_memory()
        progress(self._report)

    def _bound_memory(self) -> None:
        total = sum(running.delivery.size_bytes for running in self._streams)
        if total > self._memory_bytes:
            # Half of it, the largest partitions: flushing just enough would gather the rows again at every batch.
            for running in self._streams:
                running.delivery.flush_largest(running.delivery.size_bytes // 2)

    def _running(self, number: int, local: LocalStream, sink: Sink) -> RunningStream:
        stream = local.read()
        delivery = Delivery(
            stream,
            local.table_input,
            sink,
            settle=lambda ordinals, fate: self._ledger.settle(number, ordinals, fate),
            clock=self._clock,
        )
        self._report.streams.append(delivery.report)
        return RunningStream(stream, processor_of(stream, local), delivery, self._on_printed)
