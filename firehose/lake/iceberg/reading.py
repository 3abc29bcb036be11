"""Reads the Iceberg tables of a lake: the files of a snapshot, and a table's metadata as rows."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from firehose.lake.iceberg.catalogs import lake_tables
from firehose.lake.objects import Lake, StoredObject
from firehose.lake.query.athena.versions import metadata_columns
from firehose.lake.query.translation import TableVersion, VersionKind
from firehose.local.user_error import UserError
from glue.layout import ENTITY_BUCKET, PARTITION, Format, format_prefix, iceberg_key

_PREFIX = format_prefix(Format.ICEBERG)


class LakeSnapshots:
    """Reads the Iceberg tables of a lake. It loads a table when somebody first asks for it, and keeps it.

    A folder has its own catalog. The tables of a bucket are in Glue of its environment.

    Raises, when it is made:
        UserError: the lake has no tables, PyIceberg is missing, or the lake was moved.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        stored = next(iter(lake.objects(_PREFIX)), None)
        where = lake.where(stored).removesuffix(stored.key).rstrip("/") if stored else ""
        self._place = lake_tables(where)
        self._stored: dict[str, StoredObject] | None = None
        self._loaded: dict[str, Any] = {}

    def files(self, table: str, snapshot: int | None = None) -> dict[StoredObject, str]:
        """Return the files of a snapshot, the newest by default, each with its partition date.

        Raises:
            UserError: the table is missing, or rows are deleted by delete files.
        """
        place = self._table(table).spec().fields[0].name == PARTITION
        return {
            stored: str(task.file.partition[0]) if place else "" for stored, task in self.tasks(table, snapshot).items()
        }

    def tasks(self, table: str, snapshot: int | None = None) -> dict[StoredObject, Any]:
        """Return the files of a snapshot, the newest by default, each with its FileScanTask.

        Raises:
            UserError: the table is missing, or rows are deleted by delete files.
        """
        found = self._table(table)
        if found.current_snapshot() is None:
            return {}
        tasks = list(found.scan(snapshot_id=snapshot).plan_files())
        if any(task.delete_files for task in tasks):
            raise UserError(
                f"rows of {table} are deleted by delete files, which cannot be read here: query the table in Athena, "
                "or run OPTIMIZE on it there"
            )
        return {self._of(task.file.file_path): task for task in tasks}

    def snapshot(self, version: TableVersion, number: int) -> int:
        """Return the id of the snapshot of a version, which is an id or a time in microseconds.

        Raises:
            UserError: the table never had this snapshot, or its snapshots of that time have expired.
        """
        found = self._table(version.table)
        if version.kind is VersionKind.VERSION:
            snapshot = found.snapshot_by_id(number)
        else:
            snapshot = found.snapshot_as_of_timestamp(number // 1000)
        if snapshot is None:
            raise UserError(
                f"{version.table} has no snapshot "
                + (f"{number}" if version.kind is VersionKind.VERSION else "of that time or before")
                + f': those that are kept are in "{version.table}$snapshots"'
            )
        return int(snapshot.snapshot_id)

    def metadata(self, version: TableVersion) -> pa.Table:
        """Return a metadata table, its columns as the query's types are held in DuckDB."""
        found = self._table(version.table)
        if found.current_snapshot() is None:
            rows: Iterable[Mapping[str, Any]] = []
        elif version.kind is VersionKind.SNAPSHOTS:
            rows = [one | {"committed_at": _at(one["committed_at"])} for one in found.inspect.snapshots().to_pylist()]
        elif version.kind is VersionKind.FILES:
            rows = found.inspect.files().to_pylist()
        else:
            rows = [
                one | {"total_size": one["total_data_file_size_in_bytes"]}
                for one in found.inspect.partitions().to_pylist()
            ]
        columns = metadata_columns(version)
        schema = pa.schema([(name, _ARROW[str(kind)]) for name, kind in columns.items()])
        return pa.Table.from_pylist([{name: one[name] for name in columns} for one in rows], schema)

    def _table(self, name: str) -> Any:
        if name not in self._loaded:
            table = self._place.load(name)
            if table is None:
                raise UserError(f"there is no Iceberg table {name}: make it with dmd iceberg tables")
            self._loaded[name] = table
        return self._loaded[name]

    def _of(self, path: str) -> StoredObject:
        """Return the object of a file, by the part of its path that is a key of the lake."""
        if self._stored is None:
            self._stored = {stored.key: stored for stored in self._lake.objects(_PREFIX)}
        key = iceberg_key(path)
        if key not in self._stored:
            raise UserError(f"{key} is gone, though a snapshot names it: the table is damaged")
        return self._stored[key]


def _at(moment: Any) -> dict[str, Any]:
    """Return a time as DuckDB holds a timestamp with time zone here."""
    return {"at": moment, "zone": "UTC"}


_COUNTS = pa.map_(pa.int32(), pa.int64())
_ARROW: dict[str, pa.DataType] = {
    "timestamp(3) with time zone": pa.struct([("at", pa.timestamp("us")), ("zone", pa.string())]),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "varchar": pa.string(),
    "varbinary": pa.binary(),
    "map(varchar, varchar)": pa.map_(pa.string(), pa.string()),
    "map(integer, bigint)": _COUNTS,
    "array(bigint)": pa.list_(pa.int64()),
    "array(integer)": pa.list_(pa.int32()),
    "row(partition_date varchar)": pa.struct([(PARTITION, pa.string())]),
    "row(entity_bucket integer)": pa.struct([(ENTITY_BUCKET, pa.int32())]),
}
