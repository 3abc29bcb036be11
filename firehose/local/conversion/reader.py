"""Documents to exactly typed rows: a reader per Hive type, by the rules of one SerDe.

What the SerDes share is here (nulls stay null, members not declared are dropped, paths); what they differ in is a
`SerDe`: how values of the wrong shape, names, map keys and scalars are taken.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from firehose.local.conversion.documents import Number, kind_of
from firehose.local.conversion.row_error import MISMATCH, RowError, malformed
from glue import hive

# A value that is not null, and its path, to the exactly typed value; raises RowError.
Read: TypeAlias = Callable[[Any, str], Any]

# The classes of a table's rows, by struct type (`RowType.structs`).
Structs: TypeAlias = Mapping[hive.Struct, Callable[..., Any]]


class SerDe(Protocol):
    """The rules of a deserializer. All raise RowError for what it refuses."""

    name: str

    def refused(self, kind: hive.HiveType) -> bool:
        """Whether the SerDe has no columns of this (not nested) type."""

    def scalar(self, kind: hive.HiveType) -> Read:
        """The reader of a type that is not nested."""

    def key(self, kind: hive.HiveType) -> Callable[[str, str], Any]:
        """The reader of map keys."""

    def elements(self, value: Any, path: str) -> Sequence[Any] | None:
        """The elements of an array column."""

    def entries(self, value: Any, path: str) -> Mapping[str, Any] | None:
        """The entries of a map column."""

    def members(self, kind: hive.Struct) -> Callable[[Any, str], Sequence[Any] | None]:
        """The values of a struct in the order of its fields, None for those that are absent."""


def reader(kind: hive.HiveType, serde: SerDe, structs: Structs) -> Read:
    """The reader of one type.

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


def misfit(phrase: str, kind: object, value: Any, path: str) -> RowError:
    """(MISMATCH, "int", "oops", "qty") -> "Data does not match the schema. [qty: expected int, got a string]"."""
    return malformed(phrase, f"{path}: expected {kind}, got {kind_of(value)}")


def encodable(text: str, kind: object, path: str) -> str:
    """The text; one with a lone surrogate, which UTF-8 cannot hold, fails.

    Raises:
        RowError: that is the case.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise malformed(MISMATCH, f"{path}: expected {kind}, got a lone surrogate") from None
    return text


def written(value: Any) -> str | None:
    """The text of a scalar as it stands in the record: Number("1e3", False) -> "1e3", True -> "true"; else None."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def shortened(text: str, kind: hive.HiveType) -> str:
    """Text as a column of `kind` holds it: cut to the length of char and varchar, char without its padding.

    Hive's writer puts HiveChar.getStrippedValue and HiveVarchar.getValue into Parquet, cut by code points.
    """
    match kind:
        case hive.Char(length):
            return text[:length].rstrip(" ")
        case hive.Varchar(length):
            return text[:length]
        case _:
            return text
