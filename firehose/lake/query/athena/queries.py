"""Queries: SELECT, set operations, VALUES and WITH, each as SQL whose columns are called c0, c1, ..."""

from sqlglot import exp

from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.expressions import form, only, translate
from firehose.lake.query.athena.operators import common_type, once
from firehose.lake.query.athena.ordering import limits, order_by
from firehose.lake.query.athena.refusal import SqlError, refuse
from firehose.lake.query.athena.relations import Query
from firehose.lake.query.athena.scope import NamedQuery, Scope
from firehose.lake.query.athena.select import select
from firehose.lake.query.athena.types import UNKNOWN, Type, holds_zone
from firehose.lake.query.athena.value import Value

_SET_OPERATIONS: dict[type[exp.Expr], str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}


def query(node: exp.Expr, outer: Scope) -> Query:
    """Return the translation of a query within the scope around it.

    Raises:
        SqlError: it is not Athena's SQL, or it cannot mean the same here.
    """
    scope = outer.inner()
    named = _with(node, scope)
    if isinstance(node, exp.Select):
        found = select(node, scope, query)
    elif type(node) in _SET_OPERATIONS and isinstance(node, exp.SetOperation):
        found = _set_operation(node, scope)
    elif isinstance(node, exp.Values):
        found = _values(node, scope)
    elif isinstance(node, exp.Subquery):
        found = _subquery(node, scope)
    else:
        raise refuse(f"not supported here: {form(node)}; only queries are", node)
    return Query(named + found.sql, found.columns)


def _with(node: exp.Expr, scope: Scope) -> str:
    clause = node.args.get("with_")
    if clause is None:
        return ""
    if clause.args.get("recursive"):
        raise refuse("not supported here: WITH RECURSIVE, which Athena ends after ten steps", clause)
    definitions = []
    for one in clause.expressions:
        only(one, "this", "alias")
        inner = query(one.this, scope)
        given = [column.name.lower() for column in one.args["alias"].args.get("columns") or []]
        if given and len(given) != len(inner.columns):
            raise refuse(
                f"column alias list has {len(given)} entries but the query has {len(inner.columns)} columns", one
            )
        names = given or [name for name, _ in inner.columns]
        kinds = [kind for _, kind in inner.columns]
        sql_name = scope.statement.alias("w")
        scope.queries[one.alias.lower()] = NamedQuery(sql_name, tuple(zip(names, kinds, strict=True)))
        definitions.append(f"{sql_name} AS ({inner.sql})")
    return f"WITH {', '.join(definitions)} "


def _subquery(node: exp.Subquery, scope: Scope) -> Query:
    only(node, "this", "alias", "order", "limit", "offset", "with_")
    inner = query(node.this, scope)
    return _ended(inner.sql, inner.columns, node, scope)


def _set_operation(node: exp.SetOperation, scope: Scope) -> Query:
    only(node, "this", "expression", "distinct", "order", "limit", "offset", "with_")
    left, right = query(node.this, scope), query(node.expression, scope)
    word = _SET_OPERATIONS[type(node)]
    if len(left.columns) != len(right.columns):
        raise refuse(f"{word} query has different number of fields: {len(left.columns)}, {len(right.columns)}", node)
    pairs = zip(left.columns, right.columns, strict=True)
    kinds = [_column_type(place, one, other, word) for place, ((_, one), (_, other)) in enumerate(pairs, 1)]
    columns = tuple((name, kind) for (name, _), kind in zip(left.columns, kinds, strict=True))
    zoned = any(map(holds_zone, kinds))
    if zoned and word != "UNION":
        raise refuse(f"not supported here: {word} of times with a zone; cast them to timestamp", node)
    every = "" if node.args.get("distinct") and not zoned else " ALL"
    sides = f"{_as_types(left, kinds)} {word}{every} {_as_types(right, kinds)}"
    if zoned and node.args.get("distinct"):
        rows = [Value(f"d.c{place}", kind) for place, kind in enumerate(kinds)]
        sides = f"SELECT {once(rows)}{', '.join(one.sql for one in rows)} FROM ({sides}) AS d"
    return _ended(sides, columns, node, scope)


def _column_type(place: int, one: Type, other: Type, word: str) -> Type:
    try:
        return common_type([Value("", one), Value("", other)], word)
    except SqlError:
        raise SqlError(
            f"TYPE_MISMATCH: column {place} in {word} query has incompatible types: {one}, {other}"
        ) from None


def _as_types(found: Query, kinds: list[Type]) -> str:
    columns = zip(found.columns, kinds, strict=True)
    cast = (implicit(Value(f"s.c{place}", kind), target).sql for place, ((_, kind), target) in enumerate(columns))
    selected = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(cast))
    return f"SELECT {selected} FROM ({found.sql}) AS s"


def _ended(sql: str, columns: tuple[tuple[str | None, Type], ...], node: exp.Expr, scope: Scope) -> Query:
    """Return the query with the ORDER BY and LIMIT that stand behind a set operation or parentheses."""
    outputs = [Value(f"o.c{place}", kind) for place, (_, kind) in enumerate(columns)]
    names = [name for name, _ in columns]
    ordered = order_by(node.args.get("order"), outputs, names, scope, is_distinct=False)
    ending = ordered + limits(node)
    if not ending:
        return Query(sql, columns)
    selected = ", ".join(f"o.c{place}" for place in range(len(columns)))
    return Query(f"SELECT {selected} FROM ({sql}) AS o{ending}", columns)


def _members(row: exp.Expr) -> list[exp.Expr]:
    """Return the columns of a row of VALUES, which is written (1, 2), ROW(1, 2), or 1."""
    members = row.expressions if isinstance(row, exp.Tuple) else [row]
    only_one = members[0] if len(members) == 1 else None
    return only_one.expressions if isinstance(only_one, exp.Anonymous) and only_one.name.upper() == "ROW" else members


def _values(node: exp.Values, scope: Scope) -> Query:
    only(node, "expressions", "alias", "order", "limit", "offset", "with_")
    rows = [[translate(one, scope) for one in _members(row)] for row in node.expressions]
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        raise refuse("values rows have different numbers of columns", node)
    kinds = [common_type([row[place] for row in rows], "a column of VALUES") for place in range(width)]
    listed = ", ".join(
        f"({', '.join(implicit(value, kind).sql for value, kind in zip(row, kinds, strict=True))})" for row in rows
    )
    names = ", ".join(f"c{place}" for place in range(width))
    found = f"SELECT {names} FROM (VALUES {listed}) AS v ({names})"
    return _ended(found, tuple((None, kind) for kind in kinds), node, scope)


def subquery(node: exp.Expr, scope: Scope, columns: int | None = 1) -> tuple[str, Type]:
    """Return a query that stands in an expression, and the type of its one column.

    Raises:
        SqlError: it has more columns, or stands in a lambda.
    """
    if scope.parameters:
        raise refuse("a lambda cannot contain a subquery", node)
    found = query(node, scope)
    if columns is not None and len(found.columns) != columns:
        raise refuse(f"multiple columns returned by subquery are not supported: {len(found.columns)}", node)
    return found.sql, found.columns[0][1] if found.columns else UNKNOWN
