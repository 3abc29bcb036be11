"""Functions of any type: choices between values, TRY, typeof, rows."""

from collections.abc import Sequence
from functools import partial

from sqlglot import exp

from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.expressions import attempted, translate
from firehose.lake.query.athena.functions.calling import arguments
from firehose.lake.query.athena.functions.registry import special
from firehose.lake.query.athena.literals import row_of
from firehose.lake.query.athena.operators import boolean, common_type, compared
from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import VARCHAR, Type
from firehose.lake.query.athena.value import Value, string


@special("if")
def _if(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("if", nodes, 2, 3)
    condition = boolean(translate(nodes[0], scope), "IF")
    results = [translate(one, scope) for one in nodes[1:]]
    kind = common_type(results, "results of IF")
    otherwise = implicit(results[1], kind).sql if len(results) > 1 else "NULL"
    return Value(f"CASE WHEN {condition} THEN {implicit(results[0], kind).sql} ELSE {otherwise} END", kind)


@special("coalesce")
def _coalesce(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    values, kind = _of_one_type("coalesce", nodes, scope)
    return Value(f"coalesce({', '.join(values)})", kind)


def _extreme(name: str, nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    """Return greatest or least: null where one argument is null."""
    values, kind = _of_one_type(name, nodes, scope)
    if kind.elements or kind.name in ("json", "boolean"):
        raise SqlError(f"unexpected parameters ({kind}) for function {name}")
    missing = " OR ".join(f"{one} IS NULL" for one in values)
    return Value(f"CASE WHEN {missing} THEN NULL ELSE {name}({', '.join(values)}) END", kind)


for _name in ("greatest", "least"):
    special(_name)(partial(_extreme, _name))


def _of_one_type(name: str, nodes: Sequence[exp.Expr], scope: Scope) -> tuple[list[str], Type]:
    values = [translate(one, scope) for one in nodes]
    if not values:
        raise SqlError(f"function {name} takes arguments")
    kind = common_type(values, f"arguments of {name}")
    return [implicit(value, kind).sql for value in values], kind


@special("nullif")
def _nullif(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("nullif", nodes, 2, 2)
    first, second = (translate(one, scope) for one in nodes)
    return Value(f"CASE WHEN {compared('=', first, second).sql} THEN NULL ELSE {first.sql} END", first.type)


@special("try")
def _try(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("try", nodes, 1, 1)
    return attempted(partial(translate, nodes[0]), scope)


@special("typeof")
def _typeof(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    arguments("typeof", nodes, 1, 1)
    return Value(string(str(translate(nodes[0], scope).type)).sql, VARCHAR)


@special("row")
def _row(nodes: Sequence[exp.Expr], scope: Scope) -> Value:
    return row_of([translate(one, scope) for one in nodes])
