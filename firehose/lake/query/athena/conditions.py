"""Operators and conditions: AND, comparisons, IN, BETWEEN, LIKE, CASE, subqueries in expressions."""

import re

from sqlglot import exp

from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.expressions import only, translate, translates
from firehose.lake.query.athena.literals import whole_number
from firehose.lake.query.athena.operators import (
    arithmetic,
    boolean,
    common_type,
    comparable,
    compared,
    concatenated,
)
from firehose.lake.query.athena.queries import subquery
from firehose.lake.query.athena.refusal import SqlError, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import BOOLEAN, INTEGERS, Type, is_number, text
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
    if isinstance(node.this, exp.Literal) and node.this.name.isdigit() and not node.this.is_string:
        return whole_number(-int(node.this.name), node)
    value = translate(node.this, scope)
    if not is_number(value.type) and not value.type.name.startswith(("interval", "unknown")):
        raise refuse(f"TYPE_MISMATCH: cannot apply operator: -{value.type}", node)
    literal = f"-{value.literal}" if is_number(value.type) and value.literal else value.literal
    # The negative of the least integer does not fit; DuckDB would take a wider type for it.
    sql = f"CAST(-{value.sql} AS {value.type.name})" if value.type.name in INTEGERS else f"(-{value.sql})"
    return Value(sql, value.type, literal)


@translates(*_COMPARISONS)
def _comparison(node: exp.Binary, scope: Scope) -> Value:
    operator = _COMPARISONS[type(node)]
    left = translate(node.this, scope)
    right = node.expression
    if isinstance(right, exp.All | exp.Any):
        return _quantified(operator, left, right.this, "ALL" if isinstance(right, exp.All) else "ANY", scope)
    if isinstance(right, exp.Anonymous) and right.expressions and isinstance(right.expressions[0], exp.Values):
        return _quantified(operator, left, right.expressions[0], "ALL" if right.name.upper() == "ALL" else "ANY", scope)
    return compared(operator, left, translate(node.expression, scope))


def _quantified(operator: str, left: Value, rows: exp.Expr, word: str, scope: Scope) -> Value:
    sql, kind = subquery(rows, scope)
    _compared_with_rows(operator, left, kind)
    target = common_type([left, Value("x", kind)], "both sides of a comparison")
    inner = implicit(Value("q.c0", kind), target)
    others = f"(SELECT {comparable(inner)} FROM ({sql}) AS q)"
    return Value(f"({comparable(implicit(left, target))} {operator} {word} {others})", BOOLEAN)


def _compared_with_rows(operator: str, left: Value, kind: Type) -> None:
    """Refuse a comparison with the rows of a subquery if one with a value of their type is not there."""
    compared(operator, left, Value("x", kind))
    if kind.elements:
        raise SqlError(f"not supported here: {operator} of a {kind} and the rows of a subquery; compare the elements")


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
    query = node.args.get("query") or next((one for one in node.expressions if isinstance(one, exp.Values)), None)
    if query:
        sql, kind = subquery(query, scope)
        _compared_with_rows("=", value, kind)
        target = common_type([value, Value("x", kind)], "both sides of IN")
        inner = comparable(implicit(Value("q.c0", kind), target))
        return Value(f"({comparable(implicit(value, target))} IN (SELECT {inner} FROM ({sql}) AS q))", BOOLEAN)
    if not node.expressions:
        raise refuse("syntax error: IN needs a value", node)
    choices = [translate(one, scope) for one in node.expressions]
    equal = [compared("=", value, choice) for choice in choices]
    target = common_type([value, *choices], "values of IN")
    if target.elements or target.name in ("double", "real"):  # whose equality is not DuckDB's
        return Value(f"({' OR '.join(one.sql for one in equal)})", BOOLEAN)
    listed = ", ".join(comparable(implicit(choice, target)) for choice in choices)
    return Value(f"({comparable(implicit(value, target))} IN ({listed}))", BOOLEAN)


@translates(exp.Exists)
def _exists(node: exp.Exists, scope: Scope) -> Value:
    only(node, "this")
    return Value(f"EXISTS ({subquery(node.this, scope, columns=None)[0]})", BOOLEAN)


@translates(exp.Subquery, exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Values)
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
    escape = translate(node.expression, scope).literal or ""
    if len(escape) != 1:
        raise refuse("escape string must be a single character", node.expression)
    pattern = translate(node.this.expression, scope).literal or ""
    if re.search(rf"{re.escape(escape)}(?![%_]|{re.escape(escape)})", re.sub(re.escape(escape) * 2, "", pattern)):
        raise refuse("escape character must be followed by '%', '_' or the escape character itself", node.expression)
    return _matched(node.this, scope, f" ESCAPE {text(escape)}")


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
