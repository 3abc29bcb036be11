"""SQL over a lake with DuckDB, with the Glue tables as tables and the views `latest_<type>` over them.

DuckDB itself opens no file and no connection: the tables are handed in (tables.py).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from firehose.lake.opening import open_lake
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.schema import SCHEMAS, load
from glue.tables import TableInputs, table_inputs
from glue.views import latest_views

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # SQL here reads the tables and nothing else; DuckDB must not fetch extensions.
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
}
# Athena's date_diff counts whole units, DuckDB's the boundaries between them: 0.9 s to 1.1 s is 0 seconds and not 1.
_AS_IN_ATHENA = "CREATE MACRO date_diff(unit, earlier, later) AS date_sub(unit, earlier, later)"

# A SELECT without one of these words reads no table, so it runs without pyarrow, whose import costs 0.1 s.
_READS_TABLES = re.compile(r"\b(from|table)\b|^\s*(?!select\b)\w", re.IGNORECASE).search

# Errors whose text is about the SQL alone. Others may quote a value of a record (`Could not convert string ...`).
_ABOUT_THE_SQL = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.SyntaxException)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query: ["eventid", "n"], [("e1", 3)]."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def query(
    sql: str,
    lake: str,
    tables: Mapping[str, TableInputs] | None = None,
    file_format: Format | None = None,
    schemas: Path = SCHEMAS,
) -> Answer:
    """Run SQL over the lake in a folder or in `s3://bucket`.

    "SELECT count(*) AS n FROM demand", ".local/lake" -> Answer(["n"], [(1234,)])

    `tables` are those of the schemas by default. Only tables whose name is in the SQL are read. `file_format`
    chooses the files of one mode; by default they are the lake's Parquet if it has any, else its Avro.

    Raises:
        UserError: the lake does not exist, DuckDB refuses the SQL, or a file does not match its table.
    """
    opened = open_lake(lake)
    errors: list[UserError] = []
    with duckdb.connect(config=_SETTINGS) as connection:
        connection.execute(_AS_IN_ATHENA)
        if _READS_TABLES(sql):
            from firehose.lake.query.tables import register_tables  # noqa: PLC0415 - pyarrow: 0.1 s

            types = load(schemas)
            register_tables(
                connection, sql, opened, tables or table_inputs(types), latest_views(types), file_format, errors.append
            )
        return _answer(connection, sql, errors)


def _answer(connection: duckdb.DuckDBPyConnection, sql: str, errors: list[UserError]) -> Answer:
    """Run the SQL. Error messages may quote the SQL, but never a value of a row.

    `errors` are those of files that could not be read, which DuckDB wraps in errors of its own.
    """
    try:
        connection.execute(sql)
        if connection.description is None:
            raise UserError("no query in this SQL")
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
            f"{type(error).__name__}: DuckDB could not run this over the lake. Either a conversion failed, or a file "
            "is not what its table declares. DuckDB's own message is not shown: it may quote personal data"
        ) from None
