"""information_schema.tables and .columns, SHOW and DESCRIBE: what the catalog holds, as Athena prints it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from firehose.lake.query.athena.catalog import CATALOG, Catalog, Table
from firehose.lake.query.athena.refusal import SqlError, did_you_mean, refuse
from firehose.lake.query.athena.types import BIGINT, VARCHAR, Type, quoted, text
from glue.ddl import create_table

_QUOTE = r"""["`]?"""
_QUALIFIED = rf"(?:{_QUOTE}{CATALOG}{_QUOTE}\.)?{_QUOTE}(?P<database>\w+){_QUOTE}\.{_QUOTE}(?P<table>\w+){_QUOTE}"
_TABLE = rf"(?:{_QUALIFIED}|{_QUOTE}(?P<name>\w+){_QUOTE})"
_WITHIN = rf"(?:\s+(?:IN|FROM)\s+{_QUOTE}(?P<within>\w+){_QUOTE})?"
_LIKE = r"(?:\s+LIKE)?\s*(?:'(?P<pattern>[^']*)')?"
_FORMS = {
    form: re.compile(pattern, re.IGNORECASE)
    for form, pattern in {
        "tables": rf"SHOW\s+TABLES{_WITHIN}{_LIKE}",
        "views": rf"SHOW\s+VIEWS{_WITHIN}{_LIKE}",
        "databases": rf"SHOW\s+(?:DATABASES|SCHEMAS){_LIKE}",
        "columns": rf"SHOW\s+COLUMNS\s+(?:FROM|IN)\s+{_TABLE}{_WITHIN}",
        "partitions": rf"SHOW\s+PARTITIONS\s+{_TABLE}",
        "create": rf"SHOW\s+CREATE\s+(?:TABLE|VIEW)\s+{_TABLE}",
        "describe": rf"(?:DESCRIBE|DESC)\s+(?:(?:EXTENDED|FORMATTED)\s+)?{_TABLE}",
    }.items()
}
_COLUMNS = ("table_catalog", "table_schema", "table_name")


def relation(name: str, catalog: Catalog, node: Any) -> tuple[str, list[tuple[str | None, Type]]]:
    """Return a table of information_schema as a query with its columns.

    Raises:
        SqlError: one that is not there, or not here.
    """
    if name == "tables":
        kinds = {False: "BASE TABLE", True: "VIEW"}
        rows: list[tuple[Any, ...]] = [
            (table.name, kinds[table.view_sql is not None]) for table in catalog.tables.values()
        ]
        return _rows([(CATALOG, catalog.database, *row) for row in rows], [*_COLUMNS, "table_type"], {})
    if name == "columns":
        names = [*_COLUMNS, "column_name", "ordinal_position", "column_default", "is_nullable", "data_type"]
        names += ["comment", "extra_info"]
        found = [row for table in catalog.tables.values() for row in _column_rows(table, catalog.database)]
        return _rows(found, names, {"ordinal_position": BIGINT})
    if name == "schemata":
        return _rows([(CATALOG, catalog.database)], ["catalog_name", "schema_name"], {})
    raise refuse(f"not supported here: information_schema.{name}; tables, columns and schemata are", node)


def _column_rows(table: Table, database: str) -> Iterable[tuple[Any, ...]]:
    for place, column in enumerate(table.columns, 1):
        key = "partition key" if column.is_partition else None
        yield (
            CATALOG,
            database,
            table.name,
            column.name,
            place,
            None,
            "YES",
            str(column.type),
            column.comment or None,
            key,
        )


def _rows(
    rows: Sequence[Sequence[Any]], names: Sequence[str], types: dict[str, Type]
) -> tuple[str, list[tuple[str | None, Type]]]:
    columns: list[tuple[str | None, Type]] = [(name, types.get(name, VARCHAR)) for name in names]
    return _values(rows, [f"c{place}" for place in range(len(names))]), columns


def _values(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> str:
    listed = ", ".join(f"({', '.join(map(_constant, row))})" for row in rows)
    if not rows:
        return f"SELECT {', '.join(f'CAST(NULL AS VARCHAR) AS {quoted(name)}' for name in names)} WHERE false"
    return f"SELECT * FROM (VALUES {listed}) AS v ({', '.join(map(quoted, names))})"


def _constant(value: Any) -> str:
    if value is None:
        return "CAST(NULL AS VARCHAR)"
    return text(value) if isinstance(value, str) else f"CAST({value} AS BIGINT)"


def shown(sql: str, catalog: Catalog) -> str | None:
    """Return the query that answers a SHOW or DESCRIBE, None if the SQL is neither.

    Raises:
        SqlError: a form that Athena does not have, a table that is not there.
    """
    statement = re.sub(r"/\*.*?\*/|--[^\n]*", " ", sql, flags=re.DOTALL).strip().rstrip(";").strip()
    if not re.match(r"(SHOW|DESCRIBE|DESC)\b", statement, re.I):
        return None
    for form, pattern in _FORMS.items():
        match = pattern.fullmatch(statement)
        if match:
            return _answer(form, match, catalog)
    words = " ".join(statement.split()[:2]).upper()
    known = "SHOW TABLES, VIEWS, DATABASES, COLUMNS, PARTITIONS, CREATE TABLE and DESCRIBE"
    raise SqlError(f"not supported here: {words}; {known} are")


def _answer(form: str, match: re.Match[str], catalog: Catalog) -> str:
    if form == "databases":
        return _values(_like([catalog.database], match["pattern"]), ["database_name"])
    if form in ("tables", "views"):
        _check_database(match["within"], catalog)
        names = [one.name for one in catalog.tables.values() if form == "tables" or one.view_sql]
        return _values(_like(sorted(names), match["pattern"]), ["tab_name" if form == "tables" else "views"])
    table = _table(match, catalog)
    if form == "columns":
        return _values([(column.name,) for column in table.columns], ["field"])
    if form == "describe":
        return _values(_description(table), ["col_name", "data_type", "comment"])
    if form == "create":
        return _values([(line,) for line in _definition(table, catalog).splitlines()], ["createtab_stmt"])
    if table.view_sql is not None:
        raise SqlError(f"'{table.name}' is a view and has no partitions")
    # The name is not qualified: the view or table that the query layer registers is.
    key = next(column.name for column in table.columns if column.is_partition)
    return f'SELECT DISTINCT {text(key + "=")} || {quoted(key)} AS "partition" FROM {quoted(table.name)} ORDER BY 1'


def table_of_partitions(sql: str, catalog: Catalog) -> str | None:
    """Return the table whose partitions are asked for, which is read as a query reads it."""
    match = _FORMS["partitions"].fullmatch(sql.strip().rstrip(";").strip())
    return _table(match, catalog).name if match else None


def _check_database(name: str | None, catalog: Catalog) -> None:
    if name and not catalog.is_database(name.lower()):
        raise SqlError(f"SCHEMA_NOT_FOUND: database '{name}' not found")


def _table(match: re.Match[str], catalog: Catalog) -> Table:
    groups = match.groupdict()
    _check_database(groups.get("database"), catalog)
    _check_database(groups.get("within"), catalog)
    name = (groups["table"] or groups["name"]).lower()
    if name not in catalog.tables:
        raise SqlError(f"TABLE_NOT_FOUND: table '{name}' does not exist{did_you_mean(name, catalog.tables)}")
    return catalog.tables[name]


def _like(names: list[str], pattern: str | None) -> list[tuple[str]]:
    """Return the names that a pattern of Hive's matches: * for any characters, | for or."""
    if pattern is None:
        return [(name,) for name in names]
    expression = "|".join(".*".join(map(re.escape, one.split("*"))) for one in pattern.split("|"))
    return [(name,) for name in names if re.fullmatch(expression, name, re.I)]


def _description(table: Table) -> list[tuple[str, str | None, str | None]]:
    """Return a line a column; the partition columns come again below a heading, as Hive prints them."""
    rows: list[tuple[str, str | None, str | None]] = [(one.name, one.hive_type, one.comment) for one in table.columns]
    keys = [row for row, one in zip(rows, table.columns, strict=True) if one.is_partition]
    if keys:
        rows += [
            ("", None, None),
            ("# Partition Information", None, None),
            ("# col_name", "data_type", "comment"),
            *keys,
        ]
    return rows


def _definition(table: Table, catalog: Catalog) -> str:
    if table.view_sql is None:
        return create_table(dict(table.definition), catalog.database).replace(" IF NOT EXISTS", "", 1).rstrip(";")
    return f"CREATE VIEW {table.name} AS\n{table.view_sql}"
