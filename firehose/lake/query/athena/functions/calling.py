"""A call: its arguments are translated, a signature is chosen by their types, the SQL is filled in."""

import re
from collections.abc import Sequence

from sqlglot import exp

from firehose.lake.query.athena.casts import implicit
from firehose.lake.query.athena.expressions import translate
from firehose.lake.query.athena.functions.patterns import COMPARED, Bindings, Pattern, bind, substitute
from firehose.lake.query.athena.functions.registry import Around, Signature
from firehose.lake.query.athena.refusal import SqlError, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import TIMESTAMP, UNKNOWN, Type, holds_zone
from firehose.lake.query.athena.value import Value


def call(
    name: str, overloads: Sequence[Signature], nodes: Sequence[exp.Expr], scope: Scope, around: Around = ("(", ")")
) -> Value:
    """Return the call of the overload that takes the arguments; `around` as Signature.value has it.

    Raises:
        SqlError: none does.
    """
    values = [None if isinstance(node, exp.Lambda) else translate(node, scope) for node in nodes]
    signature, expected, bindings = _chosen(name, overloads, values)
    return signature.value(_arguments(expected, nodes, values, bindings, scope), bindings, around)


def apply(overloads: Sequence[Signature], values: Sequence[Value]) -> Value:
    """Return the call with arguments that are translated already."""
    signature, expected, bindings = _chosen(overloads[0].name, overloads, values)
    targets = [substitute(one, bindings) for one in expected]
    return signature.value([implicit(*pair).sql for pair in zip(values, targets, strict=True)], bindings)


def _chosen(
    name: str, overloads: Sequence[Signature], values: Sequence[Value | None]
) -> tuple[Signature, list[Pattern], Bindings]:
    """Return the first overload that takes the values as they are, or else implicitly converted; None is a lambda."""
    for exact in (True, False):
        for signature in overloads:
            bindings: Bindings = {}
            expected = signature.expected(len(values))
            if expected is not None and all(
                _fits(pattern, value, bindings, exact=exact) for pattern, value in zip(expected, values, strict=True)
            ):
                return signature, expected, bindings
    for value in values:
        if value is not None and any(map(_compares, overloads)):
            refuse_zones(name, value.type)
    given = ", ".join(str(value.type) if value else "a lambda" for value in values)
    takes = " or ".join(f"{name}({', '.join(map(str, one.parameters))})" for one in overloads)
    raise SqlError(f"unexpected parameters ({given}) for function {name}; expected: {takes}")


def refuse_zones(name: str, kind: Type) -> None:
    """Refuse times with a zone where DuckDB would compare their zones, too."""
    if holds_zone(kind):
        raise SqlError(f"not supported here: {name} of {kind}; cast its times to timestamp")


def _compares(signature: Signature) -> bool:
    return any(re.search(rf"\b{letter}\b", signature.written) for letter in COMPARED)


def _fits(pattern: Pattern, value: Value | None, bindings: Bindings, *, exact: bool) -> bool:
    if (pattern.name == "function") != (value is None):
        return False
    return value is None or bind(pattern, value.type, bindings, exact=exact)


def _arguments(
    expected: Sequence[Pattern],
    nodes: Sequence[exp.Expr],
    values: Sequence[Value | None],
    bindings: Bindings,
    scope: Scope,
) -> list[str]:
    return [
        lambda_sql(node, pattern, bindings, scope)
        if value is None
        else implicit(value, substitute(pattern, bindings)).sql
        for node, pattern, value in zip(nodes, expected, values, strict=True)
    ]


def lambda_sql(node: exp.Expr, pattern: Pattern, bindings: Bindings, scope: Scope) -> str:
    """Return a lambda as DuckDB writes it; the type of its body is bound."""
    *parameters, result = pattern.args
    kinds = [substitute(one, bindings) for one in parameters]
    names = parameter_names(scope, len(kinds))
    body = lambda_body(node, [Value(name, kind) for name, kind in zip(names, kinds, strict=True)], scope)
    if not bind(result, body.type, bindings, exact=False):
        raise refuse(f"TYPE_MISMATCH: the lambda must return {result}, not {body.type}", node)
    return f"lambda {', '.join(names)}: {implicit(body, substitute(result, bindings)).sql}"


def parameter_names(scope: Scope, count: int) -> list[str]:
    """Return names for the parameters of a lambda that differ from those of the lambdas around it."""
    return [f"p{len(scope.parameters) + place}" for place in range(count)]


def lambda_body(node: exp.Expr, parameters: Sequence[Value], scope: Scope) -> Value:
    """Return the body of a lambda, in which its parameters are read by the given SQL."""
    if not isinstance(node, exp.Lambda):
        raise refuse("this argument must be a lambda: x -> ...", node)
    if len(node.expressions) != len(parameters):
        raise refuse(f"the lambda takes {len(parameters)} arguments, not {len(node.expressions)}", node)
    named = zip((one.name.lower() for one in node.expressions), parameters, strict=True)
    return translate(node.this, scope.with_parameters(dict(named)))


def arguments(name: str, nodes: Sequence[exp.Expr], least: int, most: int) -> None:
    """Refuse a call with too few or too many arguments."""
    if not least <= len(nodes) <= most:
        expected = str(least) if least == most else f"{least} to {most}"
        raise SqlError(f"function {name} takes {expected} arguments, not {len(nodes)}")


def constant(node: exp.Expr, scope: Scope, what: str) -> str:
    """Return the text of a literal.

    Raises:
        SqlError: it is not a literal, and what it says decides what runs.
    """
    literal = translate(node, scope).literal
    if literal is None:
        raise refuse(f"not supported here: {what} that is not a literal", node)
    return literal


def require(value: Value, *kinds: str, name: str) -> Value:
    """Return the value if it is of one of these types, or NULL: where a time may stand, that of a timestamp.

    Raises:
        SqlError: it is not.
    """
    if value.type.name not in kinds and value.type != UNKNOWN:
        raise SqlError(f"unexpected parameters ({value.type}) for function {name}; expected: {' or '.join(kinds)}")
    return implicit(value, TIMESTAMP) if value.type == UNKNOWN and "timestamp" in kinds else value


def typed(value: Value, kind: Type) -> str:
    """Return the SQL of a value as a type that it is implicitly converted to."""
    return implicit(value, kind).sql
