"""Expressions: each node of the syntax tree becomes the SQL that DuckDB runs and the type that Athena gives it.

A node that nothing here translates is refused by its form, and so is an argument of a node that nothing reads: sqlglot
parses more than Trino has.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from sqlglot import exp

from firehose.lake.query.athena.functions.registry import AGGREGATES
from firehose.lake.query.athena.refusal import SqlError, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.value import Value

Translator: TypeAlias = Callable[[Any, Scope], Value]

_TRANSLATORS: dict[type[exp.Expr], Translator] = {}


def translates(*kinds: type[exp.Expr]) -> Callable[[Translator], Translator]:
    """Register what translates these kinds of node."""

    def register(translator: Translator) -> Translator:
        _TRANSLATORS.update(dict.fromkeys(kinds, translator))
        return translator

    return register


def translate(node: exp.Expr, scope: Scope) -> Value:
    """Return the translation of an expression.

    Raises:
        SqlError: it is not Athena's SQL, or it cannot mean the same here.
    """
    translator = _TRANSLATORS.get(type(node))
    if translator is None:
        raise refuse(f"not supported here: {form(node)}", node)
    if scope.tried is not None and _stands_outside_try(node):
        value = translate(node, scope.within_try(None))
        name = scope.statement.alias("a")
        scope.tried[name] = value.sql
        return Value(f"struct_extract(tried_v, '{name}')", value.type)
    try:
        grouped = _grouped(node, scope)
        return grouped or translator(node, scope)
    except SqlError as refused:
        if refused.start is None:
            raise refuse(str(refused), node) from None
        raise


def attempted(build: Callable[[Scope], Value], scope: Scope) -> Value:
    """Return TRY of what `build` translates in a scope.

    DuckDB's TRY takes no aggregate, window function or subquery, and Trino's does not catch what fails in one. They are
    computed outside and handed in: TRY(sum(x) / 0) -> list_transform([{a1: sum(x)}], v -> TRY(v.a1 / 0))[1]
    """
    if scope.tried is not None:
        value = build(scope)
        return Value(f"TRY({value.sql})", value.type)
    tried: dict[str, str] = {}
    value = build(scope.within_try(tried))
    sql = f"TRY({value.sql})"
    if tried:
        members = ", ".join(f"{name} := {one}" for name, one in tried.items())
        sql = f"list_extract(list_transform([struct_pack({members})], lambda tried_v: {sql}), 1)"
    return Value(sql, value.type)


def _stands_outside_try(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in AGGREGATES
    if isinstance(node, exp.In):
        return node.args.get("query") is not None
    return isinstance(node, exp.Window | exp.Filter | exp.GroupConcat | exp.Query | exp.Exists)


def _grouped(node: exp.Expr, scope: Scope) -> Value | None:
    """Return the expression's value if it is one of those that GROUP BY names."""
    if not scope.grouped or isinstance(node, exp.Literal | exp.Query | exp.Window | exp.Filter):
        return None
    try:
        value = _TRANSLATORS[type(node)](node, scope.ungrouped())
    except SqlError:
        return None
    read = scope.grouped.get(value.sql)
    return Value(read, value.type, value.literal) if read else None


def only(node: exp.Expr, *names: str) -> None:
    """Refuse what else the node was parsed with.

    Raises:
        SqlError: by the name of the clause or argument.
    """
    for name, argument in node.args.items():
        if name not in names and argument not in (None, False, []):
            word = name.strip("_").replace("_", " ").upper()
            raise refuse(
                f"not supported here: {word} in {form(node)}", argument if isinstance(argument, exp.Expr) else node
            )


def form(node: exp.Expr) -> str:
    """Return how a form of SQL is called: MatchRecognize -> MATCH RECOGNIZE."""
    name = type(node).__name__
    return "".join(
        f" {one}" if one.isupper() and place and name[place - 1].islower() else one for place, one in enumerate(name)
    ).upper()
