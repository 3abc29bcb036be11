"""Building rows from decoded images: what msgspec cannot hold in C is asked here, once per attribute.

A row is a Struct with the schema's fields; encoded, its names are lower case as Hive's are, and what is absent is left
out. Its times are texts as its mode writes them. The builder of each record is compiled from generated Python, as
dataclasses do for __init__: closures per attribute cost a call for each.

    def make_DemandDate(i, at):
        return R_DemandDate(
            _timestamp(i.requested.S) or _refuse(at, 'requested', ...),
            None if (a := i.triggered) is None else (...),
        )
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from glue.facts import DERIVED
from glue.model import Array, Field, Map, Record, Scalar, Type
from transform import numbers
from transform.attributes import Image, member, tags
from transform.outcome import Path, refuse
from transform.times import Times, date
from transform.validation_message import expected

Row: TypeAlias = Any  # a Struct made by `row_struct`: its members are known only to the schema


class RowTypes:
    """The row types of one record type; `build` makes the row of a decoded image, without what is derived."""

    def __init__(self, record: Record, times: Times) -> None:
        self.record = record
        self.times = times
        self.structs: dict[str, type[msgspec.Struct]] = {}
        self._functions: dict[str, Any] = {
            "_timestamp": times.read,
            "_date": date,
            "_integer": numbers.integer,
            "_double": numbers.double,
            "_refuse": refuse,
            "_lowered": lowered,
        }
        self._words: dict[str, str] = {}
        self.build: Callable[[Image, Path], Row] = self._functions[self._record(record)]
        for field in record.fields:
            if field.derived and isinstance(field.type, Record):
                self.structs[field.type.name] = derived_struct(field.name, field.type)

    def of_field(self, *path: str) -> type[msgspec.Struct]:
        """The row type of the record at a path: `of_field("date")` makes a DemandDate."""
        record = self.record
        for name in path:
            inner = record.field(name).type
            assert isinstance(inner, Record)  # noqa: S101 - the schema's reader has been down this path
            record = inner
        return self.structs[record.name]

    def _record(self, record: Record) -> str:
        """Compile the function that makes the row of a record; its name."""
        name = record.name
        if name in self.structs:
            return f"make_{name}"
        fields = in_row_order(record)
        self.structs[name] = self._functions[f"R_{name}"] = row_struct(record)
        values = "\n".join(f"        {self._field(field)}," for field in fields)
        source = f"def make_{name}(i, at):\n    return R_{name}(\n{values}\n    )\n"
        exec(compile(source, f"<row of {name}>", "exec"), self._functions)  # noqa: S102 - text of ours, names checked
        return f"make_{name}"

    def _field(self, field: Field) -> str:
        """The expression for one field of the image `i`."""
        if field.derived:
            return "None"
        attribute, name = f"i.{member(field.name)}", repr(field.name)
        if field.optional:
            return (
                f"None if (a := {attribute}) is None else {self._attribute(field.type, 'a', 'at', name, optional=True)}"
            )
        return self._attribute(field.type, attribute, "at", name, optional=False)

    def _attribute(self, kind: Type, a: str, at: str, name: str, *, optional: bool) -> str:
        """The expression for the attribute `a`, named `name` in what stands at `at`: exactly one tag must be there."""
        mine, *others = tags(kind, optional=optional)
        value = self._value(kind, a, at, name)
        if not others:
            return value

        def alone(tag: str) -> str:
            return " and ".join(f"{a}.{other} is None" for other in (mine, *others) if other != tag)

        otherwise = f"_refuse({at}, {name}, {self._word(kind, optional=optional)})"
        if optional:
            otherwise = f"None if {a}.NULL is True and {alone('NULL')} else {otherwise}"
        if "SS" in others:
            otherwise = f"{a}.SS if {a}.SS is not None and {alone('SS')} else {otherwise}"
        return f"({value} if {a}.{mine} is not None and {alone(mine)} else {otherwise})"

    def _value(self, kind: Type, a: str, at: str, name: str) -> str:
        """The expression for what the attribute `a` holds under its own tag."""
        if isinstance(kind, Record):
            return f"{self._record(kind)}({a}.M, ({at}, {name}))"
        if isinstance(kind, Array | Map):
            return self._each(kind, a, f"({at}, {name})")
        wrong = f"_refuse({at}, {name}, {self._word(kind, optional=False)})"
        match kind:
            case Scalar.TIMESTAMP:
                return f"(_timestamp({a}.S) or {wrong})"
            case Scalar.DATE:
                return f"(_date({a}.S) or {wrong})"
            case Scalar.INT | Scalar.LONG:
                bits = 32 if kind is Scalar.INT else 64
                return f"(number if (number := _integer({a}.N, {bits})) is not None else {wrong})"
            case Scalar.DOUBLE:
                return f"(number if (number := _double({a}.N)) is not None else {wrong})"
            case Scalar.BOOLEAN:
                return f"{a}.BOOL"
            case _:
                return f"{a}.S"

    def _each(self, kind: Array | Map, a: str, at: str) -> str:
        """The expression for a list or map of attributes; `x_` within `x` for lists of lists."""
        x = f"{a}_" if a.startswith("x") else "x"
        if isinstance(kind, Array):
            item = self._attribute(kind.items, x, at, f"n{x}", optional=True)
            return f"[{item} for n{x}, {x} in enumerate({a}.L)]"
        entry = self._attribute(kind.values, x, at, "'*'", optional=False)
        return f"{{k{x}: {entry} for k{x}, {x} in _lowered({a}.M, {at}).items()}}"

    def _word(self, kind: Type, *, optional: bool) -> str:
        """The name under which the generated code finds what an attribute should have been."""
        words = expected(kind, optional=optional)
        name = self._words.setdefault(words, f"W{len(self._words)}")
        self._functions[name] = words
        return name


def in_row_order(record: Record) -> list[Field]:
    """The fields as row structs have them: msgspec wants the required ones first."""
    return sorted(record.fields, key=lambda field: field.optional)


def row_struct(record: Record) -> type[msgspec.Struct]:
    """The type of a record's rows. What is absent is not written: Firehose makes an absent column null."""
    fields: list[Any] = [
        (member(field.name), Any, *([None] if field.optional else [])) for field in in_row_order(record)
    ]
    # Hive lower-cases names; so do rows, or Firehose's conversion would have to (firehose-facts 5.3).
    names = {member(field.name): field.name.lower() for field in record.fields}
    return msgspec.defstruct(record.name, fields, rename=names, omit_defaults=True, gc=False)


def derived_struct(name: str, record: Record) -> type[msgspec.Struct]:
    """The type of what the function computes: always whole, its members in the order of glue/facts.py's DERIVED."""
    order = list(DERIVED[name][0])
    fields = [(member(field.name), Any) for field in sorted(record.fields, key=lambda field: order.index(field.name))]
    return msgspec.defstruct(record.name, fields, rename="lower", gc=False)


def lowered(entries: Mapping[str, Any], at: Path) -> dict[str, Any]:
    """A map with its keys in lower case (BR-18): Firehose's conversion does so, and Avro mode must agree."""
    folded = {key.lower(): entry for key, entry in entries.items()}
    if len(folded) != len(entries):
        refuse(at, "*", "keys that differ in more than case")
    return folded
