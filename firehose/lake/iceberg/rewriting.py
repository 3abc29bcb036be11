"""Rewrites data files of an Iceberg table, and ends its history there. This file loads PyIceberg.

All of it is one commit: the files are replaced by others with changed rows, the manifests are merged, so that none says
anything of a file that was replaced, every older snapshot is removed, and statistics of those. Marks and other
properties stay. The commit is refused if another came first. Files that nobody names afterwards are left to the caller.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from itertools import count
from typing import Any
from uuid import UUID

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan, _dataframe_to_data_files
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.table import FileScanTask, Table, TableProperties, Transaction
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.update.snapshot import ExpireSnapshots
from pyiceberg.table.update.statistics import UpdateStatistics

from firehose.local.iceberg_catalogs import without_retries
from firehose.local.user_error import UserError
from firehose.pipeline.iceberg_tables import TablePlace
from glue.layout import iceberg_key

# Manifests are merged from two on.
_OWN = {TableProperties.MANIFEST_MERGE_ENABLED: "true", TableProperties.MANIFEST_MIN_MERGE_COUNT: "2"}


def load_to_rewrite(place: TablePlace, name: str) -> Table:
    """Load the newest metadata of a table.

    Raises:
        UserError: it does not exist, or has branches or tags, which keep old files.
    """
    table = place.load(name)
    if table is None:
        raise UserError(f"there is no Iceberg table {name}: remove its folder, or make it with dmd iceberg tables")
    if others := sorted(table.metadata.refs.keys() - {MAIN_BRANCH}):
        raise UserError(
            f"the Iceberg table {name} has branches or tags, which keep old files: drop {', '.join(others)}"
        )
    return without_retries(table, **_OWN)


def live_files(table: Table) -> dict[str, FileScanTask]:
    """Return the data files of the newest snapshot, by key.

    Raises:
        UserError: the table has equality deletes.
    """
    try:
        tasks = list(table.scan().plan_files()) if table.current_snapshot() else []
    except (ValueError, NotImplementedError):  # PyIceberg refuses equality deletes
        raise UserError("its equality deletes cannot be read here: run OPTIMIZE on the table in Athena") from None
    return {iceberg_key(task.file.file_path): task for task in tasks}


def named_files(table: Table) -> set[str]:
    """Return the keys of all files that a table's snapshots name, and of its metadata file."""
    metadata = table.metadata
    manifests = {one.manifest_path: one for each in metadata.snapshots for one in each.manifests(table.io)}
    addresses = [
        table.metadata_location,
        *(one.statistics_path for one in (*metadata.statistics, *metadata.partition_statistics)),
        *(one.manifest_list for one in metadata.snapshots),
        *manifests,
        *(file.file_path for one in manifests.values() for file in _files(table, one)),
    ]
    return set(map(iceberg_key, addresses))


def first_files(table: Table, manifests: Set[str]) -> set[str]:
    """Return the key of a live data file of each of these manifests: to replace it replaces the manifest."""
    snapshot = table.current_snapshot()
    there = snapshot.manifests(table.io) if snapshot else []
    firsts = [next(_files(table, one), None) for one in there if iceberg_key(one.manifest_path) in manifests]
    return {iceberg_key(file.file_path) for file in firsts if file is not None}


def rewrite_files(
    table: Table,
    tasks: Iterable[FileScanTask],
    change: Callable[[pa.Table], pa.Table],
    uuids: tuple[UUID, UUID],
    *,
    before_commit: Callable[[], None],
) -> None:
    """Replace data files by others with changed rows, and remove all older snapshots. The uuids name what is written.

    Raises:
        CommitFailedException, CommitStateUnknownException: another commit came first, or nobody knows.
        Whatever else PyIceberg raises.
    """
    with table.transaction() as transaction:
        numbers = count()
        with transaction.update_snapshot().overwrite(commit_uuid=uuids[0]) as overwrite:
            for task in tasks:
                overwrite.delete_data_file(task.file)
                for file in _rewritten(table, task, change, uuids[0], numbers):
                    overwrite.append_data_file(file)
        with transaction.update_snapshot().merge_append() as append:
            append.commit_uuid = uuids[1]
        _end_history(transaction)
        before_commit()


def _rewritten(
    table: Table, task: FileScanTask, change: Callable[[pa.Table], pa.Table], uuid: UUID, numbers: "count[int]"
) -> Iterator[DataFile]:
    # As PyIceberg's own deletion of rows does it: by today's schema, without the rows that delete files delete.
    rows = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue()).to_table([task])
    if len(rows):
        yield from _dataframe_to_data_files(table.metadata, change(rows), table.io, write_uuid=uuid, counter=numbers)


def _end_history(transaction: Transaction) -> None:
    metadata: Any = transaction.table_metadata
    old = [one.snapshot_id for one in metadata.snapshots if one.snapshot_id != metadata.current_snapshot_id]
    for one in metadata.statistics:
        with UpdateStatistics(transaction) as statistics:  # which keeps one removal
            statistics.remove_statistics(one.snapshot_id)
    with ExpireSnapshots(transaction) as expiry:
        expiry.by_ids(old)


def _files(table: Table, manifest: ManifestFile) -> Iterator[DataFile]:
    return (entry.data_file for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True))
