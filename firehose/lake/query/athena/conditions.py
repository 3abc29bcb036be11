"""Operators and conditions: AND, comparisons, IN, BETWEEN, LIKE, CASE, subqueries in expressions."""

from sqlglot import exp

from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.expressions import only, translate, translates
from firehose.lake.query.athena.operators import (
    arithmetic,
    boolean,
    common_type,
    comparable,
    compared,
    concatenated,
)
from firehose.lake.query.athena.queries import subquery
from firehose.lake.query.athena.refusal import refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BOOLEAN, is_number
from firehose.lake.query.athena.value import Value

_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}


@translates(*_ARITHMETIC)
def _arithmetic(node: exp.Binary, scope: Scope) -> Value:
    return arithmetic(_ARITHMETIC[type(node)], translate(node.this, scope), translate(node.expression, scope))


@translates(exp.Neg)
def _negated(node: exp.Neg, scope: Scope) -> Value:
    value = translate(node.this, scope)
    if not is_number(value.type) and not value.type.name.startswith("interval"):
        raise refuse(f"TYPE_MISMATCH: cannot apply operator: -{value.type}", node)
    literal = f"-{value.literal}" if is_number(value.type) and value.literal else value.literal
    return Value(f"(-{value.sql})", value.type, literal)


@translates(*_COMPARISONS)
def _comparison(node: exp.Binary, scope: Scope) -> Value:
    operator = _COMPARISONS[type(node)]
    left = translate(node.this, scope)
    if isinstance(node.expression, exp.All | exp.Any):
        return _quantified(operator, left, node.expression, scope)
    return compared(operator, left, translate(node.expression, scope))


def _quantified(operator: str, left: Value, quantified: exp.Expr, scope: Scope) -> Value:
    sql, kind = subquery(quantified.this, scope)
    compared(operator, left, Value("x", kind))
    target = common_type([left, Value("x", kind)], "both sides of a comparison")
    word = "ALL" if isinstance(quantified, exp.All) else "ANY"
    inner = implicit(Value("q.c0", kind), target)
    others = f"(SELECT {comparable(inner)} FROM ({sql}) AS q)"
    return Value(f"({comparable(implicit(left, target))} {operator} {word} {others})", BOOLEAN)


@translates(exp.And, exp.Or)
def _connected(node: exp.Connector, scope: Scope) -> Value:
    word = "AND" if isinstance(node, exp.And) else "OR"
    sides = [boolean(translate(one, scope), word) for one in (node.this, node.expression)]
    return Value(f"({sides[0]} {word} {sides[1]})", BOOLEAN)


@translates(exp.Not)
def _not(node: exp.Not, scope: Scope) -> Value:
    return Value(f"(NOT {boolean(translate(node.this, scope), 'NOT')})", BOOLEAN)


@translates(exp.Is)
def _is(node: exp.Is, scope: Scope) -> Value:
    if not isinstance(node.expression, exp.Null):
        raise refuse("syntax error: Athena has IS NULL and IS NOT NULL only", node)
    return Value(f"({translate(node.this, scope).sql} IS NULL)", BOOLEAN)


@translates(exp.Between)
def _between(node: exp.Between, scope: Scope) -> Value:
    only(node, "this", "low", "high")
    value = translate(node.this, scope)
    low = compared(">=", value, translate(node.args["low"], scope))
    high = compared("<=", value, translate(node.args["high"], scope))
    return Value(f"({low.sql} AND {high.sql})", BOOLEAN)


@translates(exp.In)
def _in(node: exp.In, scope: Scope) -> Value:
    only(node, "this", "expressions", "query")
    value = translate(node.this, scope)
    if node.args.get("query"):
        sql, kind = subquery(node.args["query"], scope)
        compared("=", value, Value("x", kind))
        target = common_type([value, Value("x", kind)], "both sides of IN")
        inner = comparable(implicit(Value("q.c0", kind), target))
        return Value(f"({comparable(implicit(value, target))} IN (SELECT {inner} FROM ({sql}) AS q))", BOOLEAN)
    choices = [translate(one, scope) for one in node.expressions]
    for choice in choices:
        compared("=", value, choice)
    target = common_type([value, *choices], "values of IN")
    listed = ", ".join(comparable(implicit(choice, target)) for choice in choices)
    return Value(f"({comparable(implicit(value, target))} IN ({listed}))", BOOLEAN)


@translates(exp.Exists)
def _exists(node: exp.Exists, scope: Scope) -> Value:
    only(node, "this")
    return Value(f"EXISTS ({subquery(node.this, scope, columns=None)[0]})", BOOLEAN)


@translates(exp.Subquery, exp.Select, exp.Union, exp.Except, exp.Intersect)
def _scalar_subquery(node: exp.Expr, scope: Scope) -> Value:
    sql, kind = subquery(node, scope)
    return Value(f"({sql})", kind)


@translates(exp.Like)
def _like(node: exp.Like, scope: Scope) -> Value:
    return _matched(node, scope, "")


@translates(exp.Escape)
def _escape(node: exp.Escape, scope: Scope) -> Value:
    if not isinstance(node.this, exp.Like):
        raise refuse("not supported here: ESCAPE", node)
    return _matched(node.this, scope, f" ESCAPE {translate(node.expression, scope).sql}")


def _matched(node: exp.Like, scope: Scope, escape: str) -> Value:
    only(node, "this", "expression", "negate")
    sides = [translate(one, scope) for one in (node.this, node.expression)]
    for side in sides:
        if side.type.name not in ("varchar", "unknown"):
            raise refuse(f"TYPE_MISMATCH: LIKE takes a varchar, not {side.type}", node)
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    return Value(f"({sides[0].sql} {word} {sides[1].sql}{escape})", BOOLEAN)


@translates(exp.DPipe)
def _concatenated(node: exp.DPipe, scope: Scope) -> Value:
    return concatenated(translate(node.this, scope), translate(node.expression, scope))


@translates(exp.Case)
def _case(node: exp.Case, scope: Scope) -> Value:
    only(node, "this", "ifs", "default")
    subject = translate(node.this, scope) if node.this else None
    conditions = []
    for one in node.args["ifs"]:
        condition = translate(one.this, scope)
        conditions.append(compared("=", subject, condition).sql if subject else boolean(condition, "CASE WHEN"))
    results = [translate(one.args["true"], scope) for one in node.args["ifs"]]
    if node.args.get("default"):
        results.append(translate(node.args["default"], scope))
    kind = common_type(results, "results of CASE")
    sqls = [implicit(result, kind).sql for result in results]
    branches = " ".join(f"WHEN {one} THEN {sql}" for one, sql in zip(conditions, sqls, strict=False))
    otherwise = f" ELSE {sqls[-1]}" if len(sqls) > len(conditions) else ""
    return Value(f"CASE {branches}{otherwise} END", kind)
