"""SELECT: its list, GROUP BY, HAVING and DISTINCT.

An alias of the list is known to ORDER BY alone: GROUP BY and HAVING do not see it, as in Athena.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from sqlglot import exp

from firehose.lake.query.athena.aggregation import is_aggregate
from firehose.lake.query.athena.expressions import only, translate
from firehose.lake.query.athena.names import resolved
from firehose.lake.query.athena.operators import boolean, comparable, in_some_zone, once
from firehose.lake.query.athena.ordering import limits, order_by, ordinal
from firehose.lake.query.athena.refusal import SqlError, did_you_mean, refuse
from firehose.lake.query.athena.relations import Query, Translate, from_clause
from firehose.lake.query.athena.scope import Relation, Scope
from firehose.lake.query.athena.types import text
from firehose.lake.query.athena.value import Value

_CLAUSES = (
    *("with_", "distinct", "expressions", "from_", "joins", "where", "group", "having", "windows"),
    *("order", "limit", "offset"),
)
_Item = tuple[str | None, exp.Expr | Value]


def select(node: exp.Select, scope: Scope, query: Translate) -> Query:
    """Return the translation of a SELECT in the scope made for it."""
    only(node, *_CLAUSES)
    if not node.expressions:
        raise refuse("syntax error: SELECT needs something to select", node)
    source = from_clause(node, scope, query)
    where = node.args.get("where")
    condition = f" WHERE {boolean(translate(where.this, scope.without_aggregates()), 'WHERE')}" if where else ""
    items = [item for one in node.expressions for item in _items(one, scope)]
    scope.named_windows = {window.name.lower(): window for window in node.args.get("windows") or []}
    grouping, scope = _grouping(node, items, scope)
    names = [name for name, _ in items]
    values = [_value(one, scope) for _, one in items]
    having = node.args.get("having")
    if having:
        grouping += f" HAVING {boolean(translate(having.this, scope), 'HAVING')}"
    distinct = node.args.get("distinct")
    if distinct:
        only(distinct)
    ordered = order_by(node.args.get("order"), values, names, scope, is_distinct=bool(distinct))
    selected = ", ".join(f"{value.sql} AS c{place}" for place, value in enumerate(values))
    sql = f"SELECT {once(values) if distinct else ''}{selected}{source}{condition}{grouping}{ordered}{limits(node)}"
    return Query(sql, tuple((name, value.type) for name, value in zip(names, values, strict=True)))


def _value(item: exp.Expr | Value, scope: Scope) -> Value:
    if isinstance(item, Value):
        return Value((scope.grouped or {}).get(item.sql, item.sql), item.type)
    return translate(item, scope)


def _items(node: exp.Expr, scope: Scope) -> Iterator[_Item]:
    """Return what one place of the SELECT list stands for: several columns where it is a star."""
    if isinstance(node, exp.Alias):
        yield node.alias, node.this
    elif isinstance(node, exp.Star):
        only(node)
        if not scope.relations:
            raise refuse("SELECT * needs a FROM clause", node)
        yield from _columns(scope.relations)
    elif isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        only(node.this)
        called = [one for one in scope.relations if one.name == node.table.lower()]
        yield from _columns(called) if called else _fields(node, scope)
    else:
        yield _name(node), node


def _columns(relations: Iterable[Relation]) -> Iterator[_Item]:
    for relation in relations:
        for column in relation.columns:
            if not column.hidden:
                # Grouped queries check it; it is read by its own SQL, for its name may be there twice.
                yield column.name, Value(column.sql, column.type)


def _fields(node: exp.Column, scope: Scope) -> Iterator[_Item]:
    """Return the fields that row.* stands for."""
    try:
        value = resolved(node.parts[:-1], scope)
    except SqlError:
        known = [one.name for one in scope.relations if one.name]
        raise refuse(f"table '{node.table}' is not in FROM{did_you_mean(node.table, known)}", node) from None
    if value.type.name != "row":
        raise refuse(f"TYPE_MISMATCH: .* stands behind a table or a row, not a {value.type}", node)
    for name, stored, kind in zip(value.type.fields, value.type.names, value.type.elements, strict=True):
        yield name, Value(f"struct_extract({value.sql}, {text(stored)})", kind)


def _name(node: exp.Expr) -> str | None:
    """Return the name that Athena gives an expression: that of a column or a field, else none."""
    if isinstance(node, exp.Column | exp.Identifier):
        return node.name.lower()
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        return node.expression.name.lower()
    return _name(node.this) if isinstance(node, exp.Paren) else None


def _grouping(node: exp.Select, items: list[_Item], scope: Scope) -> tuple[str, Scope]:
    """Return GROUP BY, and the scope of what stands behind it."""
    group = node.args.get("group")
    nodes = [one for _, one in items if isinstance(one, exp.Expr)]
    behind = [one for one in (node.args.get("having"), node.args.get("order")) if one]
    if group is None:
        is_one = node.args.get("having") or any(map(_aggregates, chain(nodes, behind)))
        return "", scope.grouped_by({}) if is_one else scope
    only(group, "expressions", "rollup", "cube", "grouping_sets")
    found: dict[str, str] = {}
    sets = [_set(one, items, scope, found) for one in group.expressions]
    for kind in ("rollup", "cube", "grouping_sets"):
        sets += [_set(one, items, scope, found) for one in group.args.get(kind) or []]
    keys = [one for one in sets if one]
    # DuckDB takes a constant for a column's number. Without keys there is a group only where there are rows.
    sql = f" GROUP BY {', '.join(keys)}" if keys else " HAVING count(*) > 0"
    if not keys and node.args.get("having"):
        raise refuse("not supported here: HAVING where all that is grouped by is constant", group)
    inner = scope.grouped_by(found)
    for _, item in items:
        if isinstance(item, Value) and item.sql not in found:
            raise refuse("* selects columns that do not appear in GROUP BY clause", group)
    return sql, inner


def _set(node: exp.Expr, items: list[_Item], scope: Scope, found: dict[str, str]) -> str:
    if isinstance(node, exp.Rollup | exp.Cube | exp.GroupingSets):
        word = {exp.Rollup: "ROLLUP", exp.Cube: "CUBE", exp.GroupingSets: "GROUPING SETS"}[type(node)]
        return f"{word} ({', '.join(_set(one, items, scope, found) or '()' for one in node.expressions)})"
    if isinstance(node, exp.Tuple | exp.Paren) and isinstance(node.parent, exp.Rollup | exp.Cube | exp.GroupingSets):
        members = node.expressions if isinstance(node, exp.Tuple) else [node.this]
        return f"({', '.join(_set(one, items, scope, found) for one in members)})"
    place = ordinal(node, len(items))
    item = items[place][1] if place is not None else node
    value = item if isinstance(item, Value) else translate(item, scope.without_aggregates())
    key = comparable(value)
    found[value.sql] = key if key == value.sql else in_some_zone(value)
    return "" if value.literal is not None or value.sql in ("true", "false", "NULL") else key


def _aggregates(node: exp.Expr) -> bool:
    """Say whether an expression aggregates rows, itself and not in a subquery or over a window."""
    if isinstance(node, exp.Query):
        return False
    if is_aggregate(node) and not _is_windowed(node):
        return True
    return any(_aggregates(child) for child in node.iter_expressions())


def _is_windowed(node: exp.Expr) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Filter | exp.IgnoreNulls | exp.RespectNulls):
        parent = parent.parent
    return isinstance(parent, exp.Window)
