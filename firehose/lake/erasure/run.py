"""Erase subjects from a lake: list them, redact what is found, delete old versions, look again, and report."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from firehose.lake.erasure.erased_subjects import Entry, ErasedSubjects, SubjectList
from firehose.lake.erasure.journal import ObjectLine, journal_of, line_of
from firehose.lake.erasure.passes import EraseRequest, Passes
from firehose.lake.erasure.places import NOT_COVERED
from firehose.lake.erasure.report import ErasureReport
from firehose.lake.erasure.versions import versions_of
from firehose.lake.erasure.work import ErasedObject, WorkResult
from firehose.lake.jobs.job import Executor, Phase
from firehose.lake.jobs.leases import store_seconds
from firehose.lake.jobs.open_writers import StoreTime, first_open
from firehose.lake.opening import open_lake
from firehose.local.sinks import bucket_of
from glue.layout import ERRORS

# S3's clock shows whole seconds. What changed within the second of a request is redacted, too.
_CLOCK_SECONDS = 1.0

_MICROS = 1_000_000


class SubjectState(StrEnum):
    """The state of a subject. Erased means: its erasure is complete."""

    ERASED = "erased"
    PENDING = "pending"
    FAILED = "failed"


class SubjectCounts(msgspec.Struct):
    """The numbers of subjects that are erased, that are pending, and of whom something could not be redacted."""

    erased: int = 0
    pending: int = 0
    failed: int = 0


class ErasureResult(msgspec.Struct):
    """The counts of an erasure; of a dry run, what would be done.

    `rows` are those of tables, `records` those of error documents and error objects; `values` are in both. `undone`
    are sentences about what was left as it is. `report` is the key of the report's `page`.
    """

    subjects: SubjectCounts
    objects: int = 0
    rows: int = 0
    records: int = 0
    values: int = 0
    versions: int = 0
    unreadable: int = 0
    found_in_second_pass: int = 0
    not_covered: list[str] = []
    undone: list[str] = []
    report: str | None = None
    page: str | None = None


def erase(request: EraseRequest, executor: Executor, *, phase: Phase) -> ErasureResult:
    """Erase subjects. What was redacted by an erasure that is stopped stays so; the next one does the rest.

    Raises:
        UserError: the lake, or its list of erased subjects, cannot be read or written.
    """
    lake = open_lake(request.lake)
    with contextlib.closing(bucket_of(request.lake, "lake")) as store:
        listed = SubjectList(store, lake, request.lake, request.key_named)
        # Listed first: a writer that begins from now on consults the list.
        entries = listed.request(request.subjects, _micros(store_seconds(store) + _CLOCK_SECONDS))
        now_seconds = store_seconds(store)
        at = StoreTime(now_seconds, first_open(lake, now_seconds, store))
        report = ErasureReport(store, listed.key, request.label, now_seconds)
        journal = journal_of(listed.key, entries, report.run)
        lines = journal.earlier(store, lake, versions_of(request.lake))
        until = {one: entry.requested_micros for one, entry in entries.items()}
        passes = Passes(request, until, at, executor, phase, journal)
        done = passes.redact(store)
        second = passes.look(done.emptied, "looked at again")
        lines += [line_of(one, listed.key) for one in done.objects]
        report.put_lines(lines)
        changed = {name for line in lines for name in line.subjects}
        done.pending |= {one for one in entries if listed.key.digest(one) in changed}
        states = _states(request, entries, at, done, second)
        for subject, entry in entries.items():
            if states[subject] is SubjectState.ERASED and not listed.mark_erased(subject, entry, _micros(now_seconds)):
                states[subject] = SubjectState.PENDING  # asked for again meanwhile
        result = _result(_counts(states), lines, done, second)
        result.report, result.page = report.put_page(result, states, lines)
        journal.end(store, lake)
    return result


def dry_run(request: EraseRequest, executor: Executor, *, phase: Phase) -> ErasureResult:
    """Return what an erasure would do now. Nothing is written.

    Raises:
        UserError: the lake, or its list of erased subjects, cannot be read.
    """
    listed, now = ErasedSubjects(request.lake, request.key_named), time.time()
    until = {one: listed.erased_at(one) or _micros(now) for one in request.subjects}
    passes = Passes(request, until, StoreTime(now, None), executor, phase)
    found = passes.look({}, "looked at")
    found.add(passes.versions_after(found.objects))
    pending = len(_whose(found.objects))
    counts = SubjectCounts(pending=pending, erased=len(request.subjects) - pending)
    return _result(counts, found.objects, found, WorkResult(unreadable=found.unreadable))


def _states(
    request: EraseRequest, entries: Mapping[str, Entry], at: StoreTime, done: WorkResult, second: WorkResult
) -> dict[str, SubjectState]:
    failed, unknown = done.failed | second.failed, done.all_failed or second.all_failed
    found = _whose([*done.objects, *second.objects]) | done.pending | second.pending

    def state(subject: str, entry: Entry) -> SubjectState:
        if unknown or subject in failed:
            return SubjectState.FAILED
        # A second for the request, and one for the clock then: of two requests in one second, the later is later.
        asked_seconds = entry.requested_micros / _MICROS - 2 * _CLOCK_SECONDS
        is_early = at.now_seconds - asked_seconds < request.retention_seconds
        is_written = at.first_open_seconds is not None and _micros(at.first_open_seconds) <= entry.requested_micros
        return SubjectState.PENDING if subject in found or is_early or is_written else SubjectState.ERASED

    return {subject: state(subject, entry) for subject, entry in entries.items()}


def _counts(states: Mapping[str, SubjectState]) -> SubjectCounts:
    counts = Counter(states.values())
    return SubjectCounts(counts[SubjectState.ERASED], counts[SubjectState.PENDING], counts[SubjectState.FAILED])


def _result(
    counts: SubjectCounts, lines: Sequence[ErasedObject] | Sequence[ObjectLine], done: WorkResult, second: WorkResult
) -> ErasureResult:
    objects = [one for one in lines if one.deleted_version is None]
    tables = [one for one in objects if not one.key.startswith(ERRORS)]
    return ErasureResult(
        subjects=counts,
        objects=len(objects),
        rows=sum(one.rows for one in tables),
        records=sum(one.rows for one in objects) - sum(one.rows for one in tables),
        values=sum(one.values for one in objects),
        versions=len(lines) - len(objects),
        unreadable=len(second.unreadable),
        found_in_second_pass=len(second.objects),
        not_covered=list(NOT_COVERED),
        undone=sorted({*done.undone, *second.undone}),
    )


def _whose(objects: Iterable[ErasedObject]) -> set[str]:
    return {subject for one in objects for subject in one.subjects}


def _micros(seconds: float) -> int:
    return int(seconds * _MICROS)
