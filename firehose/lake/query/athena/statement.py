"""A statement of Athena's, translated into the statements that DuckDB runs."""

from firehose.lake.query.athena import calls, conditions, literals, names, select
from firehose.lake.query.athena.casts import as_text
from firehose.lake.query.athena.catalog import Catalog
from firehose.lake.query.athena.information_schema import shown, table_of_partitions
from firehose.lake.query.athena.macros import definitions
from firehose.lake.query.athena.parse import parse
from firehose.lake.query.athena.queries import query
from firehose.lake.query.athena.refusal import SqlError, located
from firehose.lake.query.athena.relations import Query
from firehose.lake.query.athena.scope import Scope, Statement
from firehose.lake.query.athena.types import DAY_TO_SECOND, TIMESTAMP_TZ, YEAR_TO_MONTH, Type, quoted
from firehose.lake.query.translation import Translation
from firehose.local.user_error import UserError

# These translate nodes by being imported.
TRANSLATORS = (calls, conditions, literals, names, select)


def translate(sql: str, catalog: Catalog) -> Translation:
    """Return what DuckDB runs for a statement of Athena's over the tables and views of a catalog.

    "SELECT 7 / 2" -> SELECT q.c0 AS "_col0" FROM (SELECT CAST(7 // 2 AS INTEGER) AS c0) AS q

    Raises:
        UserError: it is not Athena's SQL, or it cannot mean the same here; with the line and a caret.
    """
    try:
        answer = shown(sql, catalog)
        if answer is not None:
            table = table_of_partitions(sql, catalog)
            return Translation([answer], frozenset([table] if table else []), wants_path=False)
        statement = Statement(catalog)
        found = _result(query(parse(sql), Scope(statement)))
    except SqlError as refused:
        raise located(refused, sql) from None
    except RecursionError:
        raise UserError("not supported here: SQL nested as deep as this") from None
    views = _views(statement)
    return Translation(
        [*definitions("\n".join([found, *views])), *views, found],
        frozenset(statement.tables),
        statement.wants_path,
        statement.versions,
    )


def _views(statement: Statement) -> list[str]:
    """Return CREATE VIEW for the views that are read; what they read is added to the statement's tables."""
    created = []
    for name in sorted(statement.tables):
        view_sql = statement.catalog.tables[name].view_sql
        if view_sql is not None:
            found = query(parse(view_sql), Scope(statement))
            columns = ", ".join(
                f"q.c{place} AS {quoted(column or '')}" for place, (column, _) in enumerate(found.columns)
            )
            created.append(f"CREATE VIEW {quoted(name)} AS SELECT {columns} FROM ({found.sql}) AS q")
    return created


def _result(found: Query) -> str:
    """Return the query under the names that Athena gives its columns, its values as they are shown."""
    selected = (
        f"{_shown(f'q.c{place}', kind)} AS {quoted(name or f'_col{place}')}"
        for place, (name, kind) in enumerate(found.columns)
    )
    return f"SELECT {', '.join(selected)} FROM ({found.sql}) AS q"


def _shown(sql: str, kind: Type) -> str:
    """Return a value as a client gets it: what DuckDB has no type for is text, as Athena prints it."""
    if kind.name in (TIMESTAMP_TZ, DAY_TO_SECOND, YEAR_TO_MONTH):
        return as_text(sql, kind)
    if kind.name == "varbinary":
        return f"array_to_string(regexp_extract_all(lower(hex({sql})), '..'), ' ')"
    if kind.name == "array":
        name = f"s{sql.count('lambda')}"
        inner = _shown(name, kind.elements[0])
        return sql if inner == name else f"list_transform({sql}, lambda {name}: {inner})"
    if kind.name == "row" and any(_shown("x", one) != "x" for one in kind.elements):
        pairs = zip(kind.names, kind.elements, strict=True)
        fields = ", ".join(
            f"{quoted(name)} := {_shown(f'struct_extract({sql}, {name!r})', one)}" for name, one in pairs
        )
        return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({fields}) END"
    return sql
