"""The model of a record type: a small closed set of classes for its Avro schema.

The decoder of DynamoDB images, rows, Glue tables, DDL and the data dictionary are all made from this model.
glue/schema.py reads it from the .avsc files. The classes are msgspec's: dataclasses would add 15 ms to a cold start.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec


class SchemaError(ValueError):
    """A schema is invalid; the message says where, and what is allowed."""


class Scalar(StrEnum):
    """The plain types, by their Avro names (the logical type where there is one)."""

    STRING = "string"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    TIMESTAMP = "timestamp-millis"
    DATE = "date"


class Enumeration(msgspec.Struct, frozen=True):
    """One of a closed list of strings; a plain string in Hive."""

    name: str
    symbols: tuple[str, ...]


class DecimalType(msgspec.Struct, frozen=True):
    """A number with `scale` digits behind the point, `precision` in all: money."""

    precision: int
    scale: int


class ArrayType(msgspec.Struct, frozen=True):
    """A list. Any item may be null, as in DynamoDB (BR-14)."""

    items: "Type"


class MapType(msgspec.Struct, frozen=True):
    """A map from string keys, which are in lower case in rows (BR-18)."""

    values: "Type"


class Field(msgspec.Struct, frozen=True):
    """A member of a record. The function computes it if it is `derived`; all others come from the image.

    `pii` fields are redacted in deletions (BR-5). `subject` says whom the record is about (BR-22).
    """

    name: str
    type: "Type"
    optional: bool
    doc: str
    pii: bool = False
    derived: bool = False
    subject: bool = False


class Record(msgspec.Struct, frozen=True):
    """A named group of fields."""

    name: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The field of that name. Raises KeyError if the record lacks it."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


Type: TypeAlias = Scalar | DecimalType | Enumeration | Record | ArrayType | MapType
FieldPath: TypeAlias = tuple[str, ...]


class PartitionDate(msgspec.Struct, frozen=True):
    """The sources of the partition date, of which the first present wins, and the range of the table (BR-8, BR-19).

    `first` and `last` are inclusive, `2015-01-01`. Athena silently hides the rows outside a table's projection.
    """

    sources: tuple[FieldPath, ...]
    first: str
    last: str


class RecordType(msgspec.Struct, frozen=True):
    """One kind of record: its row, and the facts of the domain by which rows are made.

    `deletion_time` is the field that a REMOVE sets to the time of the change, if the type has one. `subject` is
    the field that says whom a record is about, None where it is about nobody. `avro` is the schema as in the file, for
    the Avro writer and the AvroSerDe's literal.
    """

    name: str
    doc: str
    row: Record
    partition_date: PartitionDate
    deletion_time: FieldPath | None
    reference_id: tuple[FieldPath, ...]
    reference_timestamp: tuple[FieldPath, ...]
    system_source: FieldPath | None
    subject: FieldPath | None
    avro: Mapping[str, Any]

    @property
    def deleted_at(self) -> FieldPath:
        """The field that holds the time of a deletion."""
        return self.deletion_time or ("change", "at")


def pii_names(types: Mapping[str, RecordType]) -> frozenset[str]:
    """The attribute names that are personal data in any of the schemas: {"email", "messageBody", "phoneNumber"}."""
    return frozenset(field.name for record_type in types.values() for field in fields(record_type.row) if field.pii)


def fields(kind: Type) -> Iterator[Field]:
    """Every field of a type, at any depth."""
    if isinstance(kind, Record):
        for field in kind.fields:
            yield field
            yield from fields(field.type)
    elif isinstance(kind, ArrayType):
        yield from fields(kind.items)
    elif isinstance(kind, MapType):
        yield from fields(kind.values)
