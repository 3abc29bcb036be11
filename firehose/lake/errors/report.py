"""What failed in a lake, by reason, record type and day of arrival."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from firehose.lake.errors.documents import Explanations, Reason
from firehose.lake.errors.failures import Attribution, FailureReader, place_of
from firehose.lake.errors.objects import DeniedError, ErrorObject, lake_errors
from firehose.lake.errors.records import Unreadable
from firehose.lake.errors.replay_journal import Notes
from firehose.lake.storage import Lake, open_lake
from glue.layout import FIREHOSE_ERRORS

EXAMPLES = 3  # of each group: the commonest ones; all have one reason and differ in their path


class Basis(StrEnum):
    """What the failures of a report were taken from."""

    FIREHOSE = "firehose"  # Firehose's error records, explained by the documents
    DOCUMENTS = "documents"  # the function's documents alone: Firehose has no error objects there
    DENIED = "denied"  # the same, because Firehose's may not be read


class Example(msgspec.Struct, frozen=True):
    """One way a record failed, how often, and where the first such one lies: `lake/.../a.jsonl:3`."""

    path: str | None
    message: str
    count: int
    where: str


class Failures(msgspec.Struct, frozen=True):
    """The failures of one reason, record type and day of arrival."""

    reason: str
    type: str | None
    day: str
    count: int
    examples: list[Example]


class Report(msgspec.Struct):
    """All that failed and has not been replayed, each failure once.

    `firehose` counts Firehose's own records by the kind of their error, {"processing-failed": 3}. Of them `replayed`
    are done, other streams answer for `other_streams`, if somebody archives their type, and `written` are in the lake
    after all. `unmatched_documents` have no record of Firehose's. `unreadable` says where objects lie that are not what
    their place says.
    """

    failures: list[Failures]
    firehose: dict[str, int]
    unreadable: list[str]
    basis: Basis = Basis.FIREHOSE
    replayed: int = 0
    other_streams: int = 0
    written: int = 0
    unmatched_documents: int = 0


@dataclass(slots=True)
class _Group:
    ways: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    first: dict[tuple[str | None, str], str] = field(default_factory=dict)


class _Groups:
    """Failures as they come in, by reason, type and day."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str | None, str], _Group] = {}

    def add(self, reason: Reason, record_type: str | None, day: str, where: str) -> None:
        group = self._groups.setdefault((reason.code, record_type, day), _Group())
        way = (reason.path, reason.message)
        group.ways[way] += 1
        group.first.setdefault(way, where)

    def sorted(self) -> list[Failures]:
        failures = [_failures(*key, group) for key, group in self._groups.items()]
        return sorted(failures, key=lambda one: (-one.count, one.reason, one.type or "", one.day))


def report(where: str) -> Report:
    """What failed in the lake in a folder or in `s3://bucket`, the commonest first.

    Where Firehose's error objects may not be read (they lie under a tighter policy), or where there are none, the
    function's documents are the next best: they lack what no function saw, and have what a retry has delivered since.

    Raises:
        UserError: no such lake, or it cannot be read.
    """
    lake = open_lake(where)
    try:
        found = _from_firehose(lake)
    except DeniedError:
        return _from_documents(lake, Basis.DENIED)
    return found or _from_documents(lake, Basis.DOCUMENTS)


def _from_firehose(lake: Lake) -> Report | None:
    """The report by Firehose's error records; None where there is no object of them."""
    notes = Notes(lake)
    objects = lake_errors(lake, notes.replayed)
    first = next(objects, None)
    if first is None:
        return None
    found = Report([], {}, [])
    groups, counts = _Groups(), Counter[str]()
    reader = FailureReader(lake, found.unreadable)
    for error_object in _chain(first, objects):
        kind = error_object.key.removeprefix(FIREHOSE_ERRORS).partition("/")[0]
        note = notes.of(error_object.key)
        done = set(note.done)
        for failure in reader.of(error_object, note):
            if isinstance(failure, Unreadable):
                found.unreadable.append(place_of(error_object, failure.place))
                continue
            counts[kind] += 1
            place = failure.record.place
            if place in done:
                found.replayed += 1
            elif failure.whose is Attribution.OTHER:
                found.other_streams += 1
            elif failure.whose is Attribution.NOBODY:
                found.written += 1
            else:
                groups.add(note.failed.get(place, failure.reason), failure.type, failure.day, failure.where)
    found.failures, found.firehose = groups.sorted(), dict(counts.most_common())
    found.unmatched_documents = sum(1 for _ in reader.told.left())
    return found


def _from_documents(lake: Lake, basis: Basis) -> Report:
    found = Report([], {}, [], basis)
    groups = _Groups()
    for one in Explanations(lake, found.unreadable).left():
        groups.add(one.reason, one.type, one.day, one.where)
    found.failures = groups.sorted()
    return found


def _chain(first: ErrorObject, rest: Iterable[ErrorObject]) -> Iterator[ErrorObject]:
    yield first
    yield from rest


def _failures(reason: str, record_type: str | None, day: str, group: _Group) -> Failures:
    examples = [
        Example(path, message, count, group.first[path, message])
        for (path, message), count in group.ways.most_common(EXAMPLES)
    ]
    return Failures(reason, record_type, day, group.ways.total(), examples)
