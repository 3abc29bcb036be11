"""Calls of functions, each by its family in functions/. One that no family knows is refused by name."""

from sqlglot import exp

from firehose.lake.query.athena.aggregation import aggregate
from firehose.lake.query.athena.expressions import form, translates
from firehose.lake.query.athena.functions import (
    arrays,
    conditionals,
    documents,
    maps,
    numbers,
    printing,
    regexes,
    texts,
    time_texts,
    times,
)
from firehose.lake.query.athena.functions.calling import call
from firehose.lake.query.athena.functions.registry import AGGREGATES, SCALARS, SPECIALS, WINDOW_FUNCTIONS, known
from firehose.lake.query.athena.refusal import SqlError, did_you_mean, refuse
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.value import Value

# These register their functions by being imported.
FAMILIES = (arrays, conditionals, documents, maps, numbers, printing, regexes, texts, time_texts, times)


@translates(exp.Anonymous)
def _call(node: exp.Anonymous, scope: Scope) -> Value:
    name = node.name.lower()
    if name in AGGREGATES:
        return aggregate(node, scope)
    if name in WINDOW_FUNCTIONS:
        raise SqlError(f"window function {name} requires an OVER clause")
    if name not in SPECIALS and name not in SCALARS:
        hint = did_you_mean(name, known())
        raise refuse(f"FUNCTION_NOT_FOUND: function '{name}' is not known here{hint}", node)
    for argument in node.expressions:
        if isinstance(argument, exp.Star | exp.Distinct | exp.Order):
            raise refuse(f"{name} is not an aggregate: {form(argument)} cannot stand in its arguments", node)
    if name in SPECIALS:
        return SPECIALS[name](node.expressions, scope)
    return call(name, SCALARS[name], node.expressions, scope)
