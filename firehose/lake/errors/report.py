"""Report what failed in a lake, by reason, record type and day of arrival."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec

from firehose.lake.errors.error_documents import DocumentIndex, Explanation
from firehose.lake.errors.error_objects import DeniedError, ErrorObject, lake_errors
from firehose.lake.errors.failed_records import Unreadable
from firehose.lake.errors.failures import Attribution, FailureReader, place_of
from firehose.lake.errors.replay_journal import ReplayJournal
from firehose.lake.objects import Lake
from firehose.lake.opening import open_lake
from glue.layout import FIREHOSE_ERRORS
from glue.model import RecordType
from glue.schema import SCHEMAS, load

EXAMPLES = 3  # the commonest of a group, which has one reason and several paths


class Basis(StrEnum):
    """The source of a report's failures."""

    FIREHOSE = "firehose"  # Firehose's error records, explained by the documents
    DOCUMENTS = "documents"  # the function's documents alone: there are no error objects of Firehose
    DENIED = "denied"  # the documents alone: Firehose's error objects may not be read


class Example(msgspec.Struct, frozen=True):
    """One way in which records failed, how often, and where the first of them lies: `lake/.../a.jsonl:3`."""

    path: str | None
    message: str
    count: int
    where: str


class FailureGroup(msgspec.Struct, frozen=True):
    """The failures of one reason, record type and day of arrival."""

    reason: str
    type: str | None
    day: str
    count: int
    examples: list[Example]


class ErrorReport(msgspec.Struct):
    """All failures that were not replayed, each once.

    `firehose` counts Firehose's error records by the kind of their error: {"processing-failed": 3}. Of them `replayed`
    are done, `other_streams` are reported by another stream or of a type that nobody archives, and `written` are in the
    lake after all. `unmatched_documents` have no error record. `unreadable` lists places that hold something else.
    """

    failures: list[FailureGroup]
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
    """Groups failures by reason, type and day."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str | None, str], _Group] = {}

    def add(self, explanation: Explanation, record_type: str | None, day: str, where: str) -> None:
        group = self._groups.setdefault((explanation.code, record_type, day), _Group())
        way = (explanation.path, explanation.message)
        group.ways[way] += 1
        group.first.setdefault(way, where)

    def sorted(self) -> list[FailureGroup]:
        failures = [_failures(*key, group) for key, group in self._groups.items()]
        return sorted(failures, key=lambda one: (-one.count, one.reason, one.type or "", one.day))


def report(where: str, schemas: Path = SCHEMAS) -> ErrorReport:
    """Return what failed in the lake in a folder or in `s3://bucket`, the commonest first.

    If the lake has no error objects of Firehose, or they may not be read (their policy is tighter), the function's
    documents are the next best source. They lack what no function saw, and include what a retry has delivered since.

    Raises:
        UserError: no such lake, or it cannot be read.
    """
    lake = open_lake(where)
    try:
        found = _from_firehose(lake, load(schemas))
    except DeniedError:
        return _from_documents(lake, Basis.DENIED)
    return found or _from_documents(lake, Basis.DOCUMENTS)


def _from_firehose(lake: Lake, types: Mapping[str, RecordType]) -> ErrorReport | None:
    """Return the report by Firehose's error records; None if the lake has no error objects."""
    journal = ReplayJournal(lake)
    objects = lake_errors(lake, journal.has_progress)
    first = next(objects, None)
    if first is None:
        return None
    found = ErrorReport([], {}, [])
    groups, counts = _Groups(), Counter[str]()
    reader = FailureReader(lake, found.unreadable, types)
    for error_object in _chain(first, objects):
        kind = error_object.key.removeprefix(FIREHOSE_ERRORS).partition("/")[0]
        entry = journal.entry(error_object.key)
        done = set(entry.done)
        for failure in reader.read(error_object, entry):
            if isinstance(failure, Unreadable):
                found.unreadable.append(place_of(error_object, failure.place))
                continue
            counts[kind] += 1
            place = failure.record.place
            if place in done:
                found.replayed += 1
            elif failure.attribution is Attribution.OTHER_STREAM:
                found.other_streams += 1
            elif failure.attribution is Attribution.ALREADY_WRITTEN:
                found.written += 1
            else:
                groups.add(entry.failed.get(place, failure.explanation), failure.type, failure.day, failure.where)
    found.failures, found.firehose = groups.sorted(), dict(counts.most_common())
    found.unmatched_documents = sum(1 for _ in reader.documents.left())
    return found


def _from_documents(lake: Lake, basis: Basis) -> ErrorReport:
    found = ErrorReport([], {}, [], basis)
    groups = _Groups()
    for one in DocumentIndex(lake, found.unreadable, personal=frozenset()).left():
        groups.add(one.explanation, one.type, one.day, one.where)
    found.failures = groups.sorted()
    return found


def _chain(first: ErrorObject, rest: Iterable[ErrorObject]) -> Iterator[ErrorObject]:
    yield first
    yield from rest


def _failures(reason: str, record_type: str | None, day: str, group: _Group) -> FailureGroup:
    examples = [
        Example(path, message, count, group.first[path, message])
        for (path, message), count in group.ways.most_common(EXAMPLES)
    ]
    return FailureGroup(reason, record_type, day, group.ways.total(), examples)
