"""A compaction of files as a job over units: a unit is a partition of one format and type."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

from firehose.lake.compact.avro_merger import AvroMerger
from firehose.lake.compact.leased import compact_leased
from firehose.lake.compact.limits import Limits, groups
from firehose.lake.compact.merger import Merger, Part
from firehose.lake.compact.parquet_merger import ParquetMerger
from firehose.lake.compact.unit_result import UnitResult
from firehose.lake.jobs.at_once import at_once
from firehose.lake.jobs.job import Tick
from firehose.lake.jobs.lake_partition import LakePartition
from firehose.lake.jobs.leases import Lease, Plan, Source
from firehose.lake.jobs.open_writers import StoreTime
from firehose.lake.jobs.replaced_keys import ReplacedKeys, given_up
from firehose.lake.jobs.replacement import end_plan, remove_leftovers, replace_objects, target_key
from firehose.lake.objects import Lake, StoredObject
from firehose.lake.opening import open_lake
from firehose.local.sinks import FolderSink, S3Sink, bucket_of
from firehose.local.user_error import UserError
from firehose.pipeline.streams import local_streams
from glue.layout import Format
from glue.model import RecordType
from glue.schema import load
from glue.tables import avro_literal, parquet_table


class CompactionJob(NamedTuple):
    """The compaction of these partitions, as of one time of the store's."""

    lake: str
    partitions: tuple[LakePartition, ...]
    limits: Limits
    time: StoreTime
    drop_duplicates: bool
    schemas: str

    def worker(self, tick: Tick) -> "CompactionWorker":
        """Return a worker in this process.

        Raises:
            UserError: the lake cannot be opened.
        """
        return CompactionWorker(self, tick)


class CompactionWorker:
    """Compacts partitions, one after the other. What cannot be done is left as it is, and reported.

    Raises:
        UserError: the lake cannot be opened.
    """

    def __init__(self, job: CompactionJob, tick: Tick) -> None:
        self._job = job
        self._tick = tick
        self._lake: Lake = open_lake(job.lake)
        self._store: FolderSink | S3Sink = bucket_of(job.lake, "lake")
        types = load(Path(job.schemas))
        self._merger = cache(lambda file_format, name: _merger(file_format, types[name]))

    def work(self, unit: int) -> UnitResult:
        """Compact a partition."""
        where, result = self._job.partitions[unit], UnitResult()
        compact_leased(
            self._store,
            str(where),
            result.undone,
            end_plan=lambda lease: end_plan(lease, self._store),
            compact=lambda lease: self._compact(where, lease, result),
        )
        return result

    def close(self) -> None:
        """Remove temporary files. Another unit may follow."""
        self._store.close()

    def _compact(self, where: LakePartition, lease: Lease, result: UnitResult) -> None:
        objects = {stored.key: stored for stored in self._lake.objects(where.folder)}
        late = ReplacedKeys(self._lake).now(where.folder) | given_up(self._lake, where.folder)
        versions = [Source(stored.key, stored.version) for stored in objects.values()]
        there = [objects[source.key] for source in remove_leftovers(lease, self._store, versions, late)]
        result.files_before = result.files_after = len(objects)
        result.bytes_before = result.bytes_after = sum(stored.size_bytes for stored in objects.values())
        result.files_after -= len(objects) - len(there)
        result.bytes_after -= sum(stored.size_bytes for stored in objects.values() if stored not in there)
        for group in groups(there, self._job.limits, self._job.time):
            self._merge(where, lease, group, result)

    def _merge(self, where: LakePartition, lease: Lease, group: list[StoredObject], result: UnitResult) -> None:
        merger: Merger = self._merger(where.format, where.type)
        alike: dict[object, list[tuple[Source, Part]]] = {}
        for stored, read in zip(group, at_once(self._store, lambda one: self._store.read(one.key), group), strict=True):
            lease.keep()
            self._tick(1)
            if read is None:  # by a lifecycle rule, or by hand
                continue
            try:
                part = merger.part(stored.key, read.body)
            except UserError as error:
                result.undone.append(f"{where}: {error}: left as it is")
                continue
            alike.setdefault(part.kind, []).append((Source(stored.key, read.version), part))
        sizes = {stored.key: stored.size_bytes for stored in group}
        for found in alike.values():
            if len(found) > 1:
                self._replace(where, lease, found, result)
                result.bytes_after -= sum(sizes[source.key] for source, _ in found)

    def _replace(
        self, where: LakePartition, lease: Lease, found: list[tuple[Source, Part]], result: UnitResult
    ) -> None:
        merger: Merger = self._merger(where.format, where.type)
        sources = [source for source, _ in found]
        merged = merger.merge([part for _, part in found], drop_duplicates=self._job.drop_duplicates)
        target = target_key(lease, where.folder, [source.key for source in sources], f".{where.format}")
        replace_objects(lease, self._store, Plan(sources, target), merged.body, is_right=merged.is_right)
        result.files_after -= len(sources) - 1
        result.bytes_after += len(merged.body)
        result.rows += merged.rows
        result.duplicates_dropped += merged.duplicates_dropped
        result.partitions = 1


def _merger(file_format: Format, record_type: RecordType) -> Merger:
    if file_format is Format.AVRO:
        return AvroMerger(avro_literal(record_type))
    (stream,) = local_streams({record_type.name: record_type}, file_format)
    return ParquetMerger(stream.request, parquet_table(record_type))
