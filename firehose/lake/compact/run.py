"""Compact a lake: find the partitions worth it, and have the job's units worked on."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from firehose.lake.compact.finding import PartitionToMerge, find
from firehose.lake.compact.job import CompactionJob
from firehose.lake.compact.limits import Limits, files_after
from firehose.lake.compact.unit_result import UnitResult
from firehose.lake.jobs.job import Executor, Job, Phase, Unit
from firehose.lake.jobs.leases import store_seconds
from firehose.lake.jobs.open_writers import StoreTime, first_open
from firehose.lake.objects import Lake, StoredObject
from firehose.lake.opening import formats_of, open_lake
from firehose.local.sinks import S3, bucket_of
from glue.layout import FILE_FORMATS, Format
from glue.schema import SCHEMAS, load


class CompactRequest(NamedTuple):
    """A request to compact a lake: by default all its types and formats.

    Iceberg tables of a bucket are left to AWS Glue's optimizers, unless `file_format` names them.
    """

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


class _Planned(NamedTuple):
    """A job of a compaction, its units, and the number of files that they merge."""

    job: Job[UnitResult]
    units: list[Unit]
    files: int


def compact(request: CompactRequest, executor: Executor, *, phase: Phase) -> CompactionResult:
    """Merge the small files of closed partitions, and end what killed compactions have left.

    Raises:
        UserError: the lake cannot be read or written. What was merged by then stays so.
    """
    lake = open_lake(request.lake)
    with contextlib.closing(bucket_of(request.lake, "lake")) as store:
        now = store_seconds(store)
        at = StoreTime(now, first_open(lake, now, store))
    result = CompactionResult()
    for planned in _planned(lake, request, at):
        tick = phase("merged", planned.files)
        with contextlib.closing(executor.run(planned.job, planned.units, tick)) as answers:
            for _, done in answers:
                for name, value in msgspec.structs.asdict(done).items():
                    setattr(result, name, getattr(result, name) + value)
    result.undone.sort()
    return result


def dry_run(request: CompactRequest) -> CompactionResult:
    """Return what a compaction would do now, by this machine's clock. Nothing is written, no file is opened.

    Raises:
        UserError: the lake cannot be read.
    """
    lake, now = open_lake(request.lake), time.time()
    at = StoreTime(now, first_open(lake, now))
    found = [one for one in _find(lake, request, at) if one.groups]
    if _compacts_tables(lake, request):
        from firehose.lake.compact.iceberg_tables import find_in_tables, known_tables  # noqa: PLC0415 - PyIceberg: 0.7 s
        from firehose.lake.iceberg.reading import LakeSnapshots  # noqa: PLC0415 - as above

        found += find_in_tables(LakeSnapshots(lake), known_tables(request.lake, _names(request)), request.limits, now)
    return CompactionResult(
        partitions=len(found),
        files_before=sum(len(one.files) for one in found),
        files_after=sum(files_after(len(one.files), one.groups) for one in found),
        bytes_before=sum(_size(one.files) for one in found),
        bytes_after=None,
        rows=None,
    )


def leaves_tables(request: CompactRequest) -> bool:
    """Return True if a lake has Iceberg tables that are left to AWS Glue's optimizers: in a bucket, unless named."""
    return (
        request.file_format is None
        and request.lake.startswith(S3)
        and Format.ICEBERG in formats_of(open_lake(request.lake))
    )


def _planned(lake: Lake, request: CompactRequest, at: StoreTime) -> Iterator[_Planned]:
    found = list(_find(lake, request, at))
    partitions = tuple(one.partition for one in found)
    job = CompactionJob(request.lake, partitions, request.limits, at, request.drop_duplicates, str(request.schemas))
    units = [Unit(number, sum(map(_size, one.groups))) for number, one in enumerate(found)]
    yield _Planned(job, units, sum(len(group) for one in found for group in one.groups))
    if _compacts_tables(lake, request):
        from firehose.lake.compact.iceberg_tables import IcebergCompaction, known_tables  # noqa: PLC0415 - as above

        tables = tuple(known_tables(request.lake, _names(request)))
        tables_job = IcebergCompaction(request.lake, tables, request.limits, at.now_seconds, request.drop_duplicates)
        # To find their files takes as long as to read all their manifests: the units do it.
        yield _Planned(tables_job, [Unit(number, 1) for number in range(len(tables))], 0)


def _compacts_tables(lake: Lake, request: CompactRequest) -> bool:
    if request.file_format is None:
        return not request.lake.startswith(S3) and Format.ICEBERG in formats_of(lake)
    return request.file_format is Format.ICEBERG


def _find(lake: Lake, request: CompactRequest, at: StoreTime) -> Iterator[PartitionToMerge]:
    for file_format in (one for one in FILE_FORMATS if request.file_format in (None, one)):
        for name in _names(request):
            yield from find(lake, file_format, name, request.limits, at)


def _names(request: CompactRequest) -> Sequence[str]:
    return request.types or sorted(load(request.schemas))


def _size(objects: list[StoredObject]) -> int:
    return sum(stored.size_bytes for stored in objects)
