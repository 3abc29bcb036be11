"""The results of DuckDB's statements, and its errors in our words: without values of records."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import duckdb

from firehose.local.user_error import UserError

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
_SCAN_FAILED = "reading the Arrow source failed"

# Errors whose text is about the SQL alone. Others may quote a value of a record (`Could not convert string ...`).
_ABOUT_THE_SQL = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.SyntaxException)


@dataclass(slots=True)
class Scan:
    """The tables that are read from files, and the errors of files that a scan of ours could not read.

    DuckDB wraps such an error in one of its own. Where Arrow's scan failed, `unreadable` searches for the file.
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
        self, connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, scan: Scan, *, own: bool
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


def results_of(
    connection: duckdb.DuckDBPyConnection, statements: list[str], scan: Scan, *, own: bool
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
def _explained(scan: Scan, *, own: bool) -> Iterator[None]:
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
