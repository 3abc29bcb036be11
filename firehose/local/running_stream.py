"""A delivery stream as it runs: its processor and what comes behind it, and the batches it shares with others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from firehose.local.behaviour import OBSERVED, Behaviour
from firehose.local.config import described
from firehose.local.config.delivery_stream import DeliveryStream, read_delivery_stream
from firehose.local.config.table import read_table
from firehose.local.delivery.backup import SourceBackup
from firehose.local.delivery.delivery import ACTIVE_PARTITIONS, Delivery
from firehose.local.event_record import EventRecord
from firehose.local.metrics import Metrics
from firehose.local.processors.processor import Batcher, Function, NoFunction, Processor

_READ = ("DataReadFromKinesisStream.Records", "DataReadFromKinesisStream.Bytes")
_PUT = ("IncomingRecords", "IncomingBytes")


class LocalStream(msgspec.Struct, frozen=True):
    """What one delivery stream is made of here.

    `request` is a CreateDeliveryStream request, `table_input` the Glue TableInput that it names where it converts the
    format of its records, `function` the code behind its Lambda ARN where it has one. A function that never writes into
    its event, `keeps_event`, needs no copy of each record; its own timeout is `timeout_seconds` where that is known.
    `version` is what DescribeDeliveryStream says, `region` where a stream is that is put to. A record waits no longer
    than `interval_seconds` where that is given, whatever the buffer intervals of the request. `active_partitions` is a
    quota that AWS raises on request.
    """

    request: Mapping[str, Any]
    table_input: Mapping[str, Any] | None = None
    function: Function | None = None
    keeps_event: bool = False
    timeout_seconds: float | None = None
    version: int = 1
    region: str = "us-east-1"
    interval_seconds: int | None = None
    active_partitions: int = ACTIVE_PARTITIONS
    behaviour: Behaviour = OBSERVED

    def read(self) -> DeliveryStream:
        """The request read, with the intervals that it is to run with.

        Raises:
            SettingError: a setting that AWS refuses, or that is not carried out.
        """
        return _shortened(read_delivery_stream(self.request, self.version, region=self.region), self.interval_seconds)


def described_stream(document: Any, table: Any, function: Function | None = None, **more: Any) -> LocalStream:
    """The stream of documents as AWS prints them: a request or a description, and its Glue table where it converts.

    described_stream({"DeliveryStreamName": "sale", ...}, {"Table": {"Name": "sale", ...}}, handler)

    `more` are members of LocalStream.

    Raises:
        SettingError: what AWS refuses, a table that is not there included, or what is not carried out.
    """
    local = LocalStream(
        described.create_request(document),
        function=function,
        version=described.version(document),
        region=described.region(document),
        **more,
    )
    conversion = local.read().destination.conversion
    return replace(local, table_input=read_table(table, conversion.table)) if conversion else local


def _shortened(stream: DeliveryStream, seconds: int | None) -> DeliveryStream:
    """The stream with buffer intervals that together are no longer than asked: a fifth of it for the function's."""
    if seconds is None:
        return stream
    processing = stream.processing
    if processing.function is not None:
        function = replace(processing.function, buffer_seconds=min(processing.function.buffer_seconds, seconds // 5))
        processing = replace(processing, function=function)
    destination, rest = stream.destination, seconds - processing.batch[1]
    destination = replace(destination, buffer_seconds=min(destination.buffer_seconds, rest))
    return replace(stream, processing=processing, destination=destination)


class RunningStream(msgspec.Struct):
    """One delivery stream at work."""

    stream: DeliveryStream
    processor: Processor | NoFunction
    delivery: Delivery
    backup: SourceBackup | None
    on_printed: Callable[[str, str], None]

    def count_read(self, records: int, size_bytes: int) -> None:
        """Counts a batch of so many payload bytes, by the metrics of its source."""
        report, names = self.delivery.report, _READ if self.stream.source_arn else _PUT
        report.bytes_in += size_bytes
        for name, value in zip(names, (records, size_bytes), strict=True):
            report.metrics.add(name, value)

    def process(self, records: Sequence[EventRecord], first: int, now_ms: int | None) -> None:
        """Takes a batch, whose first record has the ordinal `first`, through backup, function and delivery."""
        if self.backup:
            self.backup.accept(records, first, now_ms)
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

    def flush_due(self, now_ms: int) -> None:
        """Delivers what has waited for its interval."""
        for part in self._parts:
            part.flush_due(now_ms)

    def flush_all(self) -> Exception | None:
        """Delivers everything; what a sink raised, when all has been tried: the others do not wait for it."""
        refused: Exception | None = None
        for part in self._parts:
            try:
                part.flush_all()
            except Exception as refusal:  # noqa: BLE001 - whatever a sink raises, its caller will
                refused = refused or refusal
        return refused

    def flush_largest(self, size_bytes: int) -> None:
        """Delivers the largest partitions, `size_bytes` of rows or more, and all that waits for the backup."""
        self.delivery.flush_largest(size_bytes)
        if self.backup:
            self.backup.flush()

    @property
    def size_bytes(self) -> int:
        """What waits to become objects."""
        return sum(part.size_bytes for part in self._parts)

    @property
    def refused(self) -> tuple[int, Exception | None]:
        """The bytes of the objects that a sink does not take at present, and what it raised."""
        sizes = sum(part.refused_bytes for part in self._parts)
        return sizes, next((part.put_error for part in self._parts if part.put_error), None)

    @property
    def _parts(self) -> list[Delivery | SourceBackup]:
        return [self.delivery, self.backup] if self.backup else [self.delivery]


def processor_of(stream: DeliveryStream, local: LocalStream, metrics: Metrics) -> Processor | NoFunction:
    """What stands between a stream's source and its delivery.

    Raises:
        ValueError: the stream has a Lambda processor, and no function is given for it.
    """
    settings = stream.processing.function
    if settings is None:
        return NoFunction()
    if local.function is None:
        raise ValueError(f"{stream.name} calls the function {settings.function_arn}, and none is given for it")
    return Processor(
        local.function,
        settings,
        stream_arn=stream.source_arn,
        delivery_stream_arn=stream.arn,
        region=stream.region,
        timeout_seconds=local.timeout_seconds,
        keeps_event=local.keeps_event,
        behaviour=local.behaviour,
        metrics=metrics,
    )


class Group(msgspec.Struct):
    """Streams of equal Lambda buffer hints: their batches are cut once, in the same places."""

    batcher: Batcher
    seconds: int
    streams: list[RunningStream]
    processed: int = 0  # the ordinal of the next batch's first record


def groups(streams: Iterable[RunningStream]) -> list[Group]:
    """The streams by their Lambda buffer hints, in order of the first of each."""
    found: dict[tuple[int, int], Group] = {}
    for stream in streams:
        size_bytes, seconds = key = stream.stream.processing.batch
        found.setdefault(key, Group(Batcher(size_bytes), seconds, [])).streams.append(stream)
    return list(found.values())
