"""The data plane: runs the records of a source through delivery streams, as their requests say, into a sink.

source -> de-aggregation -> batches -> Lambda -> partition keys -> format conversion -> buffers -> objects
                               |          |             |                  |
                               v          +-------------+------------------+--> error output
                             backup
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import TypeAlias

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.delivery.backup import SourceBackup
from firehose.local.delivery.destinations import make_delivery
from firehose.local.delivery.source_marks import SourceOf
from firehose.local.event_record import EventRecord, payloads_bytes
from firehose.local.ledger import Ledger, Settle, SourceRecords
from firehose.local.local_stream import LocalStream
from firehose.local.metrics import Metrics
from firehose.local.processors.function_problems import FunctionProblems
from firehose.local.processors.stages import splitter, stages_of
from firehose.local.report import RunReport, StreamReport
from firehose.local.running_stream import BatchGroup, RunningStream, batch_groups
from firehose.local.sink import Sink

# The limit for the buffered rows of all streams together, as JSON. A flush may need twice as much again: a million
# sample records take 335 MB at their peak, a hundred thousand 314. With 128 MiB it was 385 and 301.
MEMORY_BYTES = 108 * 1024 * 1024

_LOOK_MS = 100

# Returns the time in epoch milliseconds.
Clock: TypeAlias = Callable[[], int]

_Progress: TypeAlias = Callable[[RunReport], None]


class DataPlane:
    """Runs delivery streams that read one source.

    With a clock, buffer intervals and the limit of active partitions are as in AWS. Without one, as on files, no
    interval runs, and only memory limits the active partitions.

    `source_of` returns the source of a record by its id. Iceberg tables hold how far they have each source, so that no
    row is appended twice (delivery/source_marks). Files and streams that were made anew have the ids of others, so they
    need names of their own (sources/source_names, KinesisSource.source_of). Other streams need no names.

    Call either `run`, which reads a source to its end, or `accept` for each record, `tick` whenever time has passed,
    and `finish` at the end.

    Raises, when it is made:
        SettingError: a setting of a stream that AWS refuses, or that is not supported here.
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
        source_of: SourceOf | None = None,
        on_printed: Callable[[str, str], None] = lambda _stream, _text: None,
    ) -> None:
        self._clock = clock
        self._memory_bytes = memory_bytes
        self._source_of = source_of
        self._report = RunReport()
        self._source_records = SourceRecords()
        described = [local.read() for local in streams]
        backups = sum(stream.backup is not None for stream in described)
        self._ledger = Ledger(len(streams) + backups, self._report)
        settles = (partial(self._ledger.settle, number) for number in count())
        self._streams: list[RunningStream] = []
        for local, stream in zip(streams, described, strict=True):
            running = self._running(local, stream, sink, next(settles), on_printed)
            if stream.backup:
                running.backup = SourceBackup(
                    stream,
                    stream.backup,
                    sink if backup_sink is None else backup_sink,
                    running.delivery.report.metrics,
                    settle=next(settles),
                    clock=clock,
                )
            self._streams.append(running)
        self._split = splitter([running.stages for running in self._streams])
        self._groups = batch_groups(self._streams)
        self.reading = False

    def _running(
        self,
        local: LocalStream,
        stream: DeliveryStream,
        sink: Sink,
        settle: Settle,
        on_printed: Callable[[str, str], None],
    ) -> RunningStream:
        problems = FunctionProblems(with_logs=local.with_logs)
        report = StreamReport(stream.name, metrics=Metrics(self._clock), function_problems=problems)
        self._report.streams.append(report)
        stages = stages_of(stream, local, report)
        delimiter = b"".join(stage.delimiter for stage in stages)
        delivery = make_delivery(
            local,
            stream,
            sink,
            report,
            settle=settle,
            clock=self._clock,
            delimiter=delimiter,
            source_of=self._source_of,
        )
        return RunningStream(stream, stages, delivery, None, on_printed)

    def run(
        self,
        source: Iterable[EventRecord | None],
        *,
        progress: _Progress = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
        settled: Callable[[int], None] = lambda _: None,
    ) -> RunReport:
        """Process and deliver all records of the source, or those read until `stop` returns true. Call it once.

        A source that waits yields None from time to time, so that buffer intervals are checked. `progress` is called
        with the counts so far (`read`, `bytes_read`) after each batch. A KeyboardInterrupt raised while the source is
        being read (`reading` is true) stops as `stop` does.

        `settled` is called after each check of intervals, and at the end. It gets the number of records, counted from
        the first, that every stream has delivered, dropped or kept as errors: after a crash, reading resumes there.

        Raises:
            The error of the source or a sink. The report then has the fate of each record read until then.
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
        """The counts so far. The fates of records over all streams are counted when a run has ended."""
        return self._report

    @property
    def put_error(self) -> Exception | None:
        """The error of the oldest object that a sink refuses at present, None if it refuses none."""
        return next((error for _, error in (running.refused for running in self._streams) if error), None)

    def accept(self, record: EventRecord, now_ms: int | None, progress: _Progress = lambda _: None) -> None:
        """Take one record of the source; if it fills a batch, process that."""
        parts = self._split(record)
        self._source_records.add(len(parts))
        self._report.read += len(parts)
        for part in parts:
            for group in self._groups:
                full = group.batcher.add(part, now_ms)
                if full:
                    self._process(group, full, progress)

    def tick(self, now_ms: int) -> None:
        """Process and deliver what has waited for its interval."""
        for group in self._groups:
            opened_ms = group.batcher.opened_ms
            if opened_ms is not None and now_ms - opened_ms >= group.seconds * 1000:
                self._process(group, group.batcher.take(), lambda _: None)
        for running in self._streams:
            running.flush_due(now_ms)

    def finish(self, progress: _Progress = lambda _: None) -> None:
        """Process and deliver all that was accepted, whatever its age.

        Raises:
            The error of a sink, after every stream has tried: the records of the refused objects are not settled.
        """
        for group in self._groups:
            self._process(group, group.batcher.take(), progress)
        errors = [error for running in self._streams if (error := running.flush_all())]
        if errors:
            raise errors[0]

    @property
    def idle(self) -> bool:
        """True if every accepted record has its fate in every stream."""
        return self._ledger.settled() == self._report.read

    def settled(self) -> int:
        """Return the number of records of the source, counted from the first, that have their fate in every stream."""
        return self._source_records.settled(self._ledger.settled())

    def _take(self, records: Iterable[EventRecord | None], progress: _Progress, settled: Callable[[int], None]) -> None:
        looked_ms = 0
        for record in records:
            now_ms = self._clock() if self._clock else None
            if record is not None:
                self.accept(record, now_ms, progress)
            # Intervals last seconds, and checking hundreds of partitions takes longer than processing a record.
            if now_ms is not None and (record is None or now_ms - looked_ms >= _LOOK_MS):
                self.tick(now_ms)
                looked_ms = now_ms
                # Under load a source may yield no None for minutes.
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

    def _process(self, group: BatchGroup, records: list[EventRecord], progress: _Progress) -> None:
        if not records:
            return
        batch = group.number(records, self._clock() if self._clock else None)
        size_bytes = payloads_bytes(records)
        if group is self._groups[0]:
            self._report.bytes_read += size_bytes
        for running in group.streams:
            running.count_read(len(records), size_bytes)
            running.process(batch)
            self._bound_memory()
        progress(self._report)

    def _bound_memory(self) -> None:
        total = sum(running.size_bytes for running in self._streams)
        if total > self._memory_bytes:
            # Flush half of it, the largest partitions first: flushing just enough would copy the rows at every batch.
            for running in self._streams:
                running.flush_largest(running.delivery.size_bytes // 2)
        for refused_bytes, error in (running.refused for running in self._streams):
            if error and refused_bytes > self._memory_bytes:
                raise error  # what could not be put is still in the source
