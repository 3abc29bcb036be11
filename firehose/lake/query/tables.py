"""SQL over a lake with DuckDB, with the Glue tables as tables.

The files are read as the Glue table declares them, by name and type: what an older file does not have is null, at any
depth, as in Athena. Parquet is read by Arrow, Avro as avro_table.py says; DuckDB itself opens no file and no
connection.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import LocalFileSystem

from firehose.lake.errors.documents import documents
from firehose.lake.query.avro_table import AvroTable
from firehose.lake.storage import FolderLake, Lake, Stored, open_lake
from firehose.local.user_error import UserError
from glue import arrow
from glue.layout import PARTITION, Format, format_prefix, partition_date
from glue.schema import load
from glue.tables import BUCKET, TableInput, TableInputs, read_table_inputs
from glue.views import latest_views

# Arrow takes INT96 for nanoseconds, DuckDB's TIMESTAMP is microseconds: read as those at once, not cast later.
_PARQUET = ds.ParquetFileFormat(coerce_int96_timestamp_unit="us")
_PARTITION_FIELD = pa.field(PARTITION, pa.string())
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # The tables are handed in; SQL here reads nothing else, and nothing is fetched from DuckDB's extension servers.
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
}
# Athena's date_diff counts whole units, DuckDB's the boundaries between them: 0.9 s to 1.1 s is 0 seconds and not 1.
_AS_IN_ATHENA = "CREATE MACRO date_diff(unit, earlier, later) AS date_sub(unit, earlier, later)"

# Errors whose text is about the SQL alone. Others may quote a value of a record (`Could not convert string ...`).
_ABOUT_THE_SQL = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.SyntaxException)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query: ["eventid", "n"], [("e1", 3)]."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(
    sql: str, lake: str, tables: Mapping[str, TableInputs] | None = None, file_format: Format | None = None
) -> Answer:
    """The answer to a query over the lake in a folder or in `s3://bucket`.

    "SELECT count(*) AS n FROM demand", ".local/lake" -> Answer(["n"], [(1234,)])

    `tables` are the generated Glue tables unless others are given, with the views `latest_<type>` over them. Only
    tables that the SQL mentions are looked for.
    What is asked is the lake's Parquet where it has any, else its Avro, unless `file_format` says which.

    Raises:
        UserError: no such lake, SQL that DuckDB does not take, a file that is not what its place says.
    """
    opened = open_lake(lake)
    asked = file_format or _format_of(opened)
    errors: list[UserError] = []
    with duckdb.connect(config=_SETTINGS) as connection:
        connection.execute(_AS_IN_ATHENA)
        for name, table_input in _tables(tables, asked).items():
            mentioned = opened if name in sql.lower() else None
            connection.register(name, _table(table_input, mentioned, errors.append))
        for view, view_sql in latest_views(load()).items():
            if view in sql.lower():
                connection.execute(f"CREATE VIEW {view} AS {view_sql}")
        return _answer(connection, sql, errors)


def _format_of(lake: Lake) -> Format:
    """What the files of a lake are. One that holds no Avro, as most do, is not searched for Parquet."""
    if _holds(lake, Format.AVRO) and not _holds(lake, Format.PARQUET):
        return Format.AVRO
    return Format.PARQUET


def _holds(lake: Lake, file_format: Format) -> bool:
    return any(partition_date(stored.key) for stored in lake.objects(format_prefix(file_format)))


def _tables(tables: Mapping[str, TableInputs] | None, file_format: Format) -> dict[str, TableInput]:
    """The tables of one mode by their name; that of the error documents is the same in both."""
    given = read_table_inputs() if tables is None else tables
    found = (formats.get(file_format) or formats["json"] for formats in given.values())
    return {table_input["Name"]: table_input for table_input in found}


def _table(table_input: TableInput, lake: Lake | None, on_error: Callable[[UserError], None]) -> Any:
    """A Glue table as Arrow has it, without rows where there is no lake or nothing in it.

    Files under other dates than a query asks for are not read.
    """
    declared = arrow.schema(table_input)
    schema = pa.schema([pa.field(one.name, _in_micros(one.type)) for one in declared]).append(_PARTITION_FIELD)
    if lake is None:
        return schema.empty_table()
    kind = table_input["Parameters"]["classification"]
    if kind == "json":
        return _error_table(schema, lake)
    location: str = table_input["StorageDescriptor"]["Location"]
    files = _files(lake, location.removeprefix(f"s3://{BUCKET}/"))
    if not files:
        return schema.empty_table()
    if kind == Format.AVRO:
        literal = table_input["StorageDescriptor"]["SerdeInfo"]["Parameters"]["avro.schema.literal"]
        return AvroTable(files, lake, literal, declared=declared, shown=schema, on_error=on_error)
    return ds.FileSystemDataset(list(_fragments(lake, files)), schema, _PARQUET)


def _files(lake: Lake, prefix: str) -> dict[Stored, str]:
    """The files that lie in a partition, with its date; Athena sees no others."""
    return {stored: date for stored in lake.objects(prefix) if (date := partition_date(stored.key))}


def _fragments(lake: Lake, files: Mapping[Stored, str]) -> Iterator[Any]:
    local = LocalFileSystem()
    for stored, date in files.items():
        where = ds.field(PARTITION) == date
        # A folder's files are opened when they are read: thousands at once would pass the limit on open files.
        if isinstance(lake, FolderLake):
            yield _PARQUET.make_fragment(lake.where(stored), local, partition_expression=where)
        else:
            yield _PARQUET.make_fragment(pa.PythonFile(lake.open(stored), "r"), partition_expression=where)


def _error_table(schema: pa.Schema, lake: Lake) -> pa.Table:
    """The error documents, all in memory: they are few (REQ-9: under 0.1 % of the records).

    A line that is none is left out, where Hive's SerDe would end the query; `dmd errors` says where it lies.
    """
    rows = []
    for day, _, document in documents(lake, []):
        row = {name.lower(): value for name, value in msgspec.to_builtins(document).items()}
        rows.append(row | {PARTITION: day})
    return pa.Table.from_pylist(rows, schema)


def _in_micros(kind: pa.DataType) -> pa.DataType:
    """The type with timestamps as DuckDB's TIMESTAMP has them; its TIMESTAMP_MS is another type, with fewer functions.

    list<timestamp[ms]> -> list<timestamp[us]>
    """
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(member.name, _in_micros(member.type)) for member in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_in_micros(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, kind.item_field.with_type(_in_micros(kind.item_type)))
    return kind


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, errors: list[UserError]) -> Answer:
    """Runs the SQL. Errors become sentences that quote the SQL at most, never a value of a row.

    `errors` are those of files that could not be read, which DuckDB wraps in errors of its own.
    """
    try:
        connection.execute(sql)
        if connection.description is None:
            raise UserError("there is no query in this SQL")
        return Answer([str(column[0]) for column in connection.description], connection.fetchall())
    except _ABOUT_THE_SQL as error:
        raise UserError(str(error).partition("\n")[0]) from None
    except RuntimeError:  # duckdb's for an interrupt while it runs
        raise KeyboardInterrupt from None
    except duckdb.PermissionException:
        raise UserError("SQL here reads the lake's tables only, no other files and settings") from None
    except duckdb.Error as error:
        if errors:
            raise errors[0] from None
        # Arrow's errors (a file that is not Parquet, a type that does not fit) come wrapped in DuckDB's.
        raise UserError(
            f"{type(error).__name__}: DuckDB could not run this over the lake: a conversion that fails perhaps, or a "
            "file that is not what its table declares; its message is not shown, as it may quote personal data"
        ) from None
