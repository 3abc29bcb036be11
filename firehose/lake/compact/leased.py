"""Compact something under its lease."""

from collections.abc import Callable

from firehose.lake.jobs.leases import Lease, LostLeaseError, acquire
from firehose.lake.jobs.replacement import released
from firehose.local.sink import ConditionalStore
from firehose.local.user_error import UserError


def compact_leased(
    store: ConditionalStore,
    where: str,
    undone: list[str],
    *,
    end_plan: Callable[[Lease], None],
    compact: Callable[[Lease], None],
) -> None:
    """Acquire a lease, end the plan of its former owner, and compact. What prevents that is added to `undone`."""
    try:
        lease = acquire(store, where, "compact")
        if lease is None:
            undone.append(f"{where}: another job holds it")
            return
        with released(lease, lambda: end_plan(lease)):
            end_plan(lease)
            compact(lease)
    except LostLeaseError:
        undone.append(f"{where}: another job has taken it over")
    except UserError as error:
        undone.append(f"{where}: {error}")
