"""Turns documents into exactly typed rows: a reader for each Hive type, by the rules of one SerDe.

The rules that the SerDes share are here: nulls stay null, undeclared members are dropped, messages name paths. A
`SerDe` has the rules that differ: values of the wrong shape, names, map keys and scalars.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from firehose.local.conversion.documents import Number, kind_of
from firehose.local.conversion.numbers import INTEGER_BITS
from firehose.local.conversion.row_error import MISMATCH, RowError, malformed
from glue import hive

# Turns a value that is not null, with its path, into the exactly typed value, or raises RowError.
Read: TypeAlias = Callable[[Any, str], Any]

# The classes of a table's rows, by struct type (`RowType.structs`).
Structs: TypeAlias = Mapping[hive.Struct, Callable[..., Any]]


class SerDe(Protocol):
    """The rules of a deserializer. All raise RowError for a value that it refuses."""

    name: str

    def refused(self, kind: hive.HiveType) -> bool:
        """Returns True if the SerDe does not support columns of this (not nested) type."""

    def scalar(self, kind: hive.HiveType) -> Read:
        """Returns the reader of a type that is not nested."""

    def key(self, kind: hive.HiveType) -> Callable[[str, str], Any]:
        """Returns the reader of map keys."""

    def elements(self, value: Any, path: str) -> Sequence[Any] | None:
        """Returns the elements of an array column; None for null."""

    def entries(self, value: Any, path: str) -> Mapping[str, Any] | None:
        """Returns the entries of a map column; None for null."""

    def members(self, kind: hive.Struct) -> Callable[[Any, str], Sequence[Any] | None]:
        """Returns the function that finds a struct's values, in the order of its fields, None for an absent one."""


def reader(kind: hive.HiveType, serde: SerDe, structs: Structs) -> Read:
    """Returns the reader of one type.

    reader(Array(Primitive("int")), openx, {})([Number("1", True), "2", None], "n") -> [1, 2, None]
    """
    match kind:
        case hive.Array(element):
            return _array(reader(element, serde, structs), serde)
        case hive.Map(key, value):
            return _map(serde.key(key), reader(value, serde, structs), serde)
        case hive.Struct(fields):
            reads = [(name.lower(), reader(field, serde, structs)) for name, field in fields]
            return _struct(reads, serde.members(kind), structs[kind])
        case _:
            return serde.scalar(kind)


def _array(read: Read, serde: SerDe) -> Read:
    def read_array(value: Any, path: str) -> Any:
        elements = serde.elements(value, path)
        if elements is None:
            return None
        return [None if each is None else read(each, f"{path}[{place}]") for place, each in enumerate(elements)]

    return read_array


def _map(read_key: Callable[[str, str], Any], read: Read, serde: SerDe) -> Read:
    def read_map(value: Any, path: str) -> Any:
        entries = serde.entries(value, path)
        if entries is None:
            return None
        inner = f"{path}[*]"
        return {read_key(key, inner): None if each is None else read(each, inner) for key, each in entries.items()}

    return read_map


def _struct(
    reads: Sequence[tuple[str, Read]], members: Callable[[Any, str], Sequence[Any] | None], made: Callable[..., Any]
) -> Read:
    def read_struct(value: Any, path: str) -> Any:
        found = members(value, path)
        if found is None:
            return None
        below = f"{path}." if path else ""
        return made(
            *[
                None if each is None else read(each, below + name)
                for (name, read), each in zip(reads, found, strict=True)
            ]
        )

    return read_struct


def expected(kind: hive.HiveType, *, integers: str, timestamps: str) -> str:
    """Returns a type with the forms in which its values are read; those that the SerDes differ in are arguments.

    Primitive("date") -> "date (yyyy-MM-dd)"
    """
    match kind:
        case hive.Decimal(precision, scale):
            forms = f"a number with at most {precision - scale} digits before the point"
        case hive.Primitive(name) if name in INTEGER_BITS:
            half = 1 << (INTEGER_BITS[name] - 1)
            forms = f"{integers} from {-half} to {half - 1}"
        case hive.Primitive("float" | "double"):
            forms = "a number within the range of the type"
        case hive.Primitive("date"):
            forms = "yyyy-MM-dd"
        case hive.Primitive("timestamp"):
            forms = timestamps
        case _:
            return str(kind)
    return f"{kind} ({forms})"


def misfit(phrase: str, kind: object, value: Any, path: str) -> RowError:
    """Returns the error of a value of the wrong kind.

    (MISMATCH, "int", "oops", "qty") -> "Data does not match the schema. [qty: expected int, got a string]"
    """
    return malformed(phrase, f"{path}: expected {kind}, got {kind_of(value)}")


def encodable(text: str, kind: object, path: str) -> str:
    """Returns the text.

    Raises:
        RowError: it has a lone surrogate, which UTF-8 cannot hold.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise malformed(MISMATCH, f"{path}: expected {kind}, got a lone surrogate") from None
    return text


def written(value: Any) -> str | None:
    """Returns the text of a scalar as it is written in the record; None for anything else.

    Number("1e3", False) -> "1e3"; True -> "true"
    """
    if isinstance(value, Number):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def shortened(text: str, kind: hive.HiveType) -> str:
    """Returns text as a column of `kind` holds it: cut to the length of char and varchar, char without padding.

    Hive's writer puts HiveChar.getStrippedValue and HiveVarchar.getValue into Parquet, cut by code points.
    """
    match kind:
        case hive.Char(length):
            return text[:length].rstrip(" ")
        case hive.Varchar(length):
            return text[:length]
        case _:
            return text
