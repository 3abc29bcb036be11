"""SQL over a lake with DuckDB, with the Glue tables as tables and the views `latest_<type>` over them.

The SQL is Athena's, translated (athena/), or DuckDB's own. DuckDB itself opens no file and no connection: the tables
are handed in (tables.py).
"""

import re
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from firehose.lake.objects import Lake
from firehose.lake.opening import format_to_read, open_lake
from firehose.lake.query.athena.split import split
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.model import RecordType
from glue.schema import SCHEMAS, load
from glue.tables import TableInput, TableInputs, table_inputs
from glue.views import latest_views

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # SQL here reads the tables and nothing else; DuckDB must not fetch extensions.
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
}

# Enough for many cores, each of which needs some to work with.
_MEMORY = "2GB"

# A SELECT without one of these words reads no table, so it runs without pyarrow, whose import costs 0.1 s.
_READS_TABLES = re.compile(r"\b(from|table)\b|^\s*(?!select\b)\w", re.IGNORECASE).search

# What RE2 says of a regular expression.
_RE2 = (
    *("missing ]", "missing )", "unexpected )", "no argument for repetition operator", "bad repetition operator"),
    *("invalid perl operator", "invalid character class range", "invalid escape sequence", "trailing \\"),
)

# What DuckDB says while a query runs, and what is said of it here.
_FAILURES = {
    "Division by zero": "division by zero",
    "field value out of range": "a text cannot be cast to this type",
    "Overflow": "a number is out of the range of its type",
    "out of range": "a number is out of the range of its type",
    "Could not parse string": "a text does not have the format that it is parsed by",
    "Could not convert string": "a text cannot be cast to this type",
    "Unknown TimeZone": "time zone not supported",
    "More than one row returned by a subquery": "scalar subquery has returned multiple rows",
    "Map keys must be unique": "duplicate map keys are not allowed",
    "Map keys can not be NULL": "map key cannot be null",
    **dict.fromkeys(_RE2, "a regular expression is not valid, or of a form that only Java has"),
}

# Rows in memory at once, while a result is written.
_ROWS = 10_000

_IS_QUERY = [duckdb.ExpectedResultType.QUERY_RESULT]

# What DuckDB says when Arrow could not read a table.
_SCAN_FAILED = "reading the stream registered as"

# Errors whose text is about the SQL alone. Others may quote a value of a record (`Could not convert string ...`).
_ABOUT_THE_SQL = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.SyntaxException)


class Beside(NamedTuple):
    """What a query takes beside its lake: the lakes of some tables, and a folder for what memory does not hold.

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


@dataclass(slots=True)
class _Scan:
    """The tables that are read from files, and the errors of Avro files that a scan could not read.

    DuckDB wraps such an error in one of its own. For a Parquet file, `unreadable` searches for the file.
    """

    tables: list[Any] = field(default_factory=list)
    errors: list[UserError] = field(default_factory=list)

    def unreadable(self, error: Exception) -> UserError | None:
        """Return the error of the file that a scan could not read, or None if the query failed for another reason."""
        if self.errors or _SCAN_FAILED not in str(error):
            return next(iter(self.errors), None)
        from firehose.lake.query.tables import first_unreadable  # noqa: PLC0415 - pyarrow: 0.1 s

        return first_unreadable(self.tables)


class Result:
    """The result of a query. The query runs when the result is read: once, as rows or as Arrow's record batches."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, scan: _Scan, *, own: bool
    ) -> None:
        self._connection = connection
        self._statement = statement
        self._scan = scan
        self._own = own

    def read(self) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Run the query, and return its columns and rows. A few thousand rows are in memory at once.

        Raises, and so does the iterator:
            UserError: DuckDB refuses the query, or fails while it runs.
        """
        with self._explained():
            self._connection.execute(self._statement)
        return [str(column[0]) for column in self._connection.description or []], self._rows()

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        while True:
            with self._explained():
                rows = self._connection.fetchmany(_ROWS)
            if not rows:
                return
            yield from rows

    def batches(self) -> tuple[Any, Iterator[Any]]:
        """Run the query, and return pyarrow's schema of the result and its record batches.

        Raises, and so does the iterator:
            UserError: DuckDB refuses the query, or fails while it runs.
        """
        with self._explained():
            reader: Any = self._connection.sql(self._statement).to_arrow_reader()
        return reader.schema, self._batches(reader)

    def _batches(self, reader: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self._explained():
                batch = next(reader, None)
            if batch is None:
                return
            yield batch

    def _explained(self) -> AbstractContextManager[None]:
        return _explained(self._scan, own=self._own)


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
    scan = _Scan()
    with duckdb.connect(config=_SETTINGS | beside.settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        inputs: dict[str, TableInput] = {}
        types: dict[str, RecordType] = {}
        chosen = file_format or Format.PARQUET
        if _READS_TABLES(sql):
            chosen = file_format or format_to_read(lake)
            types = load(schemas)
            inputs = _of_format(tables or table_inputs(types), chosen)
        if dialect is Dialect.DUCKDB:
            statements, read, with_hidden = _duckdb(sql, inputs, types)
        else:
            from firehose.lake.query.athena.plan import plan  # noqa: PLC0415 - sqlglot: 0.1 s

            statements, read, with_hidden = plan(sql, inputs, types, environment, chosen)
        if inputs:
            from firehose.lake.query.tables import register_tables  # noqa: PLC0415 - pyarrow: 0.1 s

            lakes = dict.fromkeys(inputs, lake) | dict(beside.lakes)
            scan.tables = register_tables(connection, inputs, lakes, read, scan.errors.append, with_hidden=with_hidden)
        yield from _results(connection, statements, scan, own=dialect is Dialect.DUCKDB)


def _of_format(tables: Mapping[str, TableInputs], file_format: Format) -> dict[str, TableInput]:
    """Return the tables of one mode by name; the table of error documents is the same in all modes."""
    found = (formats.get(file_format) or formats["json"] for formats in tables.values())
    return {table_input["Name"]: table_input for table_input in found}


def _duckdb(
    sql: str, inputs: Mapping[str, TableInput], types: Mapping[str, RecordType]
) -> tuple[list[str], Collection[str], bool]:
    """Return DuckDB's own SQL after the views that it names, its tables, and whether it names columns like "$path"."""
    lowered = sql.lower()
    views = [f"CREATE VIEW {view} AS {text}" for view, text in latest_views(types).items() if view in lowered]
    return [*views, sql], [name for name in inputs if name in lowered], '"$' in lowered


def _results(
    connection: duckdb.DuckDBPyConnection, statements: list[str], scan: _Scan, *, own: bool
) -> Iterator[Result]:
    """Run the statements, and yield the results of the queries among them.

    `own` says that the SQL is the user's and not translated.
    """
    queries = 0
    with _explained(scan, own=own):
        parsed = [one for statement in statements for one in connection.extract_statements(statement)]
    for statement in parsed:
        if statement.expected_result_type == _IS_QUERY:
            queries += 1
            yield Result(connection, statement, scan, own=own)
        else:
            with _explained(scan, own=own):
                connection.execute(statement)
    if not queries:
        raise UserError("no query in this SQL")


@contextmanager
def _explained(scan: _Scan, *, own: bool) -> Iterator[None]:
    """Raise DuckDB's errors as a UserError, which may quote the SQL, but never a value of a row."""
    try:
        yield
    except _ABOUT_THE_SQL as error:
        said = str(error).partition("\n")[0]
        raise UserError(
            said if own else f"not supported here: DuckDB refuses what this is translated to: {said}"
        ) from None
    except RuntimeError:  # duckdb's for an interrupt while it runs
        raise KeyboardInterrupt from None
    except duckdb.PermissionException:
        raise UserError("SQL here reads the lake's tables only, no other files and settings") from None
    except duckdb.Error as error:
        raise scan.unreadable(error) or UserError(_failure(error)) from None


def _failure(error: duckdb.Error) -> str:
    """Return why a query ended while it ran, without the values that DuckDB's message quotes."""
    from firehose.lake.query.athena.macros import ERRORS  # noqa: PLC0415 - of queries that fail only

    message = str(error)
    said = next((one for one in ERRORS if f"'athena: {one}'" in message), None)
    found = said or next((says for sign, says in _FAILURES.items() if sign in message), None)
    # Arrow's errors (a file that is not Parquet, a type that does not fit) come wrapped in DuckDB's.
    return found or (
        f"{type(error).__name__}: DuckDB could not run this over the lake. Either a conversion failed, or a file "
        "is not what its table declares. DuckDB's own message is not shown: it may quote personal data"
    )
