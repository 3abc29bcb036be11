"""Choose the objects of a partition that are merged, and those that go into one target."""

from collections.abc import Iterable, Sequence

import msgspec

from firehose.lake.jobs.open_writers import StoreTime
from firehose.lake.objects import StoredObject

MIB = 1024 * 1024

# Opening a file costs a query as much as reading some megabytes of it.
SMALL_BYTES = 16 * MIB

# So many small files of one partition are worth being made into one.
MIN_FILES = 8

# What is merged into one object is in memory as a whole, and takes some ten times its bytes there:
# 1.2 GB for 125 MB of demands.
TARGET_BYTES = 128 * MIB

# Firehose retries a delivery, and Lambda a put, for hours at most.
CLOSED_SECONDS = 24 * 60 * 60.0


class Limits(msgspec.Struct, frozen=True):
    """The limits of a merge: it takes closed objects below `small_bytes`, if a partition has at least `min_files`.

    An object is closed when it is older than `closed_seconds`: nobody puts it again. A target that has become large
    stays as it is; a small one is merged again, together with as many others.
    """

    min_files: int = MIN_FILES
    closed_seconds: float = CLOSED_SECONDS
    small_bytes: int = SMALL_BYTES
    target_bytes: int = TARGET_BYTES


def groups(objects: Iterable[StoredObject], limits: Limits, time: StoreTime) -> list[list[StoredObject]]:
    """Return the objects to merge, those of one target in one list; none if they are too few.

    They are in order of key, which in names of Firehose's is that of time.
    """
    small = [
        one for one in objects if one.size_bytes < limits.small_bytes and time.is_closed(one, limits.closed_seconds)
    ]
    if len(small) < max(2, limits.min_files):
        return []
    found: list[list[StoredObject]] = [[]]
    size_bytes = 0
    for one in small:
        if found[-1] and size_bytes + one.size_bytes > limits.target_bytes:
            found.append([])
            size_bytes = 0
        found[-1].append(one)
        size_bytes += one.size_bytes
    return [group for group in found if len(group) > 1]


def files_after(files: int, merged: Sequence[Sequence[StoredObject]]) -> int:
    """Return how many files are left of so many when these groups have been merged."""
    return files - sum(len(group) - 1 for group in merged)
