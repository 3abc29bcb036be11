"""Types with variables, as the signatures of functions have them, and how arguments bind them.

map(K,V) matched with map(varchar,bigint) binds K and V; timestamp(p) binds p. A capital letter stands for a type, a small
one for a length or precision. E and K stand for types whose values DuckDB compares as Trino does: no times with a zone.
"""

import re
from typing import TypeAlias

import msgspec

from firehose.lake.query.athena.types import (
    DAY_TO_SECOND,
    TIMESTAMP_TZ,
    UNKNOWN,
    YEAR_TO_MONTH,
    Type,
    as_decimal,
    common,
    converts,
    holds_zone,
)

COMPARED = ("E", "K")

_TOKEN = re.compile(r"\w+|\.\.\.|[(),]")
_NAMES = {"timestamptz": TIMESTAMP_TZ, "daysecond": DAY_TO_SECOND, "yearmonth": YEAR_TO_MONTH}

Bindings: TypeAlias = dict[str, Type | int | None]


class Pattern(msgspec.Struct, frozen=True):
    """A type with variables: array(T) -> Pattern("array", (Pattern("T"),))."""

    name: str
    args: "tuple[Pattern, ...]" = ()

    @property
    def is_variable(self) -> bool:
        """Return True if the pattern stands for any type."""
        return len(self.name) == 1 and self.name.isupper()

    def __str__(self) -> str:
        args = [str(one) for one in self.args if len(one.name) > 1 or one.name.isupper()]
        return f"{self.name}({', '.join(args)})" if args else self.name


def patterns(text: str) -> list[Pattern]:
    """Return the patterns of a list: "array(T), bigint" -> [array(T), bigint]."""
    tokens = _TOKEN.findall(text)
    found, _ = _read(tokens, 0)
    return found


def _read(tokens: list[str], place: int) -> tuple[list[Pattern], int]:
    found: list[Pattern] = []
    while place < len(tokens) and tokens[place] != ")":
        name = _NAMES.get(tokens[place], tokens[place])
        place += 1
        args: list[Pattern] = []
        if place < len(tokens) and tokens[place] == "(":
            args, place = _read(tokens, place + 1)
            place += 1
        if not args and name in ("varchar", "timestamp", TIMESTAMP_TZ):
            args = [Pattern("_")]
        found.append(Pattern(name, tuple(args)))
        if place < len(tokens) and tokens[place] in (",", "..."):
            place += 1
    return found, place


def bind(pattern: Pattern, kind: Type, bindings: Bindings, *, exact: bool) -> bool:
    """Bind the variables of a pattern so that it matches a type; say whether it does.

    Where the match is not `exact`, a type that is implicitly converted matches, too.
    """
    if pattern.is_variable:
        known = bindings.get(pattern.name)
        bound = common(known, kind) if isinstance(known, Type) else kind
        bindings[pattern.name] = bound
        return bound is not None and not (pattern.name in COMPARED and holds_zone(bound))
    if kind.name == "unknown":
        return True
    if pattern.name != kind.name:
        return not exact and _converted(pattern, kind, bindings)
    if kind.elements:
        if len(pattern.args) != len(kind.elements):
            return False
        pairs = zip(pattern.args, kind.elements, strict=True)
        return all(bind(one, element, bindings, exact=exact) for one, element in pairs)
    for one, number in zip(pattern.args, kind.args, strict=False):
        if isinstance(number, int | None):
            _bind_number(one.name, number, bindings)
    return True


def _bind_number(name: str, number: int | None, bindings: Bindings) -> None:
    if name == "_":
        return
    known = bindings.get(name, number)
    bindings[name] = None if known is None or number is None or isinstance(known, Type) else max(known, number)


def _converted(pattern: Pattern, kind: Type, bindings: Bindings) -> bool:
    target = substitute(pattern, {**bindings, **dict.fromkeys(("p", "_"), _precision(kind))})
    if pattern.name == "decimal":
        as_one = as_decimal(kind)
        if as_one.name != "decimal":
            return False
        for one, number in zip(pattern.args, as_one.numbers, strict=True):
            _bind_number(one.name, number, bindings)
        return True
    if target.name in ("timestamp", TIMESTAMP_TZ):
        for one in pattern.args:
            _bind_number(one.name, _precision(kind), bindings)
    return converts(kind, target)


def _precision(kind: Type) -> int:
    return kind.numbers[0] if kind.name in ("timestamp", TIMESTAMP_TZ) else 0


def substitute(pattern: Pattern, bindings: Bindings) -> Type:
    """Return the type that a pattern stands for; an unbound variable is of an unknown type."""
    if pattern.is_variable:
        bound = bindings.get(pattern.name)
        return bound if isinstance(bound, Type) else UNKNOWN
    args = tuple(_argument(one, pattern, bindings) for one in pattern.args)
    fields = (None,) * len(args) if pattern.name == "row" else ()
    return Type(pattern.name, args, fields)


def _argument(one: Pattern, around: Pattern, bindings: Bindings) -> Type | int | None:
    if one.name.isdigit():
        return int(one.name)
    if len(one.name) == 1 and not one.name.isupper():
        bound = bindings.get(one.name)
        default = None if around.name == "varchar" else 3
        return bound if isinstance(bound, int) else default
    return substitute(one, bindings)
