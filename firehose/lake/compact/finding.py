"""Find the partitions of files that are worth compacting, and those in which a killed compaction has left something."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from firehose.lake.compact.limits import Limits, groups
from firehose.lake.jobs.lake_partition import LakePartition
from firehose.lake.jobs.leases import FREE_SECONDS, LEASES
from firehose.lake.jobs.open_writers import StoreTime
from firehose.lake.jobs.replaced_keys import ReplacedKeys, given_up
from firehose.lake.jobs.replacement import COMPACTED, GIVEN_UP, REPLACED
from firehose.lake.objects import Lake, StoredObject
from glue.layout import Format, partition_date, type_prefix


class PartitionToMerge(NamedTuple):
    """A partition, its files, and those of them that are worth merging, a list for each target."""

    partition: LakePartition
    files: list[StoredObject]
    groups: list[list[StoredObject]]


def find(lake: Lake, file_format: Format, name: str, limits: Limits, at: StoreTime) -> Iterator[PartitionToMerge]:
    """Yield the partitions that have something to merge, or something that a killed job has left."""
    dated = ((partition_date(stored.key), stored) for stored in lake.objects(type_prefix(file_format, name)))
    by_date = by_dates((date, stored) for date, stored in dated if date)
    left = {*_noted(lake, file_format, name), *_given_up_leases(lake, file_format, name, at)}
    for date in sorted({*by_date, *left}):
        files = by_date.get(date, [])
        found = PartitionToMerge(LakePartition(file_format, name, date), files, groups(files, limits, at))
        if found.groups or (date in left and _has_leftovers(lake, found, at)):
            yield found


def by_dates(dated: Iterable[tuple[str, StoredObject]]) -> dict[str, list[StoredObject]]:
    """Return the files of each date."""
    found: dict[str, list[StoredObject]] = defaultdict(list)
    for date, stored in dated:
        found[date].append(stored)
    return found


def _noted(lake: Lake, file_format: Format, name: str) -> Iterator[str]:
    """Yield the dates of partitions in which something was replaced or given up."""
    for notes in (REPLACED, GIVEN_UP):
        for stored in lake.objects(f"{notes}{type_prefix(file_format, name)}"):
            yield partition_date(stored.key)


def _given_up_leases(lake: Lake, file_format: Format, name: str, at: StoreTime) -> Iterator[str]:
    """Yield the dates of partitions whose lease a killed job has left."""
    for stored in lake.objects(f"{LEASES}{file_format}/{name}/"):
        if at.now_seconds - stored.written_ms / 1000 >= FREE_SECONDS:
            yield stored.key.rpartition("/")[2].removesuffix(".json")


def _has_leftovers(lake: Lake, found: PartitionToMerge, at: StoreTime) -> bool:
    """Return True if a lease was left, or an object is there that should not be."""
    partition = found.partition
    if partition.date in _given_up_leases(lake, partition.format, partition.type, at):
        return True
    names = {stored.key for stored in found.files}
    if names & given_up(lake, partition.folder):
        return True
    # Most partitions hold targets only: their records need not be read.
    others = {key for key in names if not key.rpartition("/")[2].startswith(COMPACTED)}
    return bool(others and others & ReplacedKeys(lake).now(partition.folder))
