"""Writes to Iceberg tables: the rows of one table's flush, loaded, converted and committed exactly once."""

from array import array
from collections.abc import Callable, Sequence, Set
from itertools import compress
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform

from firehose.local.behaviour import Behaviour
from firehose.local.conversion.converter import ConversionFailure
from firehose.local.conversion.iceberg_rows import IcebergRows
from firehose.local.delivery.partition_keys import Values
from firehose.local.delivery.source_marks import SourceMarks, SourceOf
from firehose.local.iceberg_catalogs import without_retries

# What waits in a buffer: rows as JSON, so that they are converted by the table as it stands when they are committed.
BUFFERED = pa.schema([("data", pa.binary()), ("record_id", pa.string()), ("arrival_ms", pa.int64())])

# Rows that are Python's objects at a time: those of an event take ten times the memory of its JSON.
_CONVERTED_ROWS = 2000

# "Firehose supports version 2" (guide, "Considerations and limitations"); tables of version 1 fail as missing.
_FORMAT_VERSION = 2


class TableWrite(msgspec.Struct, eq=False):
    """The rows of one table that are written together, and the attempts so far; `rows` are of the schema BUFFERED."""

    table: Values
    rows: pa.Table
    ordinals: Sequence[int]
    oldest_ms: int
    attempts: int = 0
    due_ms: int = 0
    first_ms: int | None = None  # of the first attempt
    error: Exception | None = None

    def keep(self, kept: Sequence[bool]) -> None:
        """Keep the rows whose place in `kept` is true."""
        self.rows = self.rows.filter(pa.array(kept, pa.bool_()))
        self.ordinals = array("q", compress(self.ordinals, kept))


class Committed(NamedTuple):
    """The numbers of a commit: rows appended, their bytes as JSON, the table's new files, and their partitions."""

    rows: int = 0
    row_bytes: int = 0
    files: int = 0
    file_bytes: int = 0
    partitions: Set[str] = frozenset()


class TableWriter:
    """Writes to the tables of one catalog, for one stream. `change_rows` is that of a LocalStream."""

    def __init__(
        self,
        catalog: Any,
        stream: str,
        source_of: SourceOf,
        behaviour: Behaviour,
        change_rows: Callable[[str, Any], Any] | None = None,
    ) -> None:
        self._catalog = catalog
        self._stream = stream
        self._source_of = source_of
        self._behaviour = behaviour
        self._change_rows = change_rows
        self._converters: dict[Values, tuple[Schema, IcebergRows]] = {}

    def load(self, name: Values) -> Table:
        """Return a table as it stands now.

        Raises:
            NoSuchTableError: it is missing, or not a table of format version 2.
        """
        table: Table = self._catalog.load_table(name)
        if table.metadata.format_version != _FORMAT_VERSION:
            raise NoSuchTableError
        return without_retries(table)

    def convert(self, table: Table, write: TableWrite) -> tuple[pa.Table, list[ConversionFailure]]:
        """Return the rows of a write as the table's schema stands, and the records that are not rows."""
        converter = self._converter(write.table, table)
        data = write.rows.column("data")
        batches, failures = [], []
        for start in range(0, max(len(data), 1), _CONVERTED_ROWS):
            converted = converter.convert(data.slice(start, _CONVERTED_ROWS).to_pylist())
            batches.append(converted.rows)
            failures += [msgspec.structs.replace(each, index=start + each.index) for each in converted.failures]
        return pa.Table.from_batches(batches).combine_chunks(), failures

    def _converter(self, name: Values, table: Table) -> IcebergRows:
        # A schema may change between two flushes.
        schema = table.schema()
        known = self._converters.get(name)
        if known is None or known[0] != schema:
            known = self._converters[name] = (schema, IcebergRows(schema, self._behaviour))
        return known[1]

    def missing(self, table: Table, write: TableWrite) -> list[int]:
        """Return the places of the rows that the table does not have."""
        return self._marks(table).missing(_record_ids(write))

    def _marks(self, table: Table) -> SourceMarks:
        return SourceMarks(table.properties, self._stream, self._source_of)

    def commit(self, table: Table, write: TableWrite, rows: pa.Table) -> Committed:
        """Append the rows that the table does not have yet, and move the marks with them.

        `rows` are those of `write`, converted. Whatever an earlier attempt left behind, each row is there once.

        Raises:
            Whatever PyIceberg raises; nothing is known then of the table's state, and it must be loaded anew.
        """
        record_ids, marks = _record_ids(write), self._marks(table)
        missing = marks.missing(record_ids)
        if not missing:
            return Committed()
        appended, data = rows, write.rows.column("data")
        if len(missing) < len(record_ids):
            appended, data = appended.take(missing), data.take(missing)
        if self._change_rows is not None:
            appended = self._change_rows(write.table[-1], appended)
        with table.transaction() as transaction:
            transaction.append(appended)
            transaction.set_properties(marks.moved([record_ids[place] for place in missing]))
        snapshot = table.current_snapshot()
        summary = snapshot.summary if snapshot else None
        files, file_bytes = (int((summary and summary[name]) or 0) for name in ("added-data-files", "added-files-size"))
        row_bytes = sum(map(len, data.to_pylist()))
        return Committed(len(missing), row_bytes, files, file_bytes, _partitions(table, appended))


def _record_ids(write: TableWrite) -> list[str]:
    found: list[str] = write.rows.column("record_id").to_pylist()
    return found


def _partitions(table: Table, rows: pa.Table) -> Set[str]:
    """Return the partitions of rows, by their values; only columns whose own values partition the table are told."""
    names = [
        table.schema().find_column_name(one.source_id)
        for one in table.spec().fields
        if isinstance(one.transform, IdentityTransform)
    ]
    columns = [name for name in names if name in rows.column_names]
    distinct = rows.group_by(columns).aggregate([]).to_pylist() if columns else []
    return {"/".join(map(str, one.values())) for one in distinct}
