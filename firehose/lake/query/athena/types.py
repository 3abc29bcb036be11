"""Trino's types: how they are written, which one stands for another, and how DuckDB holds their values.

DuckDB has a type for each but two. A `timestamp with time zone` is a struct of the instant (a TIMESTAMP in UTC) and the
zone's name, because DuckDB's TIMESTAMPTZ forgets the zone. A row without field names has the names field0, field1, ...
"""

from collections.abc import Sequence

import msgspec

from glue import hive


class Type(msgspec.Struct, frozen=True):
    """A type: array(integer) -> Type("array", (INTEGER,)), row(a bigint) -> Type("row", (BIGINT,), ("a",)).

    `args` are the element types, or the length, precision and scale. A varchar's length is None where it has none.
    """

    name: str
    args: "tuple[Type | int | None, ...]" = ()
    fields: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        """Return the type as Trino's typeof prints it."""
        if self.name == "row":
            members = (
                f"{name} {kind}" if name else str(kind) for name, kind in zip(self.fields, self.args, strict=True)
            )
            return f"row({', '.join(members)})"
        if self.name == TIMESTAMP_TZ:
            return f"timestamp({self.args[0]}) with time zone"
        if self.name == "decimal":
            return f"decimal({self.args[0]},{self.args[1]})"
        args = [str(arg) for arg in self.args if arg is not None]
        return f"{self.name}({', '.join(args)})" if args else self.name

    @property
    def elements(self) -> "list[Type]":
        """The types that it is made of: those of an array's elements, a map's keys and values, a row's fields."""
        return [arg for arg in self.args if isinstance(arg, Type)]

    @property
    def numbers(self) -> list[int]:
        """Its precision and scale."""
        return [arg for arg in self.args if isinstance(arg, int)]

    @property
    def names(self) -> list[str]:
        """The names that DuckDB's struct of a row has."""
        return [name or f"field{place}" for place, name in enumerate(self.fields)]


TIMESTAMP_TZ = "timestamp with time zone"
DAY_TO_SECOND = "interval day to second"
YEAR_TO_MONTH = "interval year to month"

UNKNOWN = Type("unknown")
BOOLEAN = Type("boolean")
TINYINT = Type("tinyint")
SMALLINT = Type("smallint")
INTEGER = Type("integer")
BIGINT = Type("bigint")
REAL = Type("real")
DOUBLE = Type("double")
VARCHAR = Type("varchar", (None,))
VARBINARY = Type("varbinary")
DATE = Type("date")
TIMESTAMP = Type("timestamp", (3,))
JSON = Type("json")

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_NUMBERS = (*INTEGERS, "decimal", "real", "double")
_MOMENTS = ("date", "timestamp", TIMESTAMP_TZ)

_HIVE = {
    "string": VARCHAR,
    "int": INTEGER,
    "float": REAL,
    "binary": VARBINARY,
    "timestamp": TIMESTAMP,
}
_DUCKDB = {
    "varchar": "VARCHAR",
    "varbinary": "BLOB",
    "real": "FLOAT",
    "timestamp": "TIMESTAMP",
    TIMESTAMP_TZ: 'STRUCT("at" TIMESTAMP, "zone" VARCHAR)',
    DAY_TO_SECOND: "INTERVAL",
    YEAR_TO_MONTH: "INTERVAL",
    "unknown": "INTEGER",
}


def array(element: Type) -> Type:
    """Return the type of an array."""
    return Type("array", (element,))


def decimal(precision: int, scale: int) -> Type:
    """Return a decimal's type, of no more than 38 digits."""
    return Type("decimal", (min(precision, 38), scale))


def row(names: Sequence[str | None], kinds: Sequence[Type]) -> Type:
    """Return the type of a row."""
    return Type("row", tuple(kinds), tuple(names))


def of_hive(kind: hive.HiveType) -> Type:
    """Return the type that Athena gives a Glue column: struct<end:timestamp> -> row(end timestamp(3))."""
    match kind:
        case hive.Struct(fields):
            return row([name.lower() for name, _ in fields], [of_hive(member) for _, member in fields])
        case hive.Array(element):
            return array(of_hive(element))
        case hive.Map(key, value):
            return Type("map", (of_hive(key), of_hive(value)))
        case hive.Decimal(precision, scale):
            return decimal(precision, scale)
        case hive.Varchar(length):
            return Type("varchar", (length,))
        case hive.Char(length):
            return Type("char", (length,))
        case hive.Primitive(name):
            return _HIVE.get(name, Type(name))


def duckdb_type(kind: Type) -> str:
    """Return the type by which DuckDB holds the values."""
    match kind.name:
        case "array":
            return f"{duckdb_type(kind.elements[0])}[]"
        case "map":
            return f"MAP({duckdb_type(kind.elements[0])}, {duckdb_type(kind.elements[1])})"
        case "row":
            members = zip(kind.names, kind.elements, strict=True)
            return f"STRUCT({', '.join(f'{quoted(name)} {duckdb_type(member)}' for name, member in members)})"
        case "decimal":
            return f"DECIMAL({kind.numbers[0]},{kind.numbers[1]})"
        case name:
            return _DUCKDB.get(name, name.upper())


def quoted(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return a string literal of DuckDB's."""
    return "'" + value.replace("'", "''") + "'"


def is_number(kind: Type) -> bool:
    """Say whether a type is numeric."""
    return kind.name in _NUMBERS


def as_decimal(kind: Type) -> Type:
    """Return the decimal that holds an integer's values: bigint -> decimal(19,0)."""
    return decimal(_DIGITS[kind.name], 0) if kind.name in _DIGITS else kind


def common(first: Type, second: Type) -> Type | None:
    """Return the type that values of both are implicitly converted to, or None if they have no common type."""
    if first == second or second.name == "unknown":
        return first
    if first.name == "unknown":
        return second
    if is_number(first) and is_number(second):
        return _common_number(first, second)
    if first.name in _MOMENTS and second.name in _MOMENTS:
        widest = max(first, second, key=lambda kind: _MOMENTS.index(kind.name))
        return Type(widest.name, (max([*first.numbers, *second.numbers]),))
    if first.name != second.name or len(first.args) != len(second.args):
        return None
    if first.name == "varchar":
        lengths = [*first.numbers, *second.numbers]
        return Type("varchar", (max(lengths) if len(lengths) == 2 else None,))
    return _common_elements(first, second) if first.elements else None


def _common_number(first: Type, second: Type) -> Type:
    for name in ("double", "real"):
        if name in (first.name, second.name):
            return Type(name)
    if "decimal" not in (first.name, second.name):
        return max(first, second, key=lambda kind: INTEGERS.index(kind.name))
    (precision, scale), (other_precision, other_scale) = as_decimal(first).numbers, as_decimal(second).numbers
    most = max(scale, other_scale)
    return decimal(max(precision - scale, other_precision - other_scale) + most, most)


def _common_elements(first: Type, second: Type) -> Type | None:
    kinds = [common(one, other) for one, other in zip(first.elements, second.elements, strict=True)]
    found = [kind for kind in kinds if kind]
    if len(found) < len(kinds):
        return None
    fields = tuple(one if one == other else None for one, other in zip(first.fields, second.fields, strict=True))
    return Type(first.name, tuple(found), fields)


def holds_zone(kind: Type) -> bool:
    """Say whether values of a type are times with a zone, or hold some."""
    return kind.name == TIMESTAMP_TZ or any(map(holds_zone, kind.elements))


def converts(kind: Type, target: Type) -> bool:
    """Say whether values of a type are implicitly converted to another."""
    if kind.name == "row" and target.name == "row" and len(kind.args) == len(target.args):
        return all(converts(one, other) for one, other in zip(kind.elements, target.elements, strict=True))
    return common(kind, target) == target
