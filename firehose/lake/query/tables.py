"""The Glue tables over a lake, as DuckDB reads them.

Files are read as the Glue table declares them, by name and type. Fields that an older file lacks are null, at any
depth, as in Athena. Arrow reads Parquet; avro_table.py reads Avro.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, repeat
from typing import Any, TypeAlias

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import LocalFileSystem

from firehose.lake.errors.error_documents import documents
from firehose.lake.objects import Lake, StoredObject
from firehose.lake.query.athena.catalog import PATH
from firehose.lake.query.avro_table import READ_AHEAD, AvroTable, read_ahead
from firehose.lake.query.row_counts import RowCounter, read_footer
from firehose.lake.query.shared_values import HIDDEN_FIELDS, WRITTEN, in_files, schema_read, shared_values
from firehose.local.user_error import UserError
from glue import arrow
from glue.layout import PARTITION, Format, partition_date
from glue.tables import BUCKET, TableInput

# Arrow takes INT96 for nanoseconds, but DuckDB's TIMESTAMP is microseconds, so times are read as those at once.
_PARQUET = ds.ParquetFileFormat(coerce_int96_timestamp_unit="us")
_LOCAL = LocalFileSystem()

# A bucket's files are read by threads, which wait at the same time. To hand one file over costs more than its footer.
_FILES_A_TASK = 64

# Returns the files of a table in a lake, each with its partition date.
FilesOf: TypeAlias = Callable[[Lake, TableInput], dict[StoredObject, str]]


class ParquetTable(ds.FileSystemDataset):  # type: ignore[misc]  # pyarrow has no types
    """The Parquet files of a table, each with the values of its partition keys.

    Their footers are not kept: 2,400 of them would take 200 MB. The dataset's schema begins with the columns that all
    rows of a file share, because DuckDB reads the first of a table that it counts. For these the footers tell enough,
    in half the time that Arrow takes to scan as many files. `register` gives the columns their own.
    """

    def __init__(
        self,
        files: Mapping[StoredObject, Mapping[str, Any]],
        lake: Lake,
        schema: pa.Schema,
        on_error: Callable[[UserError], None],
    ) -> None:
        wheres = in_files(lake, files, schema.names)
        self._shared = {PATH, WRITTEN}.union(*(partition.keys() for partition in files.values()))
        shared_first = pa.schema(sorted(schema, key=lambda field: field.name not in self._shared))
        super().__init__(list(map(_fragment, repeat(lake), files, wheres)), shared_first, _PARQUET)
        self._columns: list[str] = schema.names
        self._files = list(files.items())
        self._lake = lake
        self._on_error = on_error

    def register(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """Make the table known to a connection, with the columns in their order."""
        columns = map(duckdb.ColumnExpression, self._columns)
        connection.from_arrow(self).select(*columns).create_view(name)

    def scanner(
        self,
        columns: list[str] | None = None,
        filter: ds.Expression | None = None,  # noqa: A002  pyarrow's names
    ) -> ds.Scanner:
        """Scan these columns of the rows that pass the filter."""
        schema = schema_read(self.schema, columns, filter)
        if columns and self._shared.issuperset(schema.names):
            batches = self._counted(schema, filter)
            return ds.Scanner.from_batches(batches, schema=schema, columns=columns, filter=filter)
        return super().scanner(columns=columns, filter=filter, cache_metadata=False)

    def _counted(self, schema: pa.Schema, where: ds.Expression | None) -> Iterator[pa.RecordBatch]:
        """Yield as many rows as the footers count, of columns that the rows of a file share."""
        shared = [shared_values(self._lake, stored, partition) for stored, partition in self._files]
        files = pa.Table.from_pylist(shared, schema).append_column("file", pa.array(range(len(shared)), pa.int64()))
        numbers = (files if where is None else files.filter(where))["file"].to_pylist()
        for values, alike in groupby(self._rows(numbers), lambda one: [shared[one[0]][field.name] for field in schema]):
            rows = sum(rows for _, rows in alike)
            arrays = [
                pa.repeat(pa.scalar(value, field.type), rows) for value, field in zip(values, schema, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _rows(self, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield the number of each file and how many rows it has."""
        is_folder = self._lake.path(self._files[0][0]) is not None
        files = max(1, len(numbers) if is_folder else min(_FILES_A_TASK, len(numbers) // READ_AHEAD))
        tasks = [numbers[start : start + files] for start in range(0, len(numbers), files)]
        for task, counting in read_ahead(tasks, self._count):
            try:
                counts = counting.result()
            except UserError as error:
                self._on_error(error)
                raise
            yield from zip(task, counts, strict=True)

    def _count(self, numbers: Sequence[int]) -> list[int]:
        counter = RowCounter()
        return [self._rows_of(number, counter) for number in numbers]

    def _rows_of(self, number: int, counter: RowCounter) -> int:
        stored = self._files[number][0]
        try:
            with self._lake.open(stored) as file:
                return counter.rows(read_footer(file, stored.size_bytes))
        except UserError:
            raise
        except Exception:  # noqa: BLE001  whatever damaged bytes make Arrow raise; its message may quote a value
            raise self._damaged(stored) from None

    def unreadable(self) -> UserError | None:
        """Return the error of the first file that cannot be read, or None."""
        for fragment, (stored, _) in zip(self.get_fragments(), self._files, strict=True):
            try:
                for _ in fragment.scanner(schema=self.schema, use_threads=False).to_batches():
                    pass
            except UserError as error:
                return error
            except Exception:  # noqa: BLE001  whatever damaged bytes make Arrow raise; its message may quote a value
                return self._damaged(stored)
        return None

    def _damaged(self, stored: StoredObject) -> UserError:
        where = self._lake.where(stored)
        return UserError(f"{where} is not a Parquet file that its table can read, or it is damaged")


def register_tables(
    connection: duckdb.DuckDBPyConnection,
    table_inputs: Mapping[str, TableInput],
    lakes: Mapping[str, Lake],
    read: Collection[str],
    on_error: Callable[[UserError], None],
    *,
    with_hidden: bool = False,
    files_of: FilesOf | None = None,
) -> list[Any]:
    """Register the tables of Glue TableInputs with a connection, each from its lake; return those read from files.

    Tables that are not in `read` have no rows. `on_error` is called with the error of a file that a scan cannot read,
    except where Arrow reads it. `with_hidden` adds the columns "$path", the place of a row's file, and
    "$file_modified_time", the time when it was written. `files_of` returns the files of a table, by default those
    below its location.
    """
    registered = []
    for name, table_input in table_inputs.items():
        lake = lakes[name] if name in read else None
        table = _table(table_input, lake, files_of or files_below, on_error, with_hidden=with_hidden)
        register(connection, name, table)
        registered.append(table)
    return [table for table in registered if isinstance(table, ds.Dataset)]


def register(connection: duckdb.DuckDBPyConnection, name: str, table: Any) -> None:
    """Make a table known to a connection."""
    if isinstance(table, ParquetTable):
        table.register(connection, name)
    else:
        connection.register(name, table)


def first_unreadable(tables: Iterable[Any]) -> UserError | None:
    """Return the error of the first Parquet file that cannot be read, or None.

    DuckDB and Arrow say why a scan failed, but often not in which file. So the files are read again, one by one.
    """
    found = (table.unreadable() for table in tables if isinstance(table, ParquetTable))
    return next(filter(None, found), None)


def _table(
    table_input: TableInput,
    lake: Lake | None,
    files_of: FilesOf,
    on_error: Callable[[UserError], None],
    *,
    with_hidden: bool,
) -> Any:
    """Return a Glue table as an Arrow dataset. Without a lake, or without a file in it, the table is empty.

    Files of dates that a query filters out are not read.
    """
    columns = arrow.schema(table_input)
    keys = [key["Name"] for key in table_input["PartitionKeys"]]  # partition_date, or none
    schema = table_schema(columns, pa.schema([(key, pa.string()) for key in keys]), with_hidden=with_hidden)
    if lake is None:
        return schema.empty_table()
    kind = table_input["Parameters"]["classification"]
    if kind == "json":
        return _error_table(schema, lake)
    files = files_of(lake, table_input)
    if not files:
        return schema.empty_table()
    if kind == Format.AVRO:
        literal = table_input["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"]
        return AvroTable(files, lake, literal, schema=schema, on_error=on_error)
    return ParquetTable({stored: dict.fromkeys(keys, date) for stored, date in files.items()}, lake, schema, on_error)


def table_schema(columns: pa.Schema, partition_keys: pa.Schema, *, with_hidden: bool) -> pa.Schema:
    """Return the schema in which a table is read: its columns, its partition keys and, if asked for, hidden columns."""
    fields = [pa.field(one.name, arrow.in_micros(one.type)) for one in columns]
    return pa.schema([*fields, *partition_keys, *(HIDDEN_FIELDS if with_hidden else ())])


def files_below(lake: Lake, table_input: TableInput) -> dict[StoredObject, str]:
    """Return the files in a partition below a table's location, with its date. Athena sees no other files."""
    prefix = str(table_input["StorageDescriptor"]["Location"]).removeprefix(f"s3://{BUCKET}/")
    return {stored: date for stored in lake.objects(prefix) if (date := partition_date(stored.key))}


def _fragment(lake: Lake, stored: StoredObject, where: ds.Expression) -> Any:
    # A folder's files are opened when they are read: thousands at once would pass the limit on open files.
    if path := lake.path(stored):
        return _PARQUET.make_fragment(str(path), _LOCAL, partition_expression=where)
    return _PARQUET.make_fragment(pa.PythonFile(lake.open(stored), "r"), partition_expression=where)


def _error_table(schema: pa.Schema, lake: Lake) -> pa.Table:
    """Return the error documents, all in memory: they are few (REQ-9: under 0.1 % of the records).

    A line that is not a document is left out, where Hive's SerDe would end the query. `dmd errors` says where it lies.
    """
    rows = []
    for day, where, document in documents(lake, []):
        row = {name.lower(): value for name, value in msgspec.to_builtins(document).items()}
        rows.append(row | {PARTITION: day, PATH: where.rpartition(":")[0]})
    return pa.Table.from_pylist(rows, schema)
