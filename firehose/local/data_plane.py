"""The pump: records of a source through delivery streams, as their descriptions say, into a sink.

source -> de-aggregation -> batches -> Lambda processor -> partition keys -> format conversion -> buffers -> objects
                               |            |                   |                  |
                               v            +-------------------+------------------+--> error output
                             backup
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import TypeAlias

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.members import UnsupportedSettingError
from firehose.local.config.s3_destination import Backup
from firehose.local.delivery.backup import SourceBackup
from firehose.local.delivery.destinations import make_delivery
from firehose.local.event_record import EventRecord, payloads_bytes
from firehose.local.ledger import Ledger, SourceRecords
from firehose.local.report import RunReport
from firehose.local.running_stream import Group, LocalStream, RunningStream, groups, processor_of
from firehose.local.sinks import Sink
from firehose.local.sources.deaggregation import deaggregated, parts

# Rows of all streams together, as JSON. Gathering them for a flush may take as much again twice: a million sample
# records take 335 MB at their peak, a hundred thousand 314. With 128 MiB it was 385 and 301.
MEMORY_BYTES = 108 * 1024 * 1024

_LOOK_MS = 100

# Epoch milliseconds.
Clock: TypeAlias = Callable[[], int]

_Progress: TypeAlias = Callable[[RunReport], None]


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
        backup_sink: Sink | None = None,
        memory_bytes: int = MEMORY_BYTES,
        on_printed: Callable[[str, str], None] = lambda _stream, _text: None,
    ) -> None:
        self._clock = clock
        self._memory_bytes = memory_bytes
        self._on_printed = on_printed
        self._report = RunReport()
        described = [local.read() for local in streams]
        self._parts_of = _deaggregation(described)
        self._source_records = SourceRecords()
        backups = sum(stream.backup is not None for stream in described)
        self._ledger = Ledger(len(streams) + backups, self._report)
        settles = (partial(self._ledger.settle, number) for number in count())
        self._streams = [
            self._running(local, stream, sink, next(settles)) for local, stream in zip(streams, described, strict=True)
        ]
        for running in self._streams:
            if running.stream.backup:
                to = sink if backup_sink is None else backup_sink
                running.backup = self._backup(running, running.stream.backup, to, next(settles))
        self._groups = groups(self._streams)
        self.reading = False

    def run(
        self,
        source: Iterable[EventRecord | None],
        *,
        progress: _Progress = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
        settled: Callable[[int], None] = lambda _: None,
    ) -> RunReport:
        """Everything that the source has, or up to where `stop` says so; what was accepted is then delivered.

        A source that waits gives None from time to time, so that buffer intervals are looked at. `progress` is called
        after each batch with the counts so far (`read`, `bytes_read`). A KeyboardInterrupt raised while the source is
        being read (`reading` is true) stops as `stop` does. To be called once.

        `settled` is told, whenever intervals have been looked at and at the end, how many of its records, from the
        first on, were delivered, dropped or kept as errors by every stream: where a source would go on after a crash.

        Raises:
            What the source or a sink raises. The report then says what became of each record read until then.
        """
        try:
            self._take(self._read(source, stop), progress, settled)
            self.finish(progress)
        finally:
            settled(self.settled())
            self._ledger.close(self._report.read)
        return self._report

    @property
    def report(self) -> RunReport:
        """The counts so far. What all streams together made of each record is known when a run has ended."""
        return self._report

    def accept(self, record: EventRecord, now_ms: int | None, progress: _Progress = lambda _: None) -> None:
        """Takes one record of the source; a batch that is full with it is processed."""
        parts = self._parts_of(record) if self._parts_of else (record,)
        self._source_records.add(len(parts))
        self._report.read += len(parts)
        for part in parts:
            for group in self._groups:
                full = group.batcher.add(part, now_ms)
                if full:
                    self._process(group, full, progress)

    def tick(self, now_ms: int) -> None:
        """Processes and delivers what has waited for its interval."""
        for group in self._groups:
            opened_ms = group.batcher.opened_ms
            if opened_ms is not None and now_ms - opened_ms >= group.seconds * 1000:
                self._process(group, group.batcher.take(), lambda _: None)
        for running in self._streams:
            running.flush_due(now_ms)

    def finish(self, progress: _Progress = lambda _: None) -> None:
        """Processes and delivers all that was accepted, whatever its age.

        Raises:
            What a sink raises, when every stream has tried: the records of what could not be put are not settled.
        """
        for group in self._groups:
            self._process(group, group.batcher.take(), progress)
        refusals = [refusal for running in self._streams if (refusal := running.flush_all())]
        if refusals:
            raise refusals[0]

    @property
    def idle(self) -> bool:
        """Whether every record that was accepted has its fate in every stream."""
        return self._ledger.settled() == self._report.read

    def settled(self) -> int:
        """How many records of the source, from the first on, have their fate in every stream."""
        return self._source_records.settled(self._ledger.settled())

    def _take(self, records: Iterable[EventRecord | None], progress: _Progress, settled: Callable[[int], None]) -> None:
        looked_ms = 0
        for record in records:
            now_ms = self._clock() if self._clock else None
            if record is not None:
                self.accept(record, now_ms, progress)
            # Intervals are seconds, and looking at hundreds of partitions takes longer than a record.
            if now_ms is not None and (record is None or now_ms - looked_ms >= _LOOK_MS):
                self.tick(now_ms)
                looked_ms = now_ms
                # Under load a source does not wait for minutes.
                settled(self.settled())

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
        size_bytes = payloads_bytes(records)
        if group is self._groups[0]:
            self._report.bytes_read += size_bytes
        for running in group.streams:
            running.count_read(len(records), size_bytes)
            running.process(records, first, now_ms)
            self._bound_memory()
        progress(self._report)

    def _bound_memory(self) -> None:
        total = sum(running.size_bytes for running in self._streams)
        if total > self._memory_bytes:
            # Half of it, the largest partitions: flushing just enough would gather the rows again at every batch.
            for running in self._streams:
                running.flush_largest(running.delivery.size_bytes // 2)
        for refused_bytes, refusal in (running.refused for running in self._streams):
            if refusal and refused_bytes > self._memory_bytes:
                raise refusal  # what could not be put is still in the source

    def _running(
        self, local: LocalStream, stream: DeliveryStream, sink: Sink, settle: Callable[[Iterable[int], int], None]
    ) -> RunningStream:
        delivery = make_delivery(
            stream,
            local.table_input,
            sink,
            settle=settle,
            clock=self._clock,
            active_partitions=local.active_partitions,
            behaviour=local.behaviour,
        )
        self._report.streams.append(delivery.report)
        processor = processor_of(stream, local, delivery.report.metrics)
        return RunningStream(stream, processor, delivery, None, self._on_printed)

    def _backup(
        self, running: RunningStream, backup: Backup, sink: Sink, settle: Callable[[Iterable[int], int], None]
    ) -> SourceBackup:
        metrics = running.delivery.report.metrics
        return SourceBackup(running.stream, backup, sink, metrics, settle=settle, clock=self._clock)


def _deaggregation(streams: Sequence[DeliveryStream]) -> Callable[[EventRecord], list[EventRecord]] | None:
    """What takes records of these streams apart; None where nothing does.

    Raises:
        UnsupportedSettingError: two streams would take them apart in different ways, and so disagree on what a record
            is.
    """
    ways = {stream.processing.deaggregation for stream in streams}
    if len(ways) > 1:
        raise UnsupportedSettingError(
            "ProcessingConfiguration.Processors",
            "streams that run together are carried out with the same de-aggregation",
        )
    from_kinesis = any(stream.source_arn for stream in streams)
    way = ways.pop() if ways else None
    if way is None:
        return deaggregated if from_kinesis else None
    return lambda record: [part for each in deaggregated(record) for part in parts(each, way)]
