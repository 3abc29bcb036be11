"""SQL over a lake with DuckDB, with the Glue tables as tables and the views `latest_<type>` over them.

The SQL is Athena's, translated (athena/), or DuckDB's own. DuckDB itself opens no file and no connection: the tables
are handed in (tables.py).
"""

import re
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from firehose.lake.objects import Lake
from firehose.lake.opening import format_to_read, open_lake
from firehose.lake.query.athena.split import split
from firehose.lake.query.result import Result, Scan, results_of
from firehose.lake.query.translation import Translation
from glue.layout import FILE_FORMATS, Format
from glue.model import RecordType
from glue.schema import SCHEMAS, load
from glue.tables import TableInput, TableInputs, current_input, table_inputs
from glue.views import latest_views

if TYPE_CHECKING:
    from firehose.lake.query.tables import FilesOf

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # SQL here reads the tables and nothing else; DuckDB must not fetch extensions.
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
}

# Enough for many cores, each of which needs some to work with.
_MEMORY = "2GB"

# A SELECT without one of these words reads no table, so it runs without pyarrow, whose import costs 0.1 s.
_READS_TABLES = re.compile(r"\b(from|table)\b|^\s*(?!select\b)\w", re.IGNORECASE).search


class Beside(NamedTuple):
    """Resources of a query beside its lake: the lakes of some tables, and a folder to spill into.

    That folder gets rows, so it must be private. With it, DuckDB keeps within a bound of memory.
    """

    lakes: Mapping[str, Lake] = {}
    spill: Path | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """DuckDB's settings."""
        return {"temp_directory": str(self.spill), "memory_limit": _MEMORY} if self.spill else {}


_NOTHING = Beside()


class Dialect(StrEnum):
    """Whose SQL is run."""

    ATHENA = "athena"
    DUCKDB = "duckdb"


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query: ["eventid", "n"], [("e1", 3)]."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(
    sql: str,
    lake: str | Lake,
    tables: Mapping[str, TableInputs] | None = None,
    file_format: Format | None = None,
    schemas: Path = SCHEMAS,
    *,
    dialect: Dialect = Dialect.ATHENA,
    environment: str = "dev1",
    beside: Beside = _NOTHING,
) -> Answer:
    """Run SQL over the lake in a folder or in `s3://bucket`, or over one that is open.

    "SELECT count(*) AS n FROM demand", ".local/lake" -> Answer(["n"], [(1234,)])

    `tables` are those of the schemas by default. Only tables whose name is in the SQL are read. `file_format`
    chooses the files of one mode; by default they are the lake's Parquet if it has any, else its Avro. Lists of tables
    show the database of `environment`. DuckDB's own SQL may have several statements: the answer is that of the last
    one. `beside` says what a large comparison of two lakes needs.

    Raises:
        UserError: the lake does not exist, the SQL is refused, or a file does not match its table.
    """
    opened = open_lake(lake) if isinstance(lake, str) else lake
    statements = _run(
        sql, opened, tables, file_format, schemas, dialect=dialect, environment=environment, beside=beside
    )
    with closing(statements) as found:
        *_, answer = (Answer(columns, list(rows)) for columns, rows in (result.read() for result in found))
        return answer


def results(
    sql: str,
    lake: str,
    file_format: Format | None = None,
    schemas: Path = SCHEMAS,
    *,
    dialect: Dialect = Dialect.ATHENA,
    environment: str = "dev1",
) -> Generator[Result]:
    """Run the statements of SQL, and yield the result of each; read it before you ask for the next one.

    "SELECT 1; SELECT 2" -> a result of one row, and another

    Raises:
        UserError: as in query(), when a statement is reached that fails.
    """
    opened = open_lake(lake)
    for statement in split(sql) if dialect is Dialect.ATHENA else [sql]:
        yield from _run(statement, opened, None, file_format, schemas, dialect=dialect, environment=environment)


def _run(
    sql: str,
    lake: Lake,
    tables: Mapping[str, TableInputs] | None,
    file_format: Format | None,
    schemas: Path,
    *,
    dialect: Dialect,
    environment: str,
    beside: Beside = _NOTHING,
) -> Generator[Result]:
    """Run one statement in Athena's SQL, or any number in DuckDB's, and yield the results."""
    scan = Scan()
    with duckdb.connect(config=SETTINGS | beside.settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        inputs: dict[str, TableInput] = {}
        types: dict[str, RecordType] = {}
        chosen = file_format or Format.PARQUET
        if _READS_TABLES(sql):
            chosen = file_format or format_to_read(lake)
            types = load(schemas)
            inputs = _of_format(tables or table_inputs(types), chosen)
        if dialect is Dialect.DUCKDB:
            translation = own_sql(sql, inputs, types)
        else:
            from firehose.lake.query.athena.plan import plan  # noqa: PLC0415 - sqlglot: 0.1 s

            translation = plan(sql, inputs, types, environment, chosen)
        if inputs:
            from firehose.lake.query.tables import register_tables  # noqa: PLC0415 - pyarrow: 0.1 s

            lakes = dict.fromkeys(inputs, lake) | dict(beside.lakes)
            scan.tables = register_tables(
                connection,
                inputs,
                lakes,
                translation.tables,
                scan.errors.append,
                with_hidden=translation.wants_path,
                files_of=_snapshots(connection, lake, inputs, translation) if chosen not in FILE_FORMATS else None,
            )
        yield from results_of(connection, translation.statements, scan, own=dialect is Dialect.DUCKDB)


def _snapshots(
    connection: duckdb.DuckDBPyConnection, lake: Lake, inputs: Mapping[str, TableInput], translation: Translation
) -> "FilesOf":
    """Register the versions of Iceberg tables that a statement reads, and return what finds the files of the others."""
    from firehose.lake.query.iceberg_tables import IcebergTablesOfLake  # noqa: PLC0415 - PyIceberg: 0.7 s

    tables = IcebergTablesOfLake(lake)
    tables.register_versions(connection, inputs, translation.versions, with_hidden=translation.wants_path)
    return tables.files_of


def _of_format(tables: Mapping[str, TableInputs], file_format: Format) -> dict[str, TableInput]:
    """Return the tables of one mode by name; the table of error documents is the same in all modes.

    Iceberg's have the columns of Parquet's, and each type has a current table beside its history.
    """
    if file_format in FILE_FORMATS:
        found = [formats.get(file_format) or formats["json"] for formats in tables.values()]
    else:
        histories = [formats[Format.PARQUET] for formats in tables.values() if Format.PARQUET in formats]
        errors = [formats["json"] for formats in tables.values() if "json" in formats]
        found = [*errors, *histories, *map(current_input, histories)]
    return {table_input["Name"]: table_input for table_input in found}


def own_sql(sql: str, inputs: Mapping[str, TableInput], types: Mapping[str, RecordType]) -> Translation:
    """Return DuckDB's own SQL after the views that it names, its tables, and whether it names columns like "$path"."""
    lowered = sql.lower()
    views = [f"CREATE VIEW {view} AS {text}" for view, text in latest_views(types).items() if view in lowered]
    return Translation([*views, sql], frozenset(name for name in inputs if name in lowered), '"$' in lowered)
