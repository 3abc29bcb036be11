"""Builds rows from decoded images.

An image has an object for each attribute, {"S": "x"}; a row has the plain value. msgspec has validated the image as
far as a msgspec type can express the schema. The builder checks the rest, attribute by attribute: that exactly one
type tag is there, that times, dates and numbers can be read and are in range, that the keys of a map stay distinct in
lower case. What does not fit is refused with its path (transform/outcome.py: Path).

A row is a Struct with the schema's fields. Encoded as JSON, its names are in lower case, as Hive's are, and absent
fields are left out. Times are in the form of the mode (transform/times.py: Times).

The builder of each record is generated Python, made once from the schema, as dataclasses do for __init__:

    def make_DemandDate(i, at):                 # `i` is the decoded map, `at` its path
        return R_DemandDate(
            (m if len(t := i.requested.S) <= 35 and (m := _timestamp(t)) is not None else _refuse(at, 'requested', W0)),
            None if (a := i.triggered) is None else (...),
        )

R_DemandDate is the row type, W0 the description of a valid attribute for the error message. The generated builder
takes 0.9 us a demand and 37 us an event, closures that do the same 4.4 and 150 (Python 3.11 and 3.13).

The names in generated code: make_<record> and R_<record> for a builder and its row type, _<name> for our functions, W0,
W1 ... for descriptions, `a` for an attribute, `t` for the text of a time and `m` for the moment, `x` for an item of a
list or map, `nx` its index, `kx` its key.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import msgspec

from glue.facts import DERIVED
from glue.model import ArrayType, DecimalType, Enumeration, Field, MapType, Record, Scalar, Type
from transform import numbers
from transform.attributes import Image, member, tags
from transform.outcome import Path, refuse
from transform.times import LONGEST_TIME, Times, date
from transform.validation_message import expected

Row: TypeAlias = Any  # a Struct made by `row_struct`, whose members only the schema knows


class RowTypes:
    """The row types of one record type. `build` makes the row of a decoded image; derived fields are still None."""

    def __init__(self, record: Record, times: Times) -> None:
        self.record = record
        self.times = times
        self.structs: dict[str, type[msgspec.Struct]] = {}
        self._functions: dict[str, Any] = {
            "_timestamp": times.read,
            "_date": date,
            "_integer": numbers.integer,
            "_double": numbers.double,
            "_decimal": numbers.decimal,
            "_refuse": refuse,
            "_lowered": lowered,
        }
        self._words: dict[str, str] = {}
        self.build: Callable[[Image, Path], Row] = self._functions[self._record(record)]
        for field in record.fields:
            if field.derived and isinstance(field.type, Record):
                self.structs[field.type.name] = derived_struct(field.name, field.type)

    def of_field(self, *path: str) -> type[msgspec.Struct]:
        """The row type of the record at a path: `of_field("date")` is that of DemandDate."""
        record = self.record
        for name in path:
            inner = record.field(name).type
            assert isinstance(inner, Record)  # noqa: S101 - the schema's reader has checked the path
            record = inner
        return self.structs[record.name]

    def _record(self, record: Record) -> str:
        """Compile the builder of a record's rows, and return its name."""
        name = record.name
        if name in self.structs:
            return f"make_{name}"
        fields = in_row_order(record)
        self.structs[name] = self._functions[f"R_{name}"] = row_struct(record)
        values = "\n".join(f"        {self._field(field)}," for field in fields)
        source = f"def make_{name}(i, at):\n    return R_{name}(\n{values}\n    )\n"
        exec(compile(source, f"<row of {name}>", "exec"), self._functions)  # noqa: S102 - our own text; its names were checked
        return f"make_{name}"

    def _field(self, field: Field) -> str:
        """The expression for a field of the map `i`."""
        if field.derived:
            return "None"
        attribute, name = f"i.{member(field.name)}", repr(field.name)
        if field.optional:
            return (
                f"None if (a := {attribute}) is None else {self._attribute(field.type, 'a', 'at', name, optional=True)}"
            )
        return self._attribute(field.type, attribute, "at", name, optional=False)

    def _attribute(self, kind: Type, a: str, at: str, name: str, *, optional: bool) -> str:
        """The expression for the attribute `a`, the `name` of the map or list at `at`. It requires exactly one tag."""
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
        """The expression for the value of the attribute `a` under the tag of its type."""
        if isinstance(kind, Record):
            return f"{self._record(kind)}({a}.M, ({at}, {name}))"
        if isinstance(kind, ArrayType | MapType):
            return self._items(kind, a, f"({at}, {name})")
        wrong = f"_refuse({at}, {name}, {self._word(kind, optional=False)})"
        match kind:
            case Scalar.TIMESTAMP:
                return f"(m if len(t := {a}.S) <= {LONGEST_TIME} and (m := _timestamp(t)) is not None else {wrong})"
            case Scalar.DATE:
                return f"(_date({a}.S) or {wrong})"
            case Scalar.BOOLEAN:
                return f"{a}.BOOL"
            case Scalar.STRING | Enumeration():
                return f"{a}.S"
            case _:
                return f"(number if (number := {_number(kind, f'{a}.N')}) is not None else {wrong})"

    def _items(self, kind: ArrayType | MapType, a: str, at: str) -> str:
        """The expression for a list or map of attributes. The items of a list within a list are `x_`."""
        x = f"{a}_" if a.startswith("x") else "x"
        if isinstance(kind, ArrayType):
            item = self._attribute(kind.items, x, at, f"n{x}", optional=True)
            return f"[{item} for n{x}, {x} in enumerate({a}.L)]"
        entry = self._attribute(kind.values, x, at, "'*'", optional=False)
        return f"{{k{x}: {entry} for k{x}, {x} in _lowered({a}.M, {at}).items()}}"

    def _word(self, kind: Type, *, optional: bool) -> str:
        """The name, in generated code, of the description of a valid attribute."""
        words = expected(kind, optional=optional)
        name = self._words.setdefault(words, f"W{len(self._words)}")
        self._functions[name] = words
        return name


@cache
def row_types(record: Record, times: Times) -> RowTypes:
    """Return the row types of one record type: compiled once, for all functions that run in one process."""
    return RowTypes(record, times)


def _number(kind: Type, text: str) -> str:
    """The expression that reads a number; None if it is not one of the kind."""
    match kind:
        case DecimalType(precision=precision, scale=scale):
            return f"_decimal({text}, {precision}, {scale})"
        case Scalar.DOUBLE:
            return f"_double({text})"
        case _:
            return f"_integer({text}, {32 if kind is Scalar.INT else 64})"


def in_row_order(record: Record) -> list[Field]:
    """The fields in the order of a row's Struct: msgspec requires that those without a default come first."""
    return sorted(record.fields, key=lambda field: field.optional)


def row_struct(record: Record) -> type[msgspec.Struct]:
    """The type of a record's rows. Absent fields are not written: Firehose makes an absent column null."""
    fields: list[Any] = [
        (member(field.name), Any, *([None] if field.optional else [])) for field in in_row_order(record)
    ]
    # In lower case, as Hive's are, so that Firehose's conversion need not fold them.
    names = {member(field.name): field.name.lower() for field in record.fields}
    return msgspec.defstruct(record.name, fields, rename=names, omit_defaults=True, gc=False)


def derived_struct(name: str, record: Record) -> type[msgspec.Struct]:
    """The type of a derived field: always complete, its members in the order of glue/facts.py's DERIVED."""
    order = list(DERIVED[name][0])
    fields = [(member(field.name), Any) for field in sorted(record.fields, key=lambda field: order.index(field.name))]
    return msgspec.defstruct(record.name, fields, rename="lower", gc=False)


def lowered(entries: Mapping[str, Any], at: Path) -> dict[str, Any]:
    """The map with its keys in lower case (BR-18): Firehose's conversion folds them, and Avro mode must agree."""
    folded = {key.lower(): entry for key, entry in entries.items()}
    if len(folded) != len(entries):
        refuse(at, "*", "keys that differ in more than case")
    return folded
