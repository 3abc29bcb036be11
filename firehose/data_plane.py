"""The pump: records of a source through delivery streams, as their descriptions say, into a sink.

source -> batches -> Lambda processor -> partition keys -> format conversion -> partition buffers -> objects
                          |                  |                  |
                          +------------------+------------------+--> error output
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from firehose.accounting import Ledger, Report, payload_bytes
from firehose.delivery import Delivery
from firehose.destination import Sink
from firehose.processor import Batcher, Function, NoFunction, Processor
from firehose.source import EventRecord
from firehose.stream.delivery_stream import DeliveryStream, read_delivery_stream

# Rows of all streams together, as JSON. Gathering them for a flush may take as much again twice: a million sample
# records take 335 MB at their peak, a hundred thousand 314. With 128 MiB it was 385 and 301.
MEMORY_BYTES = 108 * 1024 * 1024

_LOOK_MS = 100

# Epoch milliseconds.
Clock: TypeAlias = Callable[[], int]


@dataclass(frozen=True, slots=True)
class LocalStream:
    """What one delivery stream is made of here.

    `request` is a CreateDeliveryStream request, `table_input` the Glue TableInput that it names where it converts the
    format of its records, `function` the code behind its Lambda ARN. A function that never writes into its event,
    `keeps_event`, needs no copy of each record. `version` is what DescribeDeliveryStream says. A record waits no longer
    than `interval_seconds` where that is given, whatever the buffer intervals of the request.
    """

    request: Mapping[str, Any]
    table_input: Mapping[str, Any] | None
    function: Function
    keeps_event: bool = False
    version: int = 1
    interval_seconds: int | None = None


class DataPlane:
    """Runs delivery streams that read one source.

    Without a clock, as on files, the buffer intervals do not run, and partitions are flushed early rather than exceed
    the limit of active ones. With one, both are as in AWS.

    Raises, when it is made:
        UnsupportedSettingError: a setting of a stream that is not carried out.
        ValueError: a stream that converts without a table, or one that OpenXJsonSerDe cannot write.
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
        self._runners = [self._runner(number, stream, sink) for number, stream in enumerate(streams)]
        self._groups = _groups(self._runners)
        self.reading = False

    def run(
        self,
        source: Iterable[EventRecord | None],
        *,
        progress: Callable[[Report], None] = lambda _: None,
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
                self._accept(record, now_ms, progress)
            # Intervals are seconds, and looking at hundreds of partitions takes longer than a record.
            if now_ms is not None and (record is None or now_ms - looked_ms >= _LOOK_MS):
                self._run_intervals(now_ms)
                looked_ms = now_ms
                # Under load a source does not wait for minutes.
                settled(self._ledger.settled())
        for group in self._groups:
            self._process(group, group.batcher.take(), progress)
        for runner in self._runners:
            runner.delivery.flush_all()
        settled(self._ledger.settled())
        self._ledger.close(self._report.read)
        return self._report

    @property
    def report(self) -> Report:
        """The counts so far. What all streams together made of each record is known when a run has ended."""
        return self._report

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

    def _accept(self, record: EventRecord, now_ms: int | None, progress: Callable[[Report], None]) -> None:
        self._report.read += 1
        for group in self._groups:
            full = group.batcher.add(record, now_ms)
            if full:
                self._process(group, full, progress)

    def _process(self, group: "_Group", records: list[EventRecord], progress: Callable[[Report], None]) -> None:
        if not records:
            return
        first = group.processed
        group.processed += len(records)
        now_ms = self._clock() if self._clock else None
        size_bytes = sum(map(payload_bytes, records))
        if group is self._groups[0]:
            self._report.bytes_read += size_bytes
        for runner in group.runners:
            runner.delivery.report.bytes_in += size_bytes
            runner.process(records, first, now_ms)
            self._bound_memory()
        progress(self._report)

    def _bound_memory(self) -> None:
        total = sum(runner.delivery.size_bytes for runner in self._runners)
        if total > self._memory_bytes:
            # Half of it, the largest partitions: flushing just enough would gather the rows again at every batch.
            for runner in self._runners:
                runner.delivery.flush_largest(runner.delivery.size_bytes // 2)

    def _run_intervals(self, now_ms: int) -> None:
        for group in self._groups:
            opened_ms = group.batcher.opened_ms
            if opened_ms is not None and now_ms - opened_ms >= group.seconds * 1000:
                self._process(group, group.batcher.take(), lambda _: None)
        for runner in self._runners:
            runner.delivery.flush_due(now_ms)

    def _runner(self, number: int, local: LocalStream, sink: Sink) -> "_Runner":
        stream = _shortened(read_delivery_stream(local.request, local.version), local.interval_seconds)
        delivery = Delivery(
            stream,
            local.table_input,
            sink,
            settle=lambda ordinals, fate: self._ledger.settle(number, ordinals, fate),
            clock=self._clock,
        )
        self._report.streams.append(delivery.report)
        processor = _processor(stream, local)
        return _Runner(stream, processor, delivery, self._on_printed)


def _processor(stream: DeliveryStream, local: LocalStream) -> Processor | NoFunction:
    settings = stream.processing.function
    if settings is None:
        return NoFunction()
    return Processor(
        local.function,
        settings,
        stream_arn=stream.source_arn or "",
        delivery_stream_arn=stream.arn,
        region=stream.region,
        keeps_event=local.keeps_event,
    )


def _shortened(stream: DeliveryStream, seconds: int | None) -> DeliveryStream:
    """The stream with buffer intervals that together are no longer than asked: a fifth of it for the function's."""
    if seconds is None:
        return stream
    processing = stream.processing
    if processing.function is not None:
        function = replace(processing.function, buffer_seconds=min(processing.function.buffer_seconds, seconds // 5))
        processing = replace(processing, function=function)
    rest = seconds - processing.batch[1]
    return replace(stream, processing=processing, buffer_seconds=min(stream.buffer_seconds, rest))


@dataclass(slots=True)
class _Runner:
    stream: DeliveryStream
    processor: Processor | NoFunction
    delivery: Delivery
    on_printed: Callable[[str, str], None]

    def process(self, records: Sequence[EventRecord], first: int, now_ms: int | None) -> None:
        done = self.processor.process(records)
        delivery = self.delivery
        delivery.report.received += len(records)
        delivery.drop([first + index for index in done.dropped])
        if done.failed:
            delivery.fail(records, done.failed, first, now_ms)
        if done.ok:
            delivery.accept(records, done.ok, first, now_ms)
        if done.printed:
            self.on_printed(self.stream.name, done.printed)


@dataclass(slots=True)
class _Group:
    """Streams of equal Lambda buffer hints: their batches are cut once, in the same places."""

    batcher: Batcher
    seconds: int
    runners: list[_Runner]
    processed: int = 0  # the ordinal of the next batch's first record


def _groups(runners: Iterable[_Runner]) -> list[_Group]:
    groups: dict[tuple[int, int], _Group] = {}
    for runner in runners:
        size_bytes, seconds = key = runner.stream.processing.batch
        group = groups.setdefault(key, _Group(Batcher(size_bytes), seconds, []))
        group.runners.append(runner)
    return list(groups.values())
