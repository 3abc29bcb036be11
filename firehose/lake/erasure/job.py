"""An erasure as a job over units: a unit is a partition, some error objects, or some noncurrent versions.

An object is read, redacted, and put under its own key if it is still the one that was read; else it is read again. So a
reader sees it before or after, never without it, and a unit that is worked on twice leaves what it left once.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from firehose.lake.erasure.journal import Journal
from firehose.lake.erasure.redaction import Found, Redacted, Redactor
from firehose.lake.erasure.redactors import redactors
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.erasure.version_deletion import VersionDeletion
from firehose.lake.erasure.versions import ObjectVersion, versions_of
from firehose.lake.erasure.work import ErasedObject, ObjectsWork, PartitionWork, VersionsWork, Work, WorkResult, batches
from firehose.lake.jobs.at_once import at_once
from firehose.lake.jobs.job import Tick
from firehose.lake.jobs.leases import Lease, LostLeaseError, Source, acquire
from firehose.lake.jobs.open_writers import StoreTime
from firehose.lake.jobs.replaced_keys import ReplacedKeys, given_up
from firehose.lake.jobs.replacement import end_plan, released, remove_leftovers
from firehose.lake.objects import Lake, StoredObject
from firehose.lake.opening import open_lake
from firehose.local.sink import MovedError
from firehose.local.sinks import FolderSink, S3Sink, bucket_of
from firehose.local.user_error import UserError

# An object that others replace five times while it is being redacted is left to the next run.
_MOST_ATTEMPTS = 5

# So many objects are read, redacted and put together, after one renewal of the lease.
_BATCH_OBJECTS = 16


class ErasureJob(NamedTuple):
    """The work of one pass. Without `redacts` it only looks, and writes nothing.

    `until_micros` are the subjects, each with the time of its erasure.
    """

    lake: str
    works: tuple[Work, ...]
    until_micros: Mapping[str, int]
    time: StoreTime
    redacts: bool
    older_than_seconds: float = 0.0
    all_versions: bool = False
    emptied: Mapping[str, frozenset[str]] = {}
    schemas: str = ""
    journal: Journal | None = None

    def worker(self, tick: Tick) -> "ErasureWorker":
        """Return a worker in this process.

        Raises:
            UserError: the lake cannot be opened.
        """
        return ErasureWorker(self, tick)


class _Prepared(NamedTuple):
    """An object as it was read, and redacted."""

    key: str
    version: str
    redacted: Redacted

    def line(self, after: str | None = None) -> ErasedObject:
        """Return what is reported of it, before or after it is put."""
        return _erased(self.key, self.version, self.redacted.found, after)


class _Failed(NamedTuple):
    """An object that could not be read or put."""

    key: str
    found: Found
    error: Exception


class ErasureWorker:
    """Works on pieces of an erasure, one after the other. What cannot be done is left as it is, and reported.

    Raises:
        UserError: the lake cannot be opened.
    """

    def __init__(self, job: ErasureJob, tick: Tick) -> None:
        self._job = job
        self._tick = tick
        self._lake: Lake = open_lake(job.lake)
        self._versions = versions_of(job.lake)
        self._subjects = Subjects(job.until_micros)
        self._redactors = redactors(Path(job.schemas), job.emptied)
        self._opened: FolderSink | S3Sink | None = None
        self._has_vanished = False  # an object that was listed, in the last look at some

    def work(self, unit: int) -> WorkResult:
        """Do a piece of work."""
        work, result = self._job.works[unit], WorkResult()
        try:
            match work:
                case PartitionWork():
                    self._work_on_partition(work, result)
                case ObjectsWork():
                    self._redact(self._theirs(work.objects, {}, result), None, result)
                case VersionsWork():
                    self._delete_versions(work.versions, result)
        except LostLeaseError as error:
            result.undone.append(f"{error}: another job has taken it over")
            result.all_failed = True
        except (UserError, OSError) as error:
            result.fail(_name_of(work), error)
        return result

    def close(self) -> None:
        """Remove temporary files. Another unit may follow."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _store(self) -> FolderSink | S3Sink:
        # Only a worker that redacts writes, if only a temporary folder.
        if self._opened is None:
            self._opened = bucket_of(self._job.lake, "lake")
        return self._opened

    def _work_on_partition(self, work: PartitionWork, result: WorkResult) -> None:
        known: dict[StoredObject, Found] = {}
        theirs = self._theirs(work.objects, known, result)
        while self._has_vanished:  # a compaction has put its rows elsewhere
            theirs = self._theirs(self._lake.objects(work.partition.folder), known, result)
        if not self._job.redacts or not (theirs or work.is_leased):
            self._redact(theirs, None, result)
            return
        lease = acquire(self._store, str(work.partition), "erase")
        if lease is None:
            if theirs:
                result.undone.append(f"{work.partition}: another job holds it")
                result.pending |= _whose(theirs)
            return
        with released(lease, lambda: end_plan(lease, self._store)):
            end_plan(lease, self._store)
            objects = self._without_leftovers(work.partition.folder, lease)
            self._redact(self._theirs(objects, known, result), lease, result)

    def _without_leftovers(self, folder: str, lease: Lease) -> list[StoredObject]:
        objects = {stored.key: stored for stored in self._lake.objects(folder)}
        late = ReplacedKeys(self._lake).now(folder) | given_up(self._lake, folder)
        versions = [Source(stored.key, stored.version) for stored in objects.values()]
        return [objects[source.key] for source in remove_leftovers(lease, self._store, versions, late)]

    def _theirs(
        self, objects: Iterable[StoredObject], known: dict[StoredObject, Found], result: WorkResult
    ) -> dict[StoredObject, Found]:
        """Return the objects that hold something to redact; `known` are those that were looked at before."""
        theirs = {}
        self._has_vanished = False
        for stored in objects:
            found = known.get(stored)
            if found is None:
                found = known[stored] = self._look(stored, result)
                self._tick(1)
            if found.subjects:
                theirs[stored] = found
        return theirs

    def _look(self, stored: StoredObject, result: WorkResult) -> Found:
        redactor, failure = self._redactor(stored.key), None
        if redactor is None:
            return Found()
        try:
            found = redactor.find(self._lake, stored, self._subjects)
        except (UserError, OSError) as error:
            found, failure = Found(unreadable=1), error
        if found.unreadable and (now := self._now(stored)) != stored:
            self._has_vanished |= now is None
            return self._look(now, result) if now else Found()
        if failure is not None:
            result.fail(stored.key, failure)
            return Found()
        result.unreadable += [stored.key] * found.unreadable
        result.failed |= found.held
        result.emptied |= found.emptied
        return found

    def _now(self, stored: StoredObject) -> StoredObject | None:
        """Return an object as it is listed now, None if it is gone."""
        folder = stored.key[: stored.key.rindex("/") + 1]
        return next((one for one in self._lake.objects(folder) if one.key == stored.key), None)

    def _redact(self, theirs: dict[StoredObject, Found], lease: Lease | None, result: WorkResult) -> None:
        if not self._job.redacts:
            result.objects += [_erased(stored.key, stored.version, found) for stored, found in theirs.items()]
            return
        closed_seconds = self._job.older_than_seconds or -math.inf
        closed = {one: found for one, found in theirs.items() if self._job.time.is_closed(one, closed_seconds)}
        result.pending |= _whose({one: found for one, found in theirs.items() if one not in closed})
        for batch in batches(closed, _BATCH_OBJECTS):
            self._redact_batch({stored.key: closed[stored] for stored in batch}, lease, result)

    def _redact_batch(self, batch: dict[str, Found], lease: Lease | None, result: WorkResult) -> None:
        done: list[ErasedObject] = []
        for _ in range(_MOST_ATTEMPTS):
            prepared = list(at_once(self._store, self._prepare, batch))
            # One note for a batch: of an object that others replace meanwhile, the later line alone counts.
            self._note([*done, *(one.line() for one in prepared if isinstance(one, _Prepared) and one.redacted.body)])
            if lease is not None:
                lease.renew()
            put = list(at_once(self._store, self._put, [one for one in prepared if isinstance(one, _Prepared)]))
            for outcome in [*prepared, *put]:
                match outcome:
                    case ErasedObject():
                        done.append(outcome)
                        result.objects.append(outcome)
                    case _Failed():
                        whose = outcome.found.subjects or batch[outcome.key].subjects
                        result.fail(outcome.key, outcome.error, whose)
            batch = {one.key: one.redacted.found for one in put if isinstance(one, _Prepared)}
            if not batch:
                return
        for key, found in batch.items():
            result.undone.append(f"{key}: others replace it again and again")
            result.failed |= found.subjects

    def _prepare(self, key: str) -> "_Prepared | _Failed | None":
        """Read an object and redact it; None if it is gone."""
        redactor = self._redactor(key)
        try:
            there = self._store.read(key)
            if there is None or redactor is None:
                return None
            return _Prepared(key, there.version, redactor.redact(there.body, self._subjects))
        except (UserError, OSError) as error:
            return _Failed(key, Found(), error)

    def _put(self, one: _Prepared) -> "ErasedObject | _Prepared | _Failed | None":
        """Put an object; return it if others have replaced it meanwhile, None if nothing was left to redact."""
        if one.redacted.body is None:
            return None
        try:
            after = self._store.replace(one.key, one.redacted.body, one.version)
        except MovedError:
            return one
        except (UserError, OSError) as error:
            return _Failed(one.key, one.redacted.found, error)
        return one.line(after)

    def _delete_versions(self, versions: Sequence[ObjectVersion], result: WorkResult) -> None:
        deletion = VersionDeletion(self._versions, self._redactor, self._subjects, is_of_all=self._job.all_versions)
        doomed = deletion.find(versions, result, self._tick)
        if not self._job.redacts:
            result.objects += doomed
            return
        self._note(doomed)
        deletion.delete(doomed, result)

    def _note(self, objects: Sequence[ErasedObject]) -> None:
        if self._job.journal is not None:
            self._job.journal.put(self._store, objects)

    def _redactor(self, key: str) -> Redactor | None:
        return next((one for prefix, one in self._redactors.items() if key.startswith(prefix)), None)


def _erased(key: str, version: str, found: Found, after: str | None = None) -> ErasedObject:
    return ErasedObject(key, version, found.rows, found.values, found.subjects, after)


def _whose(theirs: Mapping[StoredObject, Found]) -> set[str]:
    return {subject for found in theirs.values() for subject in found.subjects}


def _name_of(work: Work) -> str:
    """Return the partition of some work, or the first of its objects."""
    match work:
        case PartitionWork():
            return str(work.partition)
        case ObjectsWork():
            return work.objects[0].key
        case VersionsWork():
            return work.versions[0].key
