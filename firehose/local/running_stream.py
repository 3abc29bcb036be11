"""A delivery stream at work, and the batches that it shares with others."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from firehose.local.batch import Batch
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.delivery.backup import SourceBackup
from firehose.local.delivery.delivery import Delivery
from firehose.local.event_record import EventRecord
from firehose.local.processors.batcher import Batcher
from firehose.local.processors.stage import Processed, ProcessorFailure, Stage

_READ = ("DataReadFromKinesisStream.Records", "DataReadFromKinesisStream.Bytes")
_PUT = ("IncomingRecords", "IncomingBytes")


# "Up to 5 outstanding Lambda invocations per shard" (guide, "Quota"): a batch more, and the oldest is tried at once.
MOST_WAITING = 5


# Of a record that no Kinesis stream could hold, so that AWS has no code for it.
UNREAD = ProcessorFailure(
    0, "Source.RecordTooLarge", "The record is larger than the 10 MiB that a Kinesis record may have."
)


class WaitingBatch(NamedTuple):
    """A batch whose function failed and is to be tried again, with the stages that are still to come."""

    batch: Batch
    processed: Processed
    stages: Sequence[Stage]


class RunningStream(msgspec.Struct):
    """One delivery stream at work: backup, then its stages, then delivery.

    `on_printed` is called with the stream's name and what its function printed in an invocation.
    """

    stream: DeliveryStream
    stages: Sequence[Stage]
    delivery: Delivery
    backup: SourceBackup | None
    on_printed: Callable[[str, str], None]
    waiting: list[WaitingBatch] = msgspec.field(default_factory=list)

    def count_read(self, records: int, size_bytes: int) -> None:
        """Count the records of a batch and their payloads, by the metrics of the stream's source."""
        report, names = self.delivery.report, _READ if self.stream.source_arn else _PUT
        report.bytes_in += size_bytes
        for name, value in zip(names, (records, size_bytes), strict=True):
            report.metrics.add(name, value)

    def process(self, batch: Batch) -> None:
        """Take a batch through backup, stages and delivery."""
        if self.backup:
            self.backup.accept(batch)
        if "unreadBytes" in batch.records[0]:  # alone in its batch
            self.delivery.accept(batch, Processed(failed=[UNREAD]))
            return
        if self.waiting and self.delivery.ordered:
            self.waiting.append(WaitingBatch(batch, Processed(retry_ms=batch.now_ms), self.stages))
        else:
            self._run(batch, Processed(), self.stages)
        if len(self.waiting) > MOST_WAITING:
            self._retry_at_once(self.waiting[0], batch.now_ms)

    def _run(self, batch: Batch, processed: Processed, stages: Sequence[Stage]) -> None:
        for place, stage in enumerate(stages):
            stage.process(batch, processed)
            if processed.retry_ms is not None:
                self.waiting.append(WaitingBatch(batch, processed, stages[place:]))
                return
        self.delivery.accept(batch, processed)
        if processed.printed:
            self.on_printed(self.stream.name, processed.printed)

    def _retry(self, waiting: WaitingBatch, now_ms: int | None) -> WaitingBatch | None:
        """Retry a batch; return it, with the stages that are left, if it waits again in its old place."""
        place = self.waiting.index(waiting)
        del self.waiting[place]
        before = len(self.waiting)
        waiting.processed.retry_ms = None
        self._run(replace(waiting.batch, now_ms=now_ms), waiting.processed, waiting.stages)
        if len(self.waiting) == before:
            return None
        self.waiting.insert(place, self.waiting.pop())
        return self.waiting[place]

    def _retry_at_once(self, waiting: WaitingBatch, now_ms: int | None) -> None:
        left: WaitingBatch | None = waiting
        while left is not None:
            left = self._retry(left, now_ms)

    def flush_due(self, now_ms: int) -> None:
        """Try again the batches whose time has come, and deliver what has waited for its interval."""
        for waiting in self.waiting[:]:
            due = waiting.processed.retry_ms is not None and waiting.processed.retry_ms <= now_ms
            left = self._retry(waiting, now_ms) if due else waiting
            if left is not None and self.delivery.ordered:
                break
        for part in self._parts:
            part.flush_due(now_ms)

    def flush_all(self) -> Exception | None:
        """Deliver everything, without waiting; return what the first sink raised, after all have been tried."""
        while self.waiting:
            self._retry_at_once(self.waiting[0], self.waiting[0].batch.now_ms)
        refused: Exception | None = None
        for part in self._parts:
            try:
                part.flush_all()
            except Exception as refusal:  # noqa: BLE001 - the caller raises it, after the other streams
                refused = refused or refusal
        return refused

    def flush_largest(self, size_bytes: int) -> None:
        """Deliver the largest partitions, `size_bytes` of rows or more, and all that waits for the backup."""
        self.delivery.flush_largest(size_bytes)
        if self.backup:
            self.backup.flush()

    @property
    def size_bytes(self) -> int:
        """The size of the buffered data that waits to become objects."""
        return sum(part.size_bytes for part in self._parts)

    @property
    def refused(self) -> tuple[int, Exception | None]:
        """The bytes of the objects that a sink refuses at present, and the error of the oldest."""
        sizes = sum(part.refused_bytes for part in self._parts)
        return sizes, next((part.put_error for part in self._parts if part.put_error), None)

    @property
    def _parts(self) -> list[Delivery | SourceBackup]:
        return [self.delivery, self.backup] if self.backup else [self.delivery]


class BatchGroup(msgspec.Struct):
    """Streams of equal Lambda buffer hints: their batches are cut once, in the same places."""

    batcher: Batcher
    seconds: int
    streams: list[RunningStream]
    processed: int = 0  # the ordinal of the next batch's first record

    def number(self, records: Sequence[EventRecord], now_ms: int | None) -> Batch:
        """Return the next records of the source as a batch."""
        batch = Batch(records, self.processed, now_ms)
        self.processed += len(records)
        return batch


def batch_groups(streams: Iterable[RunningStream]) -> list[BatchGroup]:
    """Return the streams grouped by their Lambda buffer hints, the groups in order of their first stream."""
    found: dict[tuple[int, int], BatchGroup] = {}
    for stream in streams:
        size_bytes, seconds = key = stream.stream.processing.batch
        found.setdefault(key, BatchGroup(Batcher(size_bytes), seconds, [])).streams.append(stream)
    return list(found.values())
