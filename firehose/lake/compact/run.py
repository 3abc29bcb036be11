"""Compact a lake: find the partitions worth it, and have the job's units worked on."""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from firehose.lake.compact.job import CompactionJob
from firehose.lake.compact.limits import Limits, files_after, groups
from firehose.lake.jobs.job import Executor, Phase, Unit
from firehose.lake.jobs.lake_partition import LakePartition
from firehose.lake.jobs.leases import FREE_SECONDS, LEASES, store_seconds
from firehose.lake.jobs.open_writers import StoreTime, first_open
from firehose.lake.jobs.replaced_keys import ReplacedKeys, given_up
from firehose.lake.jobs.replacement import COMPACTED, GIVEN_UP, REPLACED
from firehose.lake.objects import Lake, StoredObject
from firehose.lake.opening import open_lake
from firehose.local.sinks import bucket_of
from glue.layout import FILE_FORMATS, Format, partition_date, type_prefix
from glue.schema import SCHEMAS, load


class CompactRequest(NamedTuple):
    """A request to compact a lake: by default all its types and formats."""

    lake: str
    limits: Limits = Limits()
    types: tuple[str, ...] = ()
    file_format: Format | None = None
    drop_duplicates: bool = False
    schemas: Path = SCHEMAS


class CompactionResult(msgspec.Struct):
    """The counts of a compaction. A dry run knows neither the rows nor the bytes afterwards.

    `undone` are sentences, each about a partition that was left as it is, or a file in it.
    """

    partitions: int = 0
    files_before: int = 0
    files_after: int = 0
    bytes_before: int = 0
    bytes_after: int | None = 0
    rows: int | None = 0
    duplicates_dropped: int = 0
    undone: list[str] = []


class _Found(NamedTuple):
    partition: LakePartition
    objects: list[StoredObject]
    groups: list[list[StoredObject]]


def compact(request: CompactRequest, executor: Executor, *, phase: Phase) -> CompactionResult:
    """Merge the small files of closed partitions, and end what killed compactions have left.

    Raises:
        UserError: the lake cannot be read or written. What was merged by then stays so.
    """
    lake = open_lake(request.lake)
    with contextlib.closing(bucket_of(request.lake, "lake")) as store:
        now = store_seconds(store)
        at = StoreTime(now, first_open(lake, now, store))
    found = list(_find(lake, request, at))
    job = CompactionJob(
        request.lake,
        tuple(one.partition for one in found),
        request.limits,
        at,
        request.drop_duplicates,
        str(request.schemas),
    )
    result = CompactionResult()
    units = [Unit(number, sum(map(_size, one.groups))) for number, one in enumerate(found)]
    tick = phase("merged", sum(len(group) for one in found for group in one.groups))
    with contextlib.closing(executor.run(job, units, tick)) as answers:
        for _, done in answers:
            result.partitions += bool(done.targets)
            result.undone += done.undone
            for name in ("files_before", "files_after", "bytes_before", "bytes_after", "rows", "duplicates_dropped"):
                setattr(result, name, getattr(result, name) + getattr(done, name))
    result.undone.sort()
    return result


def dry_run(request: CompactRequest) -> CompactionResult:
    """Return what a compaction would do now, by this machine's clock. Nothing is written, no file is opened.

    Raises:
        UserError: the lake cannot be read.
    """
    lake, now = open_lake(request.lake), time.time()
    found = [one for one in _find(lake, request, StoreTime(now, first_open(lake, now))) if one.groups]
    return CompactionResult(
        partitions=len(found),
        files_before=sum(len(one.objects) for one in found),
        files_after=sum(files_after(len(one.objects), one.groups) for one in found),
        bytes_before=sum(_size(one.objects) for one in found),
        bytes_after=None,
        rows=None,
    )


def _find(lake: Lake, request: CompactRequest, at: StoreTime) -> Iterator[_Found]:
    """Yield the partitions that have something to merge, or something that a killed job has left."""
    for file_format in [request.file_format] if request.file_format else FILE_FORMATS:
        for name in request.types or sorted(load(request.schemas)):
            by_date: dict[str, list[StoredObject]] = defaultdict(list)
            for stored in lake.objects(type_prefix(file_format, name)):
                if date := partition_date(stored.key):
                    by_date[date].append(stored)
            left = {*_noted(lake, file_format, name), *_given_up_leases(lake, file_format, name, at)}
            for date in sorted({*by_date, *left}):
                found = _Found(
                    LakePartition(file_format, name, date), by_date[date], groups(by_date[date], request.limits, at)
                )
                if found.groups or (date in left and _has_leftovers(lake, found, at)):
                    yield found


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


def _has_leftovers(lake: Lake, found: _Found, at: StoreTime) -> bool:
    """Return True if a lease was left, or an object is there that should not be."""
    partition = found.partition
    if partition.date in _given_up_leases(lake, partition.format, partition.type, at):
        return True
    names = {stored.key for stored in found.objects}
    if names & given_up(lake, partition.folder):
        return True
    # Most partitions hold targets only: their records need not be read.
    others = {key for key in names if not key.rpartition("/")[2].startswith(COMPACTED)}
    return bool(others and others & ReplacedKeys(lake).now(partition.folder))


def _size(objects: list[StoredObject]) -> int:
    return sum(stored.size_bytes for stored in objects)
