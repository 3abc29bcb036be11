"""Erase subjects from the Iceberg tables of a lake. Finding is a matter of files; this is what follows it.

    1  a lease keeps other erasures from the table
    2  the table is loaded; a note says what is to be deleted, and by what name new files are known
    3  files with rows of subjects are written anew, redacted
    4  one commit: new files for old ones, and no older snapshot (rewriting.py)
    5  every file of the note that the table does not name any more is deleted; then the note

A commit that another one forestalls is refused, and all begins anew with 2. After a kill the next erasure finds the
note: it commits, too, so that a commit of the former owner that comes late is refused, and only then deletes what that
one has left.

A file that no snapshot names, without a note, may be one that a writer is about to commit: Firehose does so up to two
hours later. It is deleted when it is older, and its subjects are pending until then.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from pyiceberg.table import FileScanTask, Table

from firehose.lake.erasure.arrow_rows import ArrowRows
from firehose.lake.erasure.journal import Journal
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.erasure.work import ErasedObject, WorkResult
from firehose.lake.iceberg.rewriting import (
    first_files,
    live_files,
    load_to_rewrite,
    named_files,
    rewrite_files,
)
from firehose.lake.jobs.at_once import at_once
from firehose.lake.jobs.leases import LEASES, Lease, LostLeaseError, acquire
from firehose.lake.jobs.replacement import released
from firehose.lake.objects import Lake, StoredObject
from firehose.local.aws_errors import error_code
from firehose.local.iceberg_catalogs import TO_TRY_AGAIN
from firehose.local.os_errors import sentence
from firehose.local.sink import MovedError
from firehose.local.sinks import FolderSink, S3Sink
from firehose.local.user_error import UserError
from firehose.pipeline.iceberg_tables import TablePlace
from glue.layout import JOBS, Format, type_prefix

UNFINISHED = f"{JOBS}unfinished/{Format.ICEBERG}/"

# Looks for the subjects in objects.
Look: TypeAlias = Callable[[list[StoredObject]], WorkResult]

# Firehose's longest RetryOptions are 7200 s.
_COMMITTED_SECONDS = 3 * 60 * 60.0

# A table that others commit to five times meanwhile is left to the next run.
_MOST_ATTEMPTS = 5

_METADATA = ".metadata.json"
_LAST_DIGITS = 2


class _Unfinished(msgspec.Struct, frozen=True):
    """The note of a rewriting: the keys that it deletes, and marks in the names of the files that it writes."""

    marks: list[str] = []
    keys: frozenset[str] = frozenset()

    def has(self, key: str) -> bool:
        """Return True if a file is to be deleted when the table does not name it."""
        return key in self.keys or any(mark in key for mark in self.marks)


class _Plan(NamedTuple):
    """The objects to be dealt with and those to be left for now, the data files to write anew, and all to delete."""

    objects: list[ErasedObject]
    left: list[ErasedObject]
    rewritten: list[FileScanTask]
    doomed: list[str]


class TableErasure:
    """Erases subjects from tables, one after the other. `look` looks for them in objects."""

    def __init__(
        self,
        lake: Lake,
        store: FolderSink | S3Sink,
        place: TablePlace,
        subjects: Subjects,
        look: Look,
        journal: Journal,
        *,
        now_seconds: float,
        older_than_seconds: float,
    ) -> None:
        self._lake = lake
        self._store = store
        self._place = place
        self._subjects = subjects
        self._look = look
        self._journal = journal
        self._now_seconds = now_seconds
        # Without one, files that came meanwhile are due, too.
        self._older_than_seconds = older_than_seconds or -math.inf

    def erase(self, table: str, rows: ArrowRows) -> WorkResult:
        """Erase subjects from a table. What cannot be done is left as it is, and reported."""
        result, files = WorkResult(), _Files(self._lake, table, self._look)
        theirs = files.theirs(result)
        whose = {subject for one in theirs.values() for subject in one.subjects}
        try:
            if not theirs and all(self._store.read(key) is None for key in (files.note_key, files.lease_key)):
                return result
            lease = acquire(self._store, files.lease, "erase")
            if lease is None:
                result.undone += [f"{files.prefix}: another job holds it"] if theirs else []
                result.pending |= whose
                return result
            with released(lease, lambda: None):  # what a killed compaction has left is deleted by its age
                self._rewrite(table, rows, files, lease, result)
        except LostLeaseError as error:
            result.undone.append(f"{error}: another job has taken it over")
            result.all_failed = True
        except Exception as error:  # noqa: BLE001 - the catalog's, a disk's, a client's, Arrow's
            result.undone.append(f"{files.prefix}: {_said(error)}")
            result.failed |= whose
            result.all_failed |= not whose
        return result

    def _rewrite(self, name: str, rows: ArrowRows, files: "_Files", lease: Lease, result: WorkResult) -> None:
        for attempt in range(_MOST_ATTEMPTS):
            table = load_to_rewrite(self._place, name)
            there = self._store.read(files.note_key)
            note = msgspec.json.decode(there.body, type=_Unfinished) if there else _Unfinished()
            plan = self._plan(table, files, files.theirs(result), note)
            if plan.objects or there is not None:
                uuids = _uuids(lease.owner, attempt)
                note = _Unfinished([*note.marks, str(uuids[0])[:-_LAST_DIGITS]], note.keys.union(plan.doomed))
                self._journal.put(self._store, plan.objects)
                lease.renew()
                self._store.put(files.note_key, msgspec.json.encode(note) + b"\n", "application/json")
                try:
                    self._commit(table, plan, rows, uuids, lease)
                except TO_TRY_AGAIN:
                    continue
                self._delete(name, files, note, lease)
            result.objects += plan.objects
            result.pending |= {subject for one in plan.left for subject in one.subjects}
            return
        raise UserError("others commit to this table again and again")

    def _plan(
        self, table: Table, files: "_Files", theirs: Mapping[StoredObject, ErasedObject], note: _Unfinished
    ) -> _Plan:
        live, named = live_files(table), named_files(table)
        plan = _Plan([], [], [], [])
        for stored, one in theirs.items():
            age_seconds = self._now_seconds - stored.written_ms / 1000
            if stored.key in live:
                is_due = age_seconds >= self._older_than_seconds
            else:
                is_due = stored.key in named or note.has(stored.key) or age_seconds >= _COMMITTED_SECONDS
            (plan.objects if is_due else plan.left).append(one)
        due = {one.key for one in plan.objects}
        rewritten = {key for key in due if key in live} | first_files(table, due)
        plan.rewritten.extend(live[key] for key in sorted(rewritten))
        plan.doomed.extend(
            stored.key
            for stored in files.objects
            if stored.key in due | rewritten
            or (stored.key not in live and (stored.key in named or stored.key.endswith(_METADATA)))
        )
        return plan

    def _commit(self, table: Table, plan: _Plan, rows: ArrowRows, uuids: tuple[UUID, UUID], lease: Lease) -> None:
        def redacted(read: Any) -> Any:
            lease.keep()
            return rows.in_table(read, self._subjects)[0]

        if table.current_snapshot() is not None:
            # The lease is renewed last: who has lost it does not commit, and who loses it then is refused, since the
            # next owner commits before it deletes anything.
            rewrite_files(table, plan.rewritten, redacted, uuids, before_commit=lease.renew)

    def _delete(self, name: str, files: "_Files", note: _Unfinished, lease: Lease) -> None:
        """Delete what a note says and the table does not name."""
        named = named_files(load_to_rewrite(self._place, name))
        gone = [one for one in self._lake.objects(files.prefix) if note.has(one.key) and one.key not in named]
        lease.renew()
        for _ in at_once(self._store, self._delete_one, gone):
            lease.keep()
        there = self._store.read(files.note_key)
        if there is not None:
            self._store.delete_if(files.note_key, there.version)

    def _delete_one(self, stored: StoredObject) -> None:
        with suppress(MovedError):
            self._store.delete_if(stored.key, stored.version)


class _Files:
    """The files of a table, each looked at once."""

    def __init__(self, lake: Lake, table: str, look: Look) -> None:
        self.prefix = type_prefix(Format.ICEBERG, table)
        self.note_key = f"{UNFINISHED}{table}.json"
        self.lease = f"{Format.ICEBERG}/{table}"
        self.lease_key = f"{LEASES}{self.lease}.json"
        self.objects: list[StoredObject] = []
        self._lake = lake
        self._look = look
        self._known: dict[StoredObject, ErasedObject | None] = {}

    def theirs(self, result: WorkResult) -> dict[StoredObject, ErasedObject]:
        """Return the files that are there now and hold something of a subject; look at those that are new."""
        self.objects = list(self._lake.objects(self.prefix))
        new = [one for one in self.objects if one not in self._known]
        looked = self._look(new)
        found = {(one.key, one.before): one for one in looked.objects}
        self._known |= {one: found.get((one.key, one.version)) for one in new}
        looked.objects = []
        result.add(looked)
        return {one: it for one in self.objects if (it := self._known[one]) is not None}


def _uuids(owner: str, attempt: int) -> tuple[UUID, UUID]:
    """Return the uuids that name the files of an attempt: those of one owner differ in the last digits alone."""
    first, second = (UUID(f"{owner[:-_LAST_DIGITS]}{2 * attempt + number:02x}") for number in (0, 1))
    return first, second


def _said(error: Exception) -> str:
    match error:
        case UserError():
            return str(error)
        case OSError():
            return sentence(error)
        case _:
            return error_code(error)
