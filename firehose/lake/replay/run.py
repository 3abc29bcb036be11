"""Replay: what failed, through today's code, and what now succeeds to where it should have gone.

Into a lake each record is delivered exactly once. For each error object, in this order: the objects of its rows are
made in memory, their keys are noted, they are put, and what is done is noted. The keys derive from the error object's
key and the records' places in it, so a replay that was killed puts the same objects when it is carried out again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from firehose.lake.errors.documents import Reason
from firehose.lake.errors.failures import Attribution, Failure, FailureReader, place_of
from firehose.lake.errors.objects import ErrorObject
from firehose.lake.errors.records import Unreadable
from firehose.lake.errors.replay_journal import Note, Notes
from firehose.lake.errors.rerun import Judged
from firehose.lake.replay.delivery import Object, Writer, groups_of, rows_of, send
from firehose.lake.replay.resume import already_put, begun_again
from firehose.lake.replay.selection import Selection
from firehose.lake.storage import Lake
from firehose.local.sinks import NoteSink, Sink
from glue.layout import Format
from transform.outcome import Delivered, Dropped, Failed

_WHOSE = {Attribution.OTHER: "other_streams", Attribution.NOBODY: "written"}

# Of records. In the pipeline they take ten times that; an error object of Firehose's may hold 128 MiB.
PART_BYTES = 16 * 1024 * 1024


class StillFailing(msgspec.Struct, frozen=True):
    """Records that failed again, by today's reason."""

    reason: str
    type: str | None
    count: int


class Summary(msgspec.Struct):
    """What a replay did, or would do. Every record of the error objects is in one of the counts.

    `finished` are those of a replay that was killed; `dropped` are of a type that nobody archives; `skipped` tells of
    what was not tried: `filtered`, already `replayed`, or of `other_streams`, which took care of it.
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

    With a `writer` the records go into its stream; the notes of what is done lie in the lake all the same. Where two
    are at work on the same lake, one of them stops with a UserError when they meet.
    """

    def __init__(
        self,
        lake: Lake,
        sink: NoteSink | None,
        *,
        selection: Selection,
        file_format: Format,
        writer: Writer | None = None,
    ) -> None:
        self._lake = lake
        self._sink = sink
        self._selection = selection
        self._format = file_format
        self._writer = writer
        self._counts = _Counts()
        self._notes = Notes(lake, sink)
        self._reader = FailureReader(lake, self._counts.unreadable)

    def run(self, error_objects: Iterable[ErrorObject]) -> None:
        """Replays them; `summary` says what became of them, also where this raises.

        Raises:
            UserError: something cannot be read or written. What is noted stays so, and the next run goes on from there.
        """
        for error_object in error_objects:
            self._replay(error_object)

    def replayed(self, error_object: str) -> bool:
        """Whether some record of an error object needs nothing any more."""
        return self._notes.replayed(error_object)

    def summary(self) -> Summary:
        """What has been done so far."""
        counts = self._counts
        return Summary(
            dry_run=self._sink is None,
            delivered=dict(sorted(counts.delivered.items())),
            finished=counts.finished,
            dropped=counts.dropped,
            failing=[StillFailing(*key, count) for key, count in counts.failing.most_common()],
            skipped={name: counts.skipped[name] for name in ("filtered", "replayed", *_WHOSE.values())},
            unreadable=counts.unreadable,
            unfinished=self._notes.begun(),
        )

    def _replay(self, error_object: ErrorObject) -> None:
        note = self._notes.of(error_object.key)
        failures = self._failures(error_object, note)
        if note.begun:
            kept = list(failures)
            note = self._finish(note, error_object, {failure.record.place: failure for failure in kept})
            failures = iter(kept)
        for part in _parts(failures):
            note = self._deliver(note, *self._tried(note, error_object, part))

    def _failures(self, error_object: ErrorObject, note: Note) -> Iterator[Failure]:
        for found in self._reader.of(error_object, note):
            if isinstance(found, Unreadable):
                self._counts.unreadable.append(place_of(error_object, found.place))
            else:
                yield found

    def _tried(
        self, note: Note, error_object: ErrorObject, failures: Iterable[Failure]
    ) -> tuple[dict[int, Judged], Note]:
        """The records that today's code delivers, and the note as it is once they are."""
        done, other, failed = set(note.done), set(note.other), dict(note.failed)
        chosen: dict[int, Judged] = {}
        for failure in failures:
            place = failure.record.place
            if skipped := self._skipped(failure, note, done):
                self._counts.skipped[skipped] += 1
                if failure.whose is Attribution.OTHER:
                    other.add(place)
                elif failure.whose is Attribution.NOBODY:
                    done.add(place)  # and stays so, should its container be compacted away
                continue
            judged = self._judge(error_object, failure)
            match judged.outcome:
                case Delivered():
                    chosen[place] = judged
                case Dropped():
                    self._counts.dropped += 1
                    done.add(place)
                case Failed() as outcome:
                    again = Reason(outcome.reason, outcome.message, outcome.path)
                    self._counts.failing[again.code, outcome.type] += 1
                    # What is as it was is not noted: a replay in vain leaves nothing behind.
                    if again != note.failed.get(place, failure.reason):
                        failed[place] = again
        return chosen, Note(note.error_object, sorted(done), sorted(other), failed)

    def _skipped(self, failure: Failure, note: Note, done: set[int]) -> str:
        """Why a record is not tried, "" where it is."""
        place = failure.record.place
        if place in done:
            return "replayed"
        if failure.whose is not Attribution.OWN:
            return _WHOSE[failure.whose]
        reason = note.failed.get(place, failure.reason)
        return "" if self._selection.has(failure, reason) else "filtered"

    def _deliver(self, before: Note, chosen: dict[int, Judged], after: Note) -> Note:
        """Delivers records; the note of the error object with what became of them."""
        noted: dict[int, Reason] = {}
        if chosen and self._writer is not None:
            refused = send(chosen, self._writer)  # not noted: a lake may take what a stream does not
        else:
            refused = noted = self._put(before, chosen) if chosen else {}
        for place, reason in refused.items():
            self._counts.failing[reason.code, _type(chosen[place])] += 1
        sent = {place: judged for place, judged in chosen.items() if place not in refused}
        self._counts.delivered.update(_type(judged) for judged in sent.values())
        failed = {place: reason for place, reason in (after.failed | noted).items() if place not in sent}
        note = replace(after, done=sorted({*after.done, *sent}), failed=failed)
        if self._sink is not None and (note.done, note.failed) != (before.done, before.failed):
            self._notes.put(note)
        return note

    def _put(self, before: Note, chosen: dict[int, Judged]) -> dict[int, Reason]:
        """Puts the rows of records into the lake; the places of those that the pipeline refused."""
        rows = rows_of(chosen, self._format)
        sent = {place: judged for place, judged in chosen.items() if place not in rows.refused}
        if self._sink is not None and sent:
            begun = groups_of(sent, list(rows.objects), self._format)
            self._notes.put(replace(before, file_format=self._format, begun=begun))
            _put_all(rows.objects, self._sink)
        return rows.refused

    def _finish(self, note: Note, error_object: ErrorObject, failures: Mapping[int, Failure]) -> Note:
        """Carries out what a killed replay began, whatever is selected now; the note of it done."""
        places = sorted(place for group in note.begun for place in group.places)
        judged = {place: self._judge(error_object, failures[place]) for place in places if place in failures}
        objects = begun_again(note, judged)
        done = places if objects is not None else already_put(note, self._lake)
        self._counts.finished += len(done)
        failed = {place: reason for place, reason in note.failed.items() if place not in done}
        finished = Note(note.error_object, sorted({*note.done, *done}), note.other, failed)
        if self._sink is not None:
            _put_all(objects or {}, self._sink)
            self._notes.put(finished)
        return finished

    def _judge(self, error_object: ErrorObject, failure: Failure) -> Judged:
        return failure.judged or self._reader.today.judge(failure.record, error_object.key, failure.sequence)


def _parts(failures: Iterable[Failure]) -> Iterator[list[Failure]]:
    """The failures in parts that are delivered and noted each on their own."""
    part: list[Failure] = []
    size_bytes = 0
    for failure in failures:
        part.append(failure)
        size_bytes += len(failure.record.raw)
        if size_bytes >= PART_BYTES:
            yield part
            part, size_bytes = [], 0
    if part:
        yield part


def _put_all(objects: Mapping[str, Object], sink: Sink) -> None:
    for key, one in objects.items():
        sink.put(key, one.body, one.content_type, one.content_encoding)


def _type(judged: Judged) -> str:
    assert isinstance(judged.outcome, Delivered)  # noqa: S101 - nothing else is delivered
    return judged.outcome.type
