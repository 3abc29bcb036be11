"""A compaction of Iceberg tables as a job: a unit is a table. Partitions are rewritten, and replaced by few commits.

A table's lease notes the name that all files of its owner carry. Whoever takes the lease over removes those of them
that are in no snapshot. Nothing else is removed: old files stay as long as a snapshot has them. This loads PyIceberg.
"""

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import NamedTuple
from uuid import UUID

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from firehose.lake.compact.arrow_rows import in_order, without_duplicates
from firehose.lake.compact.finding import PartitionToMerge, by_dates
from firehose.lake.compact.leased import compact_leased
from firehose.lake.compact.limits import Limits, groups
from firehose.lake.compact.unit_result import UnitResult
from firehose.lake.iceberg.catalogs import lake_tables
from firehose.lake.iceberg.reading import LakeSnapshots
from firehose.lake.iceberg.replacing import Rewrite, TableRewriter, remove_uncommitted
from firehose.lake.jobs.job import Tick
from firehose.lake.jobs.lake_partition import LakePartition
from firehose.lake.jobs.leases import Lease, Plan
from firehose.lake.jobs.open_writers import StoreTime
from firehose.lake.objects import Lake
from firehose.lake.opening import open_lake
from firehose.local.aws_errors import as_user_errors
from firehose.local.sinks import FolderSink, S3Sink, bucket_of
from firehose.local.user_error import UserError
from glue.layout import Format, format_prefix, type_prefix

# So many are committed at once: a commit adds a snapshot, and a kill loses at most so much work.
_COMMITTED_PARTITIONS = 50

_PREFIX = format_prefix(Format.ICEBERG)


def known_tables(lake: str, names: Iterable[str]) -> list[str]:
    """Return those of the tables that exist.

    Raises:
        UserError: the lake has no tables, or its catalog cannot be opened.
    """
    place = lake_tables(lake)
    return [name for name in names if place.load(name) is not None]


def find_in_tables(
    snapshots: LakeSnapshots, tables: Iterable[str], limits: Limits, now_seconds: float
) -> list[PartitionToMerge]:
    """Return the partitions of tables that have files worth merging, as their newest snapshots are.

    Also files of commands that are still writing: marks in the table say what it has, so none is put again.

    Raises:
        UserError: a table has delete files.
    """
    time = StoreTime(now_seconds, None)
    found = (
        PartitionToMerge(LakePartition(Format.ICEBERG, name, date), files, groups(files, limits, time))
        for name in tables
        for date, files in sorted(by_dates((date, stored) for stored, date in snapshots.files(name).items()).items())
    )
    return [one for one in found if one.groups]


class _Merge(NamedTuple):
    """Data files of a partition, and those that are to replace them, with their rows."""

    where: LakePartition
    rewrite: Rewrite
    rows: int
    duplicates_dropped: int


class IcebergCompaction(NamedTuple):
    """The compaction of these tables, as of a time of the store's."""

    lake: str
    tables: tuple[str, ...]
    limits: Limits
    now_seconds: float
    drop_duplicates: bool

    def worker(self, tick: Tick) -> "TableCompactor":
        """Return a worker in this process.

        Raises:
            UserError: the lake or its catalog cannot be opened.
        """
        return TableCompactor(self, tick)


class TableCompactor:
    """Compacts tables, one after the other. What cannot be done is left as it is, and reported.

    Raises, when it is made:
        UserError: the lake or its catalog cannot be opened.
    """

    def __init__(self, job: IcebergCompaction, tick: Tick) -> None:
        self._job = job
        self._tick = tick
        self._lake: Lake = open_lake(job.lake)
        self._store: FolderSink | S3Sink = bucket_of(job.lake, "lake")
        self._place = lake_tables(job.lake)

    def work(self, unit: int) -> UnitResult:
        """Compact a table."""
        name, result = self._job.tables[unit], UnitResult()
        where = f"{Format.ICEBERG}/{name}"

        def compact(lease: Lease) -> None:
            with as_user_errors(where, "compacted"):
                self._compact(name, lease, result)

        compact_leased(
            self._store, where, result.undone, end_plan=lambda lease: self._end_plan(lease, name), compact=compact
        )
        return result

    def close(self) -> None:
        """Remove temporary files. Another unit may follow."""
        self._store.close()

    def _compact(self, name: str, lease: Lease, result: UnitResult) -> None:
        snapshots = LakeSnapshots(self._lake)
        found = find_in_tables(snapshots, [name], self._job.limits, self._job.now_seconds)
        if not found:
            return
        writer = UUID(lease.owner)
        lease.set_plan(Plan([], str(writer)))
        rewriter = TableRewriter(lambda: self._load(name), writer)
        files = {stored: task.file for stored, task in snapshots.tasks(name).items()}
        for start in range(0, len(found), _COMMITTED_PARTITIONS):
            merges = []
            for partition, _, partition_groups in found[start : start + _COMMITTED_PARTITIONS]:
                for group in partition_groups:
                    lease.keep()
                    try:
                        merges.append(self._merge(partition, [files[stored] for stored in group], rewriter))
                    except UserError as error:
                        result.undone.append(f"{partition}: {error}: left as it is")
                    self._tick(len(group))
            _replace(merges, rewriter, lease, result)
        _count_files(found, result)
        if result.undone:
            self._end_plan(lease, name)
        else:
            lease.set_plan(None)

    def _merge(self, where: LakePartition, sources: list[DataFile], rewriter: TableRewriter) -> _Merge:
        """Write the rows of data files into another, and read it back.

        Raises:
            UserError: a file is missing or damaged.
        """
        rows = rewriter.read(sources)
        kept = in_order(without_duplicates(rows) if self._job.drop_duplicates else rows)
        targets = rewriter.write(kept)
        if not rewriter.read(targets).equals(kept):
            raise UserError("what was written does not hold the rows of the files that it should replace")
        return _Merge(where, Rewrite(sources, targets), kept.num_rows, rows.num_rows - kept.num_rows)

    def _end_plan(self, lease: Lease, name: str) -> None:
        """Remove what the writer that a lease notes has written and not committed.

        Raises:
            LostLeaseError: another job has taken over, and does it.
        """
        if lease.plan is None:
            return
        keys = (stored.key for stored in self._lake.objects(type_prefix(Format.ICEBERG, name)))
        left = [f"{self._place.address}/{key.removeprefix(_PREFIX)}" for key in keys if lease.plan.target in key]
        if left:
            remove_uncommitted(lambda: self._load(name), left, lease.renew)
        lease.set_plan(None)

    def _load(self, name: str) -> Table:
        return self._place.catalog.load_table(self._place.identifier(name))


def _replace(merges: Sequence[_Merge], rewriter: TableRewriter, lease: Lease, result: UnitResult) -> None:
    """Commit merges, and count those whose sources were still there."""
    replaced = rewriter.replace([one.rewrite for one in merges], lease.renew)
    result.partitions += len({merge.where for merge in compress(merges, replaced)})
    for merge, done in zip(merges, replaced, strict=True):
        if not done:
            result.undone.append(f"{merge.where}: its files have been replaced meanwhile")
            continue
        sources, targets = merge.rewrite
        result.files_after -= len(sources) - len(targets)
        result.bytes_after -= sum(one.file_size_in_bytes for one in sources)
        result.bytes_after += sum(one.file_size_in_bytes for one in targets)
        result.rows += merge.rows
        result.duplicates_dropped += merge.duplicates_dropped


def _count_files(found: Sequence[PartitionToMerge], result: UnitResult) -> None:
    files = [stored for one in found for stored in one.files]
    bytes_there = sum(stored.size_bytes for stored in files)
    result.files_before += len(files)
    result.files_after += len(files)
    result.bytes_before += bytes_there
    result.bytes_after += bytes_there
