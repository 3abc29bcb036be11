"""Keeps jobs apart that delete or replace objects of the same partition: one holds a note, its lease.

    dmd-jobs/leases/parquet/demand/2025-01-01.json    {"owner": "5f2c...", "job": "compact", "plan": {...}, ...}

A job puts a note where no other lies. Its owner renews it, and does so before each destructive step: a renewal that
is refused stops it. A note that was not renewed for ten minutes, by the store's own clock, is free. Whoever takes it
over, for whatever job, first ends what its plan says (replacement.py).

No clock of this machine is compared with the store's. An owner that stalls between a renewal and the step that
follows may take that step late, beside the next owner. So every step is conditional, and harmless when it comes late.
"""

import time
from collections.abc import Callable
from uuid import uuid4

import msgspec

from firehose.local.sink import ConditionalStore, MovedError
from glue.layout import JOBS

RENEW_SECONDS = 60.0
FREE_SECONDS = 600.0

LEASES = f"{JOBS}leases/"

_CLOCK = f"{JOBS}clock"


class Source(msgspec.Struct, frozen=True):
    """An object that is to be replaced, and the version of it that was read."""

    key: str
    version: str


class Plan(msgspec.Struct, frozen=True):
    """The objects that `target` is to replace. Once it is `committed`, the target has been read back and is right."""

    sources: list[Source]
    target: str
    committed: bool = False


class LeaseNote(msgspec.Struct):
    """The content of a note. `renewals` makes each renewal another object: S3's ETag is a digest of the bytes."""

    owner: str
    job: str
    renewals: int = 0
    plan: Plan | None = None


class LostLeaseError(Exception):
    """Another job has taken over the lease, which was not renewed in time. Nothing more may be done under it."""


class Lease:
    """A lease that is held on one partition, until it is released or lost."""

    def __init__(
        self, store: ConditionalStore, key: str, note: LeaseNote, version: str, clock_seconds: Callable[[], float]
    ) -> None:
        self._store = store
        self._key = key
        self._note = note
        self._version = version
        self._clock = clock_seconds
        self._renewed = clock_seconds()

    @property
    def owner(self) -> str:
        """The id of this lease, which no other has."""
        return self._note.owner

    @property
    def plan(self) -> Plan | None:
        """The plan in the note: after a take-over that of the owner before."""
        return self._note.plan

    def set_plan(self, plan: Plan | None) -> None:
        """Renew, with another plan in the note.

        Raises:
            LostLeaseError: another job has taken it over.
        """
        self._put(plan)

    def renew(self) -> None:
        """Renew: before each destructive step.

        Raises:
            LostLeaseError: another job has taken it over.
        """
        self._put(self._note.plan)

    def keep(self) -> None:
        """Renew if a minute has passed since: every now and then during long work.

        Raises:
            LostLeaseError: another job has taken it over.
        """
        if self._clock() - self._renewed >= RENEW_SECONDS:
            self.renew()

    def release(self) -> None:
        """Remove the note, if it is still ours."""
        try:
            self._store.delete_if(self._key, self._version)
        except MovedError:
            raise LostLeaseError(self._key) from None

    def _put(self, plan: Plan | None) -> None:
        note = msgspec.structs.replace(self._note, renewals=self._note.renewals + 1, plan=plan)
        at = self._clock()  # before the put: the store's time of it is later
        try:
            self._version = _put(self._store, self._key, note, self._version)
        except MovedError:
            raise LostLeaseError(self._key) from None
        self._note, self._renewed = note, at


def acquire(
    store: ConditionalStore, partition: str, job: str, *, clock_seconds: Callable[[], float] = time.monotonic
) -> Lease | None:
    """Return a lease on a partition, "parquet/demand/2025-01-01", or None if another job holds it.

    A lease that was taken over has the `plan` of its former owner, which must be ended first.
    """
    key = f"{LEASES}{partition}.json"
    owner = uuid4().hex
    there = store.read(key)
    note, version = LeaseNote(owner, job), None
    if there is not None:
        if store_seconds(store) - there.modified_seconds < FREE_SECONDS:
            return None
        before = msgspec.json.decode(there.body, type=LeaseNote)
        note, version = LeaseNote(owner, job, plan=before.plan), there.version
    try:
        return Lease(store, key, note, _put(store, key, note, version), clock_seconds)
    except MovedError:
        return None


def _put(store: ConditionalStore, key: str, note: LeaseNote, version: str | None) -> str:
    return store.put_if(key, msgspec.json.encode(note) + b"\n", "application/json", version)


def store_seconds(store: ConditionalStore) -> float:
    """Return the store's own time: that of an object put now."""
    store.put(_CLOCK, b"", "application/json")
    there = store.read(_CLOCK)
    return there.modified_seconds if there else 0.0
