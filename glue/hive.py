"""Parses Hive type strings, in which Glue tables declare their columns, and writes them."""

import re
from typing import TypeAlias

import msgspec

PRIMITIVES = frozenset(
    ("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string", "binary", "date", "timestamp")
)

# No table nests so deep. Without a limit "array<array<..." would end in Python's RecursionError.
MAX_DEPTH = 64

# Hive's own parser accepts in names letters and digits of any script, `_`, `.` and `$`, in any order.
_TOKEN = re.compile(r"\s*([\w.$]+|[<>(),:]|\S)")
_IDENTIFIER = re.compile(r"[\w.$]+")


class HiveTypeError(ValueError):
    """A text is not a Hive type; the message names the character position."""


class Primitive(msgspec.Struct, frozen=True):
    """One of PRIMITIVES."""

    name: str

    def __str__(self) -> str:
        return self.name


class Decimal(msgspec.Struct, frozen=True):
    """decimal(precision, scale); precision is at most 38 (Hive language manual, "Decimals")."""

    precision: int
    scale: int

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})"


class Char(msgspec.Struct, frozen=True):
    """char(length), 1 to 255 characters."""

    length: int

    def __str__(self) -> str:
        return f"char({self.length})"


class Varchar(msgspec.Struct, frozen=True):
    """varchar(length), 1 to 65,535 characters."""

    length: int

    def __str__(self) -> str:
        return f"varchar({self.length})"


class Array(msgspec.Struct, frozen=True):
    """array<element>."""

    element: "HiveType"

    def __str__(self) -> str:
        return f"array<{self.element}>"


class Map(msgspec.Struct, frozen=True):
    """map<key,value>; Hive allows only primitive keys."""

    key: "HiveType"
    value: "HiveType"

    def __str__(self) -> str:
        return f"map<{self.key},{self.value}>"


class Struct(msgspec.Struct, frozen=True):
    """struct<name:type,...>, with its fields in order."""

    fields: tuple[tuple[str, "HiveType"], ...]

    def __str__(self) -> str:
        return f"struct<{','.join(f'{name}:{kind}' for name, kind in self.fields)}>"


HiveType: TypeAlias = Primitive | Decimal | Char | Varchar | Array | Map | Struct


def parse(text: str) -> HiveType:
    """The Hive type in a text.

    "struct<a:array<int>>" -> Struct((("a", Array(Primitive("int"))),))

    Type names are case-insensitive. Struct fields keep their case, and may have any name, `date`, `end` and `type` too.

    Raises:
        HiveTypeError: with the position, such as "array<int: expected '>' at position 9".
    """
    parser = _Parser(text)
    parsed = parser.type(1)
    parser.end()
    return parsed


class _Parser:
    """A recursive descent parser, with one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text)]
        self._next = 0

    def type(self, depth: int) -> HiveType:
        name, position = self._take("a type")
        if depth > MAX_DEPTH:
            raise self._error(f"types nested at most {MAX_DEPTH} deep", position)
        name = name.lower()
        if name in PRIMITIVES:
            return Primitive(name)
        if name == "decimal":
            return self._decimal(position)
        if name in ("char", "varchar"):
            return Char(self._length(255)) if name == "char" else Varchar(self._length(65_535))
        if name in ("array", "map", "struct"):
            return self._nested(name, depth)
        raise self._error("a Hive type", position)

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._error("the end", self._tokens[self._next][1])

    def _nested(self, name: str, depth: int) -> HiveType:
        self._expect("<")
        if name == "struct":
            return self._struct(depth)
        if name == "map":
            return self._map(depth)
        element = self.type(depth + 1)
        self._expect(">")
        return Array(element)

    def _map(self, depth: int) -> Map:
        position = self._position()
        key = self.type(depth + 1)
        if isinstance(key, Array | Map | Struct):
            raise self._error("a primitive map key", position)
        self._expect(",")
        value = self.type(depth + 1)
        self._expect(">")
        return Map(key, value)

    def _struct(self, depth: int) -> Struct:
        fields: dict[str, HiveType] = {}
        while True:
            name, position = self._take("a field name")
            if not _IDENTIFIER.fullmatch(name):
                raise self._error("a field name", position)
            if name.lower() in {other.lower() for other in fields}:  # Hive folds names
                raise self._error("a field name not used before", position)
            self._expect(":")
            fields[name] = self.type(depth + 1)
            if self._take("',' or '>'", ",>")[0] == ">":
                return Struct(tuple(fields.items()))

    def _decimal(self, position: int) -> Decimal:
        if not self._follows("("):
            return Decimal(10, 0)  # Hive's default (language manual, "Decimals")
        precision, scale = self._number(), 0
        if self._follows(","):
            scale = self._number()
        self._expect(")")
        if not (1 <= precision <= 38 and scale <= precision):
            raise self._error("precision 1 to 38 and a scale no larger", position)
        return Decimal(precision, scale)

    def _length(self, largest: int) -> int:
        self._expect("(")
        position = self._position()
        length = self._number()
        self._expect(")")
        if not 1 <= length <= largest:
            raise self._error(f"a length from 1 to {largest}", position)
        return length

    def _number(self) -> int:
        token, position = self._take("a number")
        if not (token.isascii() and token.isdigit() and len(token) <= 5):
            raise self._error("a number", position)
        return int(token)

    def _follows(self, token: str) -> bool:
        found = self._next < len(self._tokens) and self._tokens[self._next][0] == token
        self._next += found
        return found

    def _expect(self, token: str) -> None:
        self._take(f"'{token}'", token)

    def _take(self, wanted: str, one_of: str = "") -> tuple[str, int]:
        if self._next == len(self._tokens):
            raise self._error(wanted, len(self._text))
        token, position = self._tokens[self._next]
        if one_of and token not in one_of:
            raise self._error(wanted, position)
        self._next += 1
        return token, position

    def _position(self) -> int:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else len(self._text)

    def _error(self, wanted: str, position: int) -> HiveTypeError:
        return HiveTypeError(f"{self._text}: expected {wanted} at position {position}")
