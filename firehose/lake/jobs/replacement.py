"""Replace objects of a partition by one with the same rows, so that no kill and no stall loses or doubles a row.

    1  the plan is noted in the lease: the sources with their versions, and the target
    2  the target is put
    3  it is read back and compared; then the plan is noted as committed: this decides
    4  a record says for ever that the target has replaced these keys
    5  each source is deleted, by its version; then the plan is removed from the note

Whoever takes over a lease with a plan (leases.py) ends it. Committed: steps 4 and 5, which change nothing where they
are done. Not committed: the target is noted for ever as given up, and deleted; the sources stay. The decision is a
renewal of the lease, so a former owner that comes back cannot commit what was given up.

It may still put its target, late. So every job begins with `remove_leftovers`, which deletes targets that were given
up, and objects that are recorded as replaced and have been put again. A target without any note is left alone: in a
lake whose data were copied without `dmd-jobs/`, it holds the only copy of its rows. The deletion, too, may come late.
So no two leases ever use one name for a target: S3's version is a digest of the bytes, and a late delete of a target
that was given up would delete an equal one that was committed meanwhile.

For a moment a reader may see rows twice, in a target and its sources. None is ever missing.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256

import msgspec

from firehose.lake.jobs.at_once import at_once
from firehose.lake.jobs.leases import Lease, LostLeaseError, Plan, Source
from firehose.local.sink import ConditionalStore, MovedError
from firehose.local.user_error import UserError
from glue.layout import JOBS

REPLACED = f"{JOBS}replaced/"
GIVEN_UP = f"{JOBS}given-up/"

# The beginning of the name of every object that replaces others.
COMPACTED = "compacted-"


class ReplacementRecord(msgspec.Struct, frozen=True):
    """The keys that a target has replaced. It is kept as long as the lake."""

    target: str
    replaced: list[str]


def target_key(lease: Lease, folder: str, sources: Iterable[str], ending: str) -> str:
    """Return the key of what replaces these keys under a lease, in a folder: "p/compacted-5f2c....parquet"."""
    digest = sha256("\n".join([lease.owner, *sorted(sources)]).encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"{folder}{COMPACTED}{digest}{ending}"


def replace_objects(
    lease: Lease, store: ConditionalStore, plan: Plan, body: bytes, *, is_right: Callable[[bytes], bool]
) -> None:
    """Replace the sources of a plan by an object; `is_right` compares what is read back with the sources.

    Raises:
        LostLeaseError: another job has taken over, and ends the plan.
        UserError: the target is not what was put. The sources stay.
    """
    lease.set_plan(plan)
    store.put(plan.target, body, "application/octet-stream")
    there = store.read(plan.target)
    if there is None or not is_right(there.body):
        end_plan(lease, store)
        raise UserError(f"{plan.target} does not hold the rows of the objects that it should replace: they are kept")
    lease.set_plan(msgspec.structs.replace(plan, committed=True))
    end_plan(lease, store)


def end_plan(lease: Lease, store: ConditionalStore) -> None:
    """End the plan in a lease, if there is one: finish it if it was committed, else give it up.

    Raises:
        LostLeaseError: another job has taken over, and ends the plan.
    """
    plan = lease.plan
    if plan is None:
        return
    if plan.committed:
        _record(store, plan)
        lease.renew()
        # Each of these deletes is harmless whenever it comes: the record says that this key is replaced. They are
        # single calls, 16 at once: S3 bills none, and 480 take about a second. DeleteObjects with an ETag for each key
        # would save that second, but moto deletes whatever the ETag, so no test could hold it.
        for _ in at_once(store, lambda source: _delete_replaced(store, source), plan.sources):
            lease.keep()
    else:
        # First: if this owner's own commit was done and only its answer lost, the renewal is refused.
        lease.renew()
        store.put(given_up_key(plan.target), b"{}\n", "application/json")
        there = store.read(plan.target)
        if there is not None:
            lease.renew()
            _delete(store, Source(plan.target, there.version))
    lease.set_plan(None)


def remove_leftovers(
    lease: Lease, store: ConditionalStore, objects: Iterable[Source], late: Container[str]
) -> Iterator[Source]:
    """Yield the objects of a partition that count; delete those that were put too late. The lease must have no plan.

    `late` are the keys that are recorded as replaced, and those of targets that were given up.

    Raises:
        LostLeaseError: another job has taken over.
    """
    for one in objects:
        if one.key in late:
            lease.renew()
            _delete(store, one)
        else:
            yield one


@contextmanager
def released(lease: Lease, end: Callable[[], None]) -> Iterator[None]:
    """Release a lease at the end. After an error `end` ends its plan; if that fails, too, the next job does it."""
    try:
        yield
    except LostLeaseError:
        raise
    except BaseException:
        with suppress(Exception):
            end()
            lease.release()
        raise
    lease.release()


def record_key(target: str) -> str:
    """Return the key of the record of a target."""
    return f"{REPLACED}{target}.json"


def given_up_key(target: str) -> str:
    """Return the key of the note that a target was given up."""
    return f"{GIVEN_UP}{target}.json"


def _record(store: ConditionalStore, plan: Plan) -> None:
    record = ReplacementRecord(plan.target, sorted(source.key for source in plan.sources))
    store.put(record_key(plan.target), msgspec.json.encode(record) + b"\n", "application/json")


def _delete_replaced(store: ConditionalStore, source: Source) -> None:
    """Delete a source, also if a writer that found no record yet has put it again, from the same input."""
    try:
        store.delete_if(source.key, source.version)
    except MovedError:
        there = store.read(source.key)
        if there is not None:
            _delete(store, Source(source.key, there.version))


def _delete(store: ConditionalStore, source: Source) -> None:
    # What was replaced meanwhile is left: nobody has read those bytes, and the next job sees them.
    with suppress(MovedError):
        store.delete_if(source.key, source.version)
