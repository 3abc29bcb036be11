"""A record type as the rest of the project sees it: a small closed model of its Avro schema.

The decoder of DynamoDB images, rows, Glue tables, DDL and the data dictionary are made from this model.
glue/schema.py reads it from the .avsc files. The classes are msgspec's: dataclasses would cost a cold start 15 ms.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec


class SchemaError(ValueError):
    """A schema that is not one of ours: where, and what would be right."""


class Scalar(StrEnum):
    """The plain types, by their Avro spelling (the logical type where there is one)."""

    STRING = "string"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    TIMESTAMP = "timestamp-millis"
    DATE = "date"


class Enumeration(msgspec.Struct, frozen=True):
    """One of a closed list of strings; strings to Hive."""

    name: str
    symbols: tuple[str, ...]


class Array(msgspec.Struct, frozen=True):
    """A list; any item may be null, as in DynamoDB (BR-14)."""

    items: "Type"


class Map(msgspec.Struct, frozen=True):
    """String keys; they are lower-cased in rows (BR-18)."""

    values: "Type"


class Field(msgspec.Struct, frozen=True):
    """A member of a record. `derived` is what the function computes; all else an image holds."""

    name: str
    type: "Type"
    optional: bool
    doc: str
    pii: bool = False
    derived: bool = False


class Record(msgspec.Struct, frozen=True):
    """A named group of fields."""

    name: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The field of that name. KeyError where there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


Type: TypeAlias = Scalar | Enumeration | Record | Array | Map
FieldPath: TypeAlias = tuple[str, ...]


class PartitionDate(msgspec.Struct, frozen=True):
    """Where the partition date comes from, first present wins, and the range its table covers (BR-8, BR-19).

    `first` and `last` are inclusive, `2015-01-01`: Athena shows no row outside its table's projection, silently.
    """

    sources: tuple[FieldPath, ...]
    first: str
    last: str


class RecordType(msgspec.Struct, frozen=True):
    """One kind of record: its row and the facts of the domain that rows are made by.

    `avro` is the schema as it stands in the file, for the Avro writer and the AvroSerDe's literal.
    """

    name: str
    doc: str
    row: Record
    partition_date: PartitionDate
    deletion_time: FieldPath
    reference_id: tuple[FieldPath, ...]
    reference_timestamp: tuple[FieldPath, ...]
    system_source: FieldPath | None
    avro: Mapping[str, Any]


def pii_names(types: Mapping[str, RecordType]) -> frozenset[str]:
    """The attribute names that are personal data in any of the schemas: {"email", "messageBody", "phoneNumber"}."""
    return frozenset(field.name for record_type in types.values() for field in fields(record_type.row) if field.pii)


def fields(kind: Type) -> Iterator[Field]:
    """Every field of a type, at any depth."""
    if isinstance(kind, Record):
        for field in kind.fields:
            yield field
            yield from fields(field.type)
    elif isinstance(kind, Array):
        yield from fields(kind.items)
    elif isinstance(kind, Map):
        yield from fields(kind.values)
