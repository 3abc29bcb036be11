"""The pieces of work of an erasure, and what each has done."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias, TypeVar

import msgspec

from firehose.lake.erasure.versions import ObjectVersion
from firehose.lake.jobs.lake_partition import LakePartition
from firehose.lake.objects import StoredObject
from firehose.local.os_errors import sentence

_SizedT = TypeVar("_SizedT", StoredObject, ObjectVersion)

# A batch's objects are in memory at once.
_MOST_BYTES = 64 * 1024 * 1024


class PartitionWork(NamedTuple):
    """The objects of a partition. `is_leased` if a job has a note on it, which may be a dead one's."""

    partition: LakePartition
    objects: tuple[StoredObject, ...]
    is_leased: bool


class ObjectsWork(NamedTuple):
    """Objects that no other job replaces: error documents, error objects, data outside a partition."""

    objects: tuple[StoredObject, ...]


class VersionsWork(NamedTuple):
    """Noncurrent versions."""

    versions: tuple[ObjectVersion, ...]


Work: TypeAlias = PartitionWork | ObjectsWork | VersionsWork


class ErasedObject(msgspec.Struct, frozen=True):
    """An object, or a noncurrent version of it, that holds personal data of subjects, or did.

    `before` and `after` are its ETags; a version that is deleted has an id instead.
    """

    key: str
    before: str
    rows: int
    values: int
    subjects: frozenset[str]
    after: str | None = None
    deleted_version: str | None = None


class WorkResult(msgspec.Struct):
    """The counts of what was done, or in a pass that only looks, of what would be.

    `pending` are subjects of whom something was left alone for now, `failed` those of whom something could not be
    redacted; with `all_failed` it is not known whose. `undone` are sentences about these. `unreadable` are the keys of
    objects with something that cannot be read, as often as it is there. `emptied` are the digests of records that do
    not parse, and whose they are.
    """

    objects: list[ErasedObject] = []
    pending: set[str] = set()
    failed: set[str] = set()
    all_failed: bool = False
    undone: list[str] = []
    unreadable: list[str] = []
    emptied: dict[str, frozenset[str]] = {}

    def add(self, other: "WorkResult") -> None:
        """Add what another piece of work has done."""
        self.objects += other.objects
        self.pending |= other.pending
        self.failed |= other.failed
        self.all_failed |= other.all_failed
        self.undone += other.undone
        self.unreadable += other.unreadable
        self.emptied |= other.emptied

    def fail(self, where: str, error: Exception, whose: frozenset[str] = frozenset()) -> None:
        """Note that something could not be read or written. If it is not known whose it is, it may be anybody's."""
        self.undone.append(f"{where}: {sentence(error) if isinstance(error, OSError) else error}")
        self.failed |= whose
        self.all_failed |= not whose


def batches(objects: Iterable[_SizedT], most_objects: int) -> Iterator[list[_SizedT]]:
    """Yield objects in batches of at most so many, and of at most 64 MiB unless one is larger by itself."""
    batch: list[_SizedT] = []
    size_bytes = 0
    for one in objects:
        if batch and (len(batch) == most_objects or size_bytes + one.size_bytes > _MOST_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(one)
        size_bytes += one.size_bytes
    if batch:
        yield batch
