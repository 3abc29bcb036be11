"""The passes of an erasure over a lake: units of work are listed, and done by an executor."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from firehose.lake.erasure.job import ErasureJob
from firehose.lake.erasure.journal import Journal
from firehose.lake.erasure.places import (
    Places,
    find_places,
    objects_works,
    old_versions,
    work_items,
    work_size,
)
from firehose.lake.erasure.redactors import table_rows
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.erasure.versions import versions_of
from firehose.lake.erasure.work import ErasedObject, Work, WorkResult
from firehose.lake.iceberg.catalogs import lake_tables, tables_elsewhere
from firehose.lake.jobs.job import Executor, Phase, Unit
from firehose.lake.jobs.open_writers import StoreTime
from firehose.lake.opening import open_lake
from firehose.local.sinks import FolderSink, S3Sink
from firehose.local.user_error import UserError
from glue.schema import SCHEMAS, load

if TYPE_CHECKING:
    from firehose.pipeline.iceberg_tables import TablePlace

# A Kinesis stream's retention by default: for so long, changes from before an erasure may still arrive.
RETENTION_SECONDS = 24 * 60 * 60.0


class EraseRequest(NamedTuple):
    """A request to erase subjects from a lake, by their ids. `label` says who asked for it."""

    lake: str
    subjects: tuple[str, ...]
    key_named: str = ""
    older_than_seconds: float = 0.0
    retention_seconds: float = RETENTION_SECONDS
    all_versions: bool = False
    label: str = ""
    schemas: Path = SCHEMAS


class Passes:
    """The passes over a lake, for subjects whose changes up to a time are redacted."""

    def __init__(
        self,
        request: EraseRequest,
        until_micros: Mapping[str, int],
        at: StoreTime,
        executor: Executor,
        phase: Phase,
        journal: Journal | None = None,
    ) -> None:
        self._request = request
        self._until = until_micros
        self._at = at
        self._executor = executor
        self._phase = phase
        self._journal = journal
        self._types = load(request.schemas)
        self._lake = open_lake(request.lake)
        self._versions = versions_of(request.lake)
        self._catalog: TablePlace | None = None

    def redact(self, store: FolderSink | S3Sink) -> WorkResult:
        """Redact all objects, rewrite tables, and delete old versions.

        A document of a record that does not parse holds only its digest: Firehose's copy says whose it is. So documents
        are redacted before the copies, and old versions of documents are deleted before those of the copies. The copies
        wait while a document of the same subject is left. Then the next run needs no memory of this one.
        """
        places = self._places()
        done = WorkResult(undone=places.unknown, all_failed=bool(places.unknown))
        done.add(self._run(places.rows, "looked at", redacts=True))
        done.add(self._rewrite(places.tables, store))
        errors = self._redact_errors(places)
        done.add(errors)
        done.add(self._delete_old_versions(errors))
        return done

    def _redact_errors(self, places: Places) -> WorkResult:
        copies = [*places.firehose, *old_versions(self._versions).firehose]
        done = self._run(copies, "looked at in the error output", redacts=False, all_versions=False)
        done.objects = []
        done.add(self._run(places.documents, "looked at in error documents", redacts=True, emptied=done.emptied))
        held = self._left(done)
        done.add(self._run(places.firehose, "redacted in the error output", redacts=True, held=held))
        return done

    def _delete_old_versions(self, errors: WorkResult) -> WorkResult:
        old = old_versions(self._versions)
        documents = self._run(old.documents, "looked at in old error documents", redacts=True, emptied=errors.emptied)
        held = self._left(errors) | self._left(documents)
        all_versions = self._request.all_versions and not held
        name = "looked at in the old error output"
        done = self._run(old.firehose, name, redacts=True, held=held, all_versions=all_versions)
        done.add(documents)
        done.add(self._run(old.rows, "looked at in old versions", redacts=True))
        return done

    def _left(self, done: WorkResult) -> frozenset[str]:
        """Return the subjects of whom something is left."""
        return frozenset(self._until if done.all_failed else done.failed | done.pending)

    def look(self, emptied: Mapping[str, frozenset[str]], name: str) -> WorkResult:
        """Look at everything."""
        places, old = self._places(), old_versions(self._versions)
        tables = chain.from_iterable(places.tables.values())
        works = [*places.rows, *tables, *places.documents, *places.firehose, *old.rows, *old.documents, *old.firehose]
        found = self._run(works, name, redacts=False, emptied=emptied)
        found.add(WorkResult(undone=places.unknown, all_failed=bool(places.unknown)))
        return found

    def versions_after(self, objects: Sequence[ErasedObject]) -> WorkResult:
        """Return the versions that replacing these objects would leave, and an erasure delete."""
        if not self._versions.are_kept():
            return WorkResult()
        return WorkResult(
            objects=[
                msgspec.structs.replace(one, deleted_version="", rows=0, values=0)
                for one in objects
                if not one.deleted_version
            ]
        )

    def _places(self) -> Places:
        places = find_places(self._lake, self._types)
        if places.tables:
            try:
                self._catalog = lake_tables(self._request.lake)
                places.unknown.extend(tables_elsewhere(self._catalog, table_rows(self._types)))
            except UserError as error:  # of a catalog that cannot be reached, or without PyIceberg
                places.unknown.append(str(error))
                return places._replace(tables={})
        return places

    def _rewrite(self, tables: Iterable[str], store: FolderSink | S3Sink) -> WorkResult:
        """Erase subjects from Iceberg tables: files are looked at in units, and this process rewrites and commits."""
        result = WorkResult()
        if self._catalog is None or self._journal is None:
            return result
        from firehose.lake.erasure.iceberg_tables import TableErasure  # noqa: PLC0415 - loads PyIceberg

        erasure = TableErasure(
            self._lake,
            store,
            self._catalog,
            Subjects(self._until),
            lambda objects: self._run(objects_works(objects), "looked at in Iceberg tables", redacts=False),
            self._journal,
            now_seconds=self._at.now_seconds,
            older_than_seconds=self._request.older_than_seconds,
        )
        rows = table_rows(self._types)
        for table in tables:
            result.add(erasure.erase(table, rows[table]))
        return result

    def _run(
        self,
        works: list[Work],
        name: str,
        *,
        redacts: bool,
        emptied: Mapping[str, frozenset[str]] | None = None,
        held: frozenset[str] = frozenset(),
        all_versions: bool | None = None,
    ) -> WorkResult:
        """Run some works for the subjects that are not held back."""
        result = WorkResult()
        if not works:
            return result
        job = ErasureJob(
            self._request.lake,
            tuple(works),
            {subject: micros for subject, micros in self._until.items() if subject not in held},
            self._at,
            redacts,
            self._request.older_than_seconds,
            self._request.all_versions if all_versions is None else all_versions,
            emptied or {},
            str(self._request.schemas),
            self._journal if redacts else None,
        )
        units = [Unit(number, work_size(work)) for number, work in enumerate(works)]
        tick = self._phase(name, sum(map(work_items, works)))
        with contextlib.closing(self._executor.run(job, units, tick)) as answers:
            for _, done in answers:
                result.add(done)
        return result
