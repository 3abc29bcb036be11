"""Report what failed in a lake, by reason, record type and day of arrival."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from firehose.lake.errors.error_documents import documents
from firehose.lake.errors.error_objects import DeniedError, ErrorObject, lake_errors
from firehose.lake.errors.failed_records import Unreadable
from firehose.lake.errors.failure_groups import FailureGroup, FailureGroups, ReasonTotal, ShownFailure
from firehose.lake.errors.failures import Attribution, FailureReader, place_of
from firehose.lake.errors.replay_journal import ReplayJournal
from firehose.lake.errors.shown_record import RecordView
from firehose.lake.objects import Lake
from firehose.lake.opening import open_lake
from glue.layout import FIREHOSE_ERRORS
from glue.model import RecordType
from glue.schema import SCHEMAS, load


class Basis(StrEnum):
    """The source of a report's failures."""

    FIREHOSE = "firehose"  # Firehose's error records, explained by the documents
    DOCUMENTS = "documents"  # the function's documents alone: error objects of Firehose are missing
    DENIED = "denied"  # the documents alone: Firehose's error objects may not be read


class ErrorReport(msgspec.Struct):
    """All failures that were not replayed, each once, by day and in `totals` of all days.

    `records` are those to show. `firehose` counts Firehose's error records by kind: {"processing-failed": 3}. Among
    them are `replayed` records, `other_streams`, which another stream reports or whose type no stream archives, and
    `written`, which are in the lake after all. `unmatched_documents` have no error record. `unreadable` lists places
    that hold something else.
    """

    failures: list[FailureGroup]
    firehose: dict[str, int]
    unreadable: list[str]
    totals: list[ReasonTotal] = []
    records: list[ShownFailure] = []
    basis: Basis = Basis.FIREHOSE
    replayed: int = 0
    other_streams: int = 0
    written: int = 0
    unmatched_documents: int = 0


def report(where: str, schemas: Path = SCHEMAS, *, show: int = 0, with_personal: bool = False) -> ErrorReport:
    """Return what failed in the lake in a folder or in `s3://bucket`, the most frequent first.

    `show` is the number of records to show, `with_personal` whether with their personal data (shown_record.py).

    If the lake has no error objects of Firehose, or they may not be read (their policy is tighter), the function's
    documents are used instead. They lack records that no function saw, and include those that a retry delivered.

    Raises:
        UserError: no such lake, or it cannot be read.
    """
    return report_of(open_lake(where), load(schemas), show=show, with_personal=with_personal)


def report_of(
    lake: Lake, types: Mapping[str, RecordType], *, show: int = 0, with_personal: bool = False
) -> ErrorReport:
    """Return what failed in an open lake, as `report` does."""
    view = RecordView(types, with_personal=with_personal)
    try:
        found = _from_firehose(lake, types, FailureGroups(view, show))
    except DeniedError:
        return _from_documents(lake, Basis.DENIED, FailureGroups(view, show))
    return found or _from_documents(lake, Basis.DOCUMENTS, FailureGroups(view, show))


def _from_firehose(lake: Lake, types: Mapping[str, RecordType], groups: FailureGroups) -> ErrorReport | None:
    """Return the report by Firehose's error records; None if the lake has no error objects."""
    journal = ReplayJournal(lake)
    objects = lake_errors(lake, journal.has_progress)
    first = next(objects, None)
    if first is None:
        return None
    found = ErrorReport([], {}, [])
    counts = Counter[str]()
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
                explanation = entry.failed.get(place, failure.explanation)
                groups.add(explanation, failure.type, failure.day, failure.where, failure.record.raw)
    found.firehose = dict(counts.most_common())
    found.unmatched_documents = sum(1 for _ in reader.documents.left())
    return _with_groups(found, groups)


def _from_documents(lake: Lake, basis: Basis, groups: FailureGroups) -> ErrorReport:
    found = ErrorReport([], {}, [], basis=basis)
    for day, where, one in documents(lake, found.unreadable):
        # An original in base64 is not UTF-8; that of a deletion that does not parse is left out.
        raw = one.events[0].encode("utf-8", "replace") if one.events and one.encoding is None else None
        groups.add(one.error, one.type, day, where, raw)
    return _with_groups(found, groups)


def _with_groups(found: ErrorReport, groups: FailureGroups) -> ErrorReport:
    found.failures, found.totals, found.records = groups.by_day(), groups.totals(), groups.shown()
    return found


def _chain(first: ErrorObject, rest: Iterable[ErrorObject]) -> Iterator[ErrorObject]:
    yield first
    yield from rest
