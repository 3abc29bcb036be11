"""Replay: run failed records through today's code, and deliver those that now succeed to where they belong.

Into a lake each record is delivered exactly once (errors/replay_journal.py says how), into a stream at least once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec.structs import replace

from firehose.lake.errors.error_documents import Explanation
from firehose.lake.errors.error_objects import ErrorObject
from firehose.lake.errors.failed_records import Unreadable
from firehose.lake.errors.failures import Attribution, ExplainedFailure, FailureReader, place_of
from firehose.lake.errors.replay_journal import JournalEntry, ReplayJournal
from firehose.lake.errors.rerun import RerunResult
from firehose.lake.iceberg.writing import WritableTables
from firehose.lake.objects import Lake
from firehose.lake.replay.prepare import send_to_stream
from firehose.lake.replay.selection import Selection
from firehose.lake.replay.targets import LakeFiles, LakeTables, Target, places_of
from firehose.local.kinesis_writer import Writer
from firehose.local.sink import NoteSink
from glue.layout import FILE_FORMATS, Format
from glue.schema import SCHEMAS, load
from transform.outcome import Delivered, Dropped, Failed

_NOT_COUNTED = {Attribution.OTHER_STREAM: "other_streams", Attribution.ALREADY_WRITTEN: "written"}

# The bytes of records in a part. In the pipeline they take ten times that; an error object may hold 128 MiB.
PART_BYTES = 16 * 1024 * 1024


class StillFailing(msgspec.Struct, frozen=True):
    """Records that failed again, by today's reason."""

    reason: str
    type: str | None
    count: int


class ReplaySummary(msgspec.Struct):
    """The counts of a replay, or of a dry run. Every record of the error objects is in one of them.

    `finished` were left by a replay that was killed. `dropped` are of a type that nobody archives. `skipped` counts
    records that were not tried: not selected (`filtered`), `replayed` before, reported by `other_streams`, or `written`
    already.
    """

    dry_run: bool
    delivered: dict[str, int]
    finished: int
    dropped: int
    failing: list[StillFailing]
    skipped: dict[str, int]
    unreadable: list[str]
    unfinished: list[str]


@dataclass(slots=True)
class _Counts:
    delivered: Counter[str] = field(default_factory=Counter)
    finished: int = 0
    dropped: int = 0
    failing: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)


class Replay:
    """Replays error objects, one after the other. Without a sink nothing is written: a dry run.

    With a `writer` the records go into its stream; the journal lies in the lake all the same. `tables` opens the lake's
    Iceberg tables, if it may have any. If two replays work on
    the same lake, one of them stops with a UserError when they meet.
    """

    def __init__(
        self,
        lake: Lake,
        sink: NoteSink | None,
        *,
        selection: Selection,
        file_format: Format,
        writer: Writer | None = None,
        schemas: Path = SCHEMAS,
        tables: Callable[[], WritableTables] | None = None,
    ) -> None:
        self._lake = lake
        self._sink = sink
        self._selection = selection
        self._format = file_format
        self._writer = writer
        self._schemas = schemas
        self._tables = tables
        self._targets: dict[Format, Target] = {}
        self._counts = _Counts()
        self._journal = ReplayJournal(lake, sink)
        self._reader = FailureReader(lake, self._counts.unreadable, load(schemas))

    def run(self, error_objects: Iterable[ErrorObject]) -> None:
        """Replay the error objects. `summary` then returns the outcome, even if this raises.

        Raises:
            UserError: something cannot be read or written. The next run continues from what the journal says.
        """
        for error_object in error_objects:
            self._replay(error_object)

    def has_progress(self, error_object: str) -> bool:
        """Return True if a record of an error object was replayed, or may have been before a kill."""
        return self._journal.has_progress(error_object)

    def summary(self) -> ReplaySummary:
        """Return the counts so far."""
        counts = self._counts
        return ReplaySummary(
            dry_run=self._sink is None,
            delivered=dict(sorted(counts.delivered.items())),
            finished=counts.finished,
            dropped=counts.dropped,
            failing=[StillFailing(*key, count) for key, count in counts.failing.most_common()],
            skipped={name: counts.skipped[name] for name in ("filtered", "replayed", *_NOT_COUNTED.values())},
            unreadable=counts.unreadable,
            unfinished=self._journal.unfinished(),
        )

    def _replay(self, error_object: ErrorObject) -> None:
        entry = self._journal.entry(error_object.key)
        failures = self._failures(error_object, entry)
        if entry.intent:
            kept = list(failures)
            entry = self._finish(entry, error_object, {failure.record.place: failure for failure in kept})
            failures = iter(kept)
        for part in _parts(failures):
            entry = self._deliver(entry, *self._rerun_part(entry, error_object, part))

    def _failures(self, error_object: ErrorObject, entry: JournalEntry) -> Iterator[ExplainedFailure]:
        for found in self._reader.read(error_object, entry):
            if isinstance(found, Unreadable):
                self._counts.unreadable.append(place_of(error_object, found.place))
            else:
                yield found

    def _rerun_part(
        self, entry: JournalEntry, error_object: ErrorObject, failures: Iterable[ExplainedFailure]
    ) -> tuple[dict[int, RerunResult], JournalEntry]:
        """Return the records that today's code delivers, and the entry as it is once they are delivered."""
        done, other, failed = set(entry.done), set(entry.other), dict(entry.failed)
        deliverable: dict[int, RerunResult] = {}
        for failure in failures:
            place = failure.record.place
            if skipped := self._skipped(failure, entry, done):
                self._counts.skipped[skipped] += 1
                if failure.attribution is Attribution.OTHER_STREAM:
                    other.add(place)
                elif failure.attribution is Attribution.ALREADY_WRITTEN:
                    done.add(place)  # it stays done even if its container is compacted away later
                continue
            result = self._rerun(error_object, failure)
            match result.outcome:
                case Delivered():
                    deliverable[place] = result
                case Dropped():
                    self._counts.dropped += 1
                    done.add(place)
                case Failed() as outcome:
                    again = Explanation(outcome.reason, outcome.message, outcome.path)
                    self._counts.failing[again.code, outcome.type] += 1
                    # The journal keeps new reasons only: a replay that changes nothing leaves nothing behind.
                    if again != entry.failed.get(place, failure.explanation):
                        failed[place] = again
        return deliverable, JournalEntry(entry.error_object, sorted(done), sorted(other), failed)

    def _skipped(self, failure: ExplainedFailure, entry: JournalEntry, done: set[int]) -> str:
        """Return why a record is skipped, "" if it is to be tried."""
        place = failure.record.place
        if place in done:
            return "replayed"
        if failure.attribution is not Attribution.THIS_STREAM:
            return _NOT_COUNTED[failure.attribution]
        explanation = entry.failed.get(place, failure.explanation)
        return "" if self._selection.has(failure, explanation) else "filtered"

    def _deliver(self, before: JournalEntry, deliverable: dict[int, RerunResult], after: JournalEntry) -> JournalEntry:
        """Deliver records, and return the entry of their error object as it is then."""
        refused: dict[int, Explanation] = {}
        newly_failed: dict[int, Explanation] = {}
        if deliverable and self._writer is not None:
            refused = send_to_stream(deliverable, self._writer)  # not in the journal, because a lake may accept them
        elif deliverable:
            refused = newly_failed = self._put(after, deliverable)
        for place, explanation in refused.items():
            self._counts.failing[explanation.code, _type(deliverable[place])] += 1
        delivered = {place: result for place, result in deliverable.items() if place not in refused}
        self._counts.delivered.update(_type(result) for result in delivered.values())
        failed = {place: why for place, why in (after.failed | newly_failed).items() if place not in delivered}
        entry = replace(after, done=sorted({*after.done, *delivered}), failed=failed)
        if self._sink is not None and (entry.done, entry.failed) != (before.done, before.failed):
            self._journal.put(entry)
        return entry

    def _put(self, after: JournalEntry, deliverable: dict[int, RerunResult]) -> dict[int, Explanation]:
        """Put the rows of records into the lake, and return the records that the pipeline refused, by place."""
        prepared = self._target(self._format).prepare(after.error_object, deliverable)
        if self._sink is not None and prepared.intent:
            # With what is left to other streams: whoever finishes this intent must not deliver that.
            self._journal.put(replace(after, file_format=self._format, intent=prepared.intent))
            prepared.put()
        return prepared.refused

    def _target(self, file_format: Format) -> Target:
        if file_format not in self._targets:
            self._targets[file_format] = self._new_target(file_format)
        return self._targets[file_format]

    def _new_target(self, file_format: Format) -> Target:
        if file_format in FILE_FORMATS:
            return LakeFiles(self._lake, self._sink, file_format, self._schemas)
        assert self._tables is not None  # noqa: S101 - every command that replays into a lake gives them
        return LakeTables(self._tables, self._schemas)

    def _finish(
        self, entry: JournalEntry, error_object: ErrorObject, failures: Mapping[int, ExplainedFailure]
    ) -> JournalEntry:
        """Finish a killed replay, whatever is selected now, and return the finished entry."""
        places = places_of(entry)
        results = {place: self._rerun(error_object, failures[place]) for place in places if place in failures}
        done = self._target(entry.file_format).finish(entry, results, dry=self._sink is None)
        self._counts.finished += len(done)
        failed = {place: why for place, why in entry.failed.items() if place not in done}
        finished = JournalEntry(entry.error_object, sorted({*entry.done, *done}), entry.other, failed)
        if self._sink is not None:
            self._journal.put(finished)
        return finished

    def _rerun(self, error_object: ErrorObject, failure: ExplainedFailure) -> RerunResult:
        return failure.rerun or self._reader.rerun.run(failure.record, error_object.key, failure.sequence)


def _parts(failures: Iterable[ExplainedFailure]) -> Iterator[list[ExplainedFailure]]:
    """Split failures into parts, each of which is delivered, and entered in the journal, on its own."""
    part: list[ExplainedFailure] = []
    size_bytes = 0
    for failure in failures:
        part.append(failure)
        size_bytes += len(failure.record.raw)
        if size_bytes >= PART_BYTES:
            yield part
            part, size_bytes = [], 0
    if part:
        yield part


def _type(result: RerunResult) -> str:
    assert isinstance(result.outcome, Delivered)  # noqa: S101 - nothing else is delivered
    return result.outcome.type
