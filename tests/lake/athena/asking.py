"""Asks Athena's SQL of DuckDB, over literal rows and without a lake."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb

from firehose.lake.query.athena.catalog import Catalog, catalog
from firehose.lake.query.athena.statement import translate
from glue.schema import load
from glue.tables import table_inputs
from glue.views import view_inputs

DATABASE = "prd3292_dev1_dmnd_pipeline_parquet"


@cache
def glue_catalog() -> Catalog:
    types = load()
    inputs = {name: formats.get("parquet") or formats["json"] for name, formats in table_inputs(types).items()}
    return catalog(inputs, view_inputs(types), DATABASE)


def rows(sql: str) -> list[tuple[Any, ...]]:
    """Return the rows that a statement answers with."""
    connection = _connection()
    connection.execute("RESET disabled_optimizers")
    for statement in translate(sql, glue_catalog()).statements:
        connection.execute(statement)
    return connection.fetchall()


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    # One a process: to open one costs more than to ask.
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def plan(sql: str) -> str:
    """Return what DuckDB makes of a statement before it runs it, as JSON."""
    *macros, statement = translate(sql, glue_catalog()).statements
    for one in macros:
        _connection().execute(one)
    return "".join(text for _, text in _connection().execute(f"EXPLAIN (FORMAT json) {statement}").fetchall())


def value(expression: str) -> Any:
    """Return what an expression is worth: value("1 + 1") -> 2."""
    ((found,),) = rows(f"SELECT {expression}")
    return found


def fails(expression: str) -> bool:
    """Say whether the query ends with an error while it runs."""
    try:
        value(expression)
    except duckdb.Error:
        return True
    return False


def each(expression: str, kinds: Sequence[str], given: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return an expression of the columns a, b, ... for each row; null where it ends with an error.

    each("a + b", ["integer", "integer"], [(1, 2), (1, None)]) -> [3, None]
    """
    names = "abcdef"[: len(kinds)]
    listed = ", ".join(
        f"({place}, {', '.join(f'CAST({literal(one)} AS {kind})' for one, kind in zip(row, kinds, strict=True))})"
        for place, row in enumerate(given)
    )
    sql = f"SELECT TRY({expression}) FROM (VALUES {listed}) AS t (place, {', '.join(names)}) ORDER BY place"
    return [found for (found,) in rows(sql)]


def literal(one: Any) -> str:
    """Return a value as Athena's SQL writes it."""
    match one:
        case None | bool():
            found = {None: "NULL", True: "true", False: "false"}[one]
        case float():
            found = f"DOUBLE '{repr(one).replace('nan', 'NaN').replace('inf', 'Infinity')}'"
        case Decimal():
            found = f"DECIMAL '{one}'"
        case datetime():
            found = f"TIMESTAMP '{one.isoformat(' ', 'milliseconds')}'"
        case date():
            found = f"DATE '{one.isoformat()}'"
        case list():
            found = f"ARRAY[{', '.join(map(literal, one))}]"
        case dict():
            found = f"MAP({literal(list(one))}, {literal(list(one.values()))})"
        case str():
            found = "'" + one.replace("'", "''") + "'"
        case _:
            found = str(one)
    return found
