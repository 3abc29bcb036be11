"""The list of known functions: signatures with the SQL that runs for them, and functions that Python translates.

A table is text, a function a line: `name(types) -> type = SQL`. In the SQL {0} is the first argument, {*} all of them,
{T} DuckDB's name of the type that T is bound to, {p} a number, {R} DuckDB's name of the result's type. `<<...>>` holds
the arguments of an aggregate, where DISTINCT, ORDER BY, FILTER and OVER are put. A name may come with several types.
"""

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeAlias

import msgspec
from sqlglot import exp

from firehose.lake.query.athena.functions.patterns import Bindings, Pattern, patterns, substitute
from firehose.lake.query.athena.scope import Scope
from firehose.lake.query.athena.types import Type, duckdb_type
from firehose.lake.query.athena.value import Value

Special: TypeAlias = Callable[[Sequence[exp.Expr], Scope], Value]
Around: TypeAlias = tuple[str, str]

_LINE = re.compile(r"(\w+)\((.*?)\) -> (\S+) = (.*)")


class Signature(msgspec.Struct, frozen=True, dict=True):
    """A function for arguments of some types."""

    name: str
    written: str
    result_text: str
    template: str

    @cached_property
    def parameters(self) -> list[Pattern]:
        """The types of its arguments."""
        return patterns(self.written)

    @cached_property
    def result(self) -> Pattern:
        """The type of its value."""
        return patterns(self.result_text)[0]

    @property
    def is_variadic(self) -> bool:
        """Return True if the last argument may be repeated."""
        return self.written.endswith("...")

    def expected(self, count: int) -> list[Pattern] | None:
        """Return the types for this many arguments, None if it does not take so many."""
        if self.is_variadic and count >= len(self.parameters):
            return [*self.parameters, *[self.parameters[-1]] * (count - len(self.parameters))]
        return self.parameters if count == len(self.parameters) else None

    def value(self, arguments: Sequence[str], bindings: Bindings, around: Around = ("(", ")")) -> Value:
        """Return the call with these arguments; `around` is what stands before and behind those of an aggregate."""
        result = substitute(self.result, bindings)
        types = {name: duckdb_type(bound) for name, bound in bindings.items() if isinstance(bound, Type)}
        numbers = {name: bound for name, bound in bindings.items() if isinstance(bound, int)}
        template = self.template.replace("<<", "{before}").replace(">>", "{behind}")
        template = template.replace("{*}", ", ".join(f"{{{place}}}" for place in range(len(arguments))))
        before, behind = around
        names = {**types, **numbers, "R": duckdb_type(result), "before": before, "behind": behind}
        return Value(template.format(*arguments, **names), result)


SCALARS: dict[str, list[Signature]] = {}
AGGREGATES: dict[str, list[Signature]] = {}
WINDOW_FUNCTIONS: dict[str, list[Signature]] = {}
SPECIALS: dict[str, Special] = {}


def add(table: dict[str, list[Signature]], text: str) -> None:
    """Add the functions of a text to a table."""
    for line in text.strip().splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"no signature: {line}")
        table.setdefault(match[1], []).append(Signature(*match.groups()))


def special(*names: str) -> Callable[[Special], Special]:
    """Register a function that needs more than its arguments' SQL: a format, a unit, a lambda's body."""

    def register(function: Special) -> Special:
        SPECIALS.update(dict.fromkeys(names, function))
        return function

    return register


def known() -> set[str]:
    """Return the names of all functions."""
    return {*SCALARS, *AGGREGATES, *WINDOW_FUNCTIONS, *SPECIALS}
