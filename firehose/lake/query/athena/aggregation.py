"""Aggregates with DISTINCT, ORDER BY and FILTER, and window functions."""

from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.expressions import form, only, translate, translates
from firehose.lake.query.athena.functions import aggregates
from firehose.lake.query.athena.functions.calling import call, refuse_zones
from firehose.lake.query.athena.functions.registry import AGGREGATES, WINDOW_FUNCTIONS
from firehose.lake.query.athena.operators import boolean, comparable
from firehose.lake.query.athena.ordering import direction
from firehose.lake.query.athena.refusal import did_you_mean, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import VARCHAR
from firehose.lake.query.athena.value import Value

FAMILY = aggregates  # registers its functions by being imported


def name_of(node: exp.Expr) -> str | None:
    """Return the name of the function that a node calls, or None if the node is not a call."""
    if isinstance(node, exp.GroupConcat):
        return "listagg"
    return node.name.lower() if isinstance(node, exp.Anonymous) else None


def is_aggregate(node: exp.Expr) -> bool:
    """Say whether a node is the call of an aggregate."""
    return name_of(node) in (*AGGREGATES, "listagg")


def aggregate(node: exp.Expr, scope: Scope, condition: str = "", over: str = "", nulls: str = "") -> Value:
    """Return the call of an aggregate or a window function, FILTER and OVER put behind its arguments."""
    name = name_of(node) or ""
    if not scope.aggregates:
        raise refuse(f"cannot nest or use here the aggregate or window function {name}", node)
    # Over a window, the arguments are of the grouped rows; an aggregate's own are of the rows themselves.
    inner = scope if over else scope.ungrouped()
    if isinstance(node, exp.GroupConcat):
        return _listagg(node, inner, condition + over)
    distinct, nodes, order = _pulled_apart(node.expressions)
    if over and (distinct or order):
        raise refuse(
            f"{'DISTINCT' if distinct else 'ORDER BY'} in the arguments of a window function is not supported", node
        )
    if distinct and name != "count":
        for one in nodes:
            refuse_zones(name, translate(one, inner).type)
    overloads = AGGREGATES.get(name) or WINDOW_FUNCTIONS[name]
    if len(nodes) == 1 and isinstance(nodes[0], exp.Star):
        only(nodes[0])
        nodes = []
    keys = f" ORDER BY {', '.join(_key(one, inner) for one in order.expressions)}" if order else ""
    around = ("(DISTINCT " if distinct else "(", f"{keys}{nulls}){condition}{over}")
    return call(name, overloads, nodes, inner, around)


def _pulled_apart(nodes: Sequence[exp.Expr]) -> tuple[bool, list[exp.Expr], exp.Order | None]:
    """Return whether DISTINCT stands before the arguments, the arguments, and the ORDER BY behind them."""
    found = list(nodes)
    order = found[-1] if found and isinstance(found[-1], exp.Order) else None
    if order is not None and order.this is not None:
        found[-1] = order.this
    if found and isinstance(found[0], exp.Distinct):
        only(found[0], "expressions")
        last = found[0].expressions[-1] if found[0].expressions else None
        if isinstance(last, exp.Order):
            return True, [*found[0].expressions[:-1], last.this], last
        return True, list(found[0].expressions), order
    return False, found, order


def _key(node: exp.Expr, scope: Scope) -> str:
    if not isinstance(node, exp.Ordered):
        return comparable(translate(node, scope))
    return comparable(translate(node.this, scope)) + direction(node)


def _listagg(node: exp.GroupConcat, scope: Scope, behind: str) -> Value:
    only(node, "this", "separator")
    order = node.this
    if not isinstance(order, exp.Order):
        raise refuse("syntax error: listagg needs WITHIN GROUP (ORDER BY ...)", node)
    source = order.this
    distinct = isinstance(source, exp.Distinct)
    (argument,) = source.expressions if distinct else [source]
    value = translate(argument, scope)
    if value.type.name not in ("varchar", "unknown"):
        raise refuse(f"unexpected parameters ({value.type}) for function listagg; expected: varchar", node)
    separator = translate(node.args["separator"], scope).sql if node.args.get("separator") else "''"
    keys = f" ORDER BY {', '.join(_key(one, scope) for one in order.expressions)}"
    return Value(f"string_agg({'DISTINCT ' if distinct else ''}{value.sql}, {separator}{keys}){behind}", VARCHAR)


@translates(exp.GroupConcat)
def _listagg_call(node: exp.GroupConcat, scope: Scope) -> Value:
    return aggregate(node, scope)


@translates(exp.Filter)
def _filter(node: exp.Filter, scope: Scope) -> Value:
    return aggregate(_aggregate_node(node), scope, _condition(node, scope.ungrouped()))


def _condition(node: exp.Filter, scope: Scope) -> str:
    return f" FILTER (WHERE {boolean(translate(node.expression.this, scope), 'FILTER')})"


def _aggregate_node(node: exp.Filter) -> exp.Expr:
    function: exp.Expr = node.this
    if not is_aggregate(function):
        raise refuse("FILTER stands behind an aggregate only", node)
    return function


@translates(exp.Window)
def _window(node: exp.Window, scope: Scope) -> Value:
    only(node, "this", "partition_by", "order", "spec", "alias", "over")
    function, condition, nulls = node.this, "", ""
    if isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
        nulls = " IGNORE NULLS" if isinstance(function, exp.IgnoreNulls) else ""
        function = function.this
    if isinstance(function, exp.Filter):
        condition, function = _condition(function, scope), _aggregate_node(function)
    name = name_of(function)
    if name is None or not (is_aggregate(function) or name in WINDOW_FUNCTIONS):
        raise refuse(f"'{name or form(function)}' is neither an aggregate nor a window function", node)
    if nulls and name not in WINDOW_FUNCTIONS:
        raise refuse(f"cannot specify null treatment clause for {name} function", node)
    return aggregate(function, scope, condition, f" OVER ({_frame(node, scope)})", nulls)


def _frame(node: exp.Window, scope: Scope) -> str:
    """Return what stands in OVER ( ), that of a WINDOW clause included."""
    parts = []
    named = node.args.get("alias")
    if named is not None:
        window = scope.named_windows.get(named.name.lower())
        if window is None:
            raise refuse(
                f"cannot resolve WINDOW name {named.name}{did_you_mean(named.name, scope.named_windows)}", node
            )
        parts.append(_frame(window, scope))
    if node.args.get("partition_by"):
        keys = (comparable(translate(one, scope)) for one in node.args["partition_by"])
        parts.append(f"PARTITION BY {', '.join(keys)}")
    if node.args.get("order"):
        parts.append(f"ORDER BY {', '.join(_key(one, scope) for one in node.args['order'].expressions)}")
    if node.args.get("spec"):
        parts.append(_bounds(node.args["spec"], scope))
    return " ".join(one for one in parts if one)


def _bounds(spec: exp.Expr, scope: Scope) -> str:
    only(spec, "kind", "start", "start_side", "end", "end_side")
    ends = [_bound(spec, "start", scope), _bound(spec, "end", scope) if spec.args.get("end") else "CURRENT ROW"]
    return f"{spec.args['kind']} BETWEEN {ends[0]} AND {ends[1]}"


def _bound(spec: exp.Expr, end: str, scope: Scope) -> str:
    value, side = spec.args[end], spec.args.get(f"{end}_side") or ""
    written = translate(value, scope).sql if isinstance(value, exp.Expr) else str(value)
    return f"{written} {side}".strip()
