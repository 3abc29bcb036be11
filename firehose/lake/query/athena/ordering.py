"""ORDER BY, LIMIT and OFFSET. Nulls come last in either direction, as in Trino."""

from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.expressions import only, translate
from firehose.lake.query.athena.operators import comparable
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.value import Value


def order_by(
    node: exp.Order | None, outputs: Sequence[Value], names: Sequence[str | None], scope: Scope, *, is_distinct: bool
) -> str:
    """Return ORDER BY over the columns of the SELECT list, their names, numbers, and what the scope has.

    Raises:
        SqlError: SELECT DISTINCT is ordered by something that it does not select.
    """
    if node is None:
        return ""
    only(node, "expressions")
    named = {name.lower(): value for name, value in zip(names, outputs, strict=True) if name}
    inner = scope.with_outputs(named)
    keys = []
    for one in node.expressions:
        place, sql = _key(one, outputs, inner)
        if is_distinct and place is None:
            raise refuse("for SELECT DISTINCT, ORDER BY expressions must appear in select list", one)
        keys.append(sql + direction(one))
    return f" ORDER BY {', '.join(keys)}"


def _key(node: exp.Ordered, outputs: Sequence[Value], scope: Scope) -> tuple[int | None, str]:
    """Return the place in the SELECT list that a key orders by, if there is one, and its SQL."""
    place = ordinal(node.this, len(outputs))
    if place is not None:
        value = outputs[place]
    else:
        value = translate(node.this, scope)
        found = [number for number, output in enumerate(outputs) if output.sql == value.sql]
        place = found[0] if found else None
    if place is not None and comparable(value) == value.sql:
        return place, str(place + 1)
    return place, comparable(value)


def ordinal(node: exp.Expr, width: int) -> int | None:
    """Return the column's place for a number in ORDER BY or GROUP BY; None for any other expression.

    Raises:
        SqlError: the query has fewer columns.
    """
    if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
        return None
    place = int(str(node.this))
    if not 1 <= place <= width:
        raise refuse(f"position {place} is not in select list", node)
    return place - 1


def direction(node: exp.Ordered) -> str:
    """Return the direction of a key: " DESC NULLS LAST"."""
    only(node, "this", "desc", "nulls_first")
    order = " DESC" if node.args.get("desc") else ""
    return f"{order} NULLS {'FIRST' if node.args.get('nulls_first') else 'LAST'}"


def limits(node: exp.Expr) -> str:
    """Return OFFSET and LIMIT, or FETCH FIRST."""
    sql = ""
    limit, offset = node.args.get("limit"), node.args.get("offset")
    if isinstance(limit, exp.Fetch):
        options = limit.args.get("limit_options")
        if options and (options.args.get("with_ties") or options.args.get("percent")):
            raise refuse("not supported here: FETCH FIRST WITH TIES", limit)
        count = limit.args.get("count")
        sql += f" LIMIT {_number(count) if count else 1}"
    elif limit:
        only(limit, "expression")
        every = isinstance(limit.expression, exp.Column | exp.Var | exp.All) and limit.expression.name.upper() in (
            "ALL",
            "",
        )
        sql += "" if every else f" LIMIT {_number(limit.expression)}"
    if offset:
        sql += f" OFFSET {_number(offset.expression)}"
    return sql


def _number(node: exp.Expr) -> str:
    if not isinstance(node, exp.Literal) or node.is_string or not str(node.this).isdigit():
        raise refuse("syntax error: LIMIT and OFFSET take a number", node)
    return str(node.this)
