"""The Iceberg tables of the record types: schemas, partitions and properties. This file loads PyIceberg.

Each type has two. The history has a row for every change, and Firehose appends to it. The current table has the newest
row of each entity, and MERGE statements bring it up to date (glue/merge.py).

A history has the columns of the Parquet table, and `partition_date` as a column, by which it is partitioned: queries
with partition_date >= '2025-01-01' work unchanged, and read only those partitions. Every column is optional, because
Firehose makes an absent key null and fails a row that lacks a required one.

Field ids say which column of an old file a column is. The catalog gives them: the ids of a new table from 1, first the
columns, then their members; later fields the next ids. So a table evolves by name, and is never made anew from its
schema. The ids in a schema that is made here only have to differ.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, IdentityTransform, Transform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DoubleType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    StructType,
    TimestampType,
)
from pyiceberg.types import DecimalType as IcebergDecimal
from pyiceberg.types import MapType as IcebergMap

from glue.evolution import BreakingChange
from glue.layout import ENTITY_BUCKET, ENTITY_COLUMN, PARTITION, current_table
from glue.model import ArrayType, DecimalType, Enumeration, MapType, Record, RecordType, Scalar, Type

FORMAT_VERSION = "2"  # Firehose and Athena write no other (Firehose guide, "Considerations"; Athena guide)

_PARTITION_DOC = "UTC date of the record, 2025-01-01, by which its history is partitioned"
_ENTITY_DOC = "entity of which this is the newest row: change.item, else reference.id"

_BUCKETS = 16

_SCALARS: dict[Scalar, PrimitiveType] = {
    Scalar.STRING: StringType(),
    Scalar.BOOLEAN: BooleanType(),
    Scalar.INT: IntegerType(),
    Scalar.LONG: LongType(),
    Scalar.DOUBLE: DoubleType(),
    # Without a zone, as Hive's: the analysts' comparisons and date_diff stay as they are.
    Scalar.TIMESTAMP: TimestampType(),
    Scalar.DATE: DateType(),
}

_WIDER = {(IntegerType(), LongType())}  # as glue/evolution.py allows, and Iceberg too

_KEEP_SNAPSHOTS_MS = 5 * 24 * 60 * 60 * 1000
_KEEP_METADATA_FILES = 10


class TableModel(msgspec.Struct, frozen=True):
    """A table as the schema of its record type wants it; `history` is the table that its rows are merged from."""

    name: str
    schema: Schema
    spec: PartitionSpec
    properties: dict[str, str]
    history: str | None = None


def history(record_type: RecordType) -> TableModel:
    """The table with a row for each change, partitioned by partition date."""
    made = schema(record_type)
    spec = _spec(made, PARTITION, IdentityTransform(), PARTITION)
    return TableModel(record_type.name.lower(), made, spec, properties(record_type))


def current(record_type: RecordType) -> TableModel:
    """The table with the newest row of each entity: the columns of the history, and the entity.

    It is partitioned by buckets of the entity: an entity stays in its partition whatever becomes of its dates, and a
    MERGE that touches all of them writes far fewer than the hundred partitions that a statement of Athena may write.
    """
    ids = count(1)
    made = Schema(*_columns(record_type, ids), _text(ids, ENTITY_COLUMN, _ENTITY_DOC))
    spec = _spec(made, ENTITY_COLUMN, BucketTransform(_BUCKETS), ENTITY_BUCKET)
    name = record_type.name.lower()
    return TableModel(current_table(name), made, spec, properties(record_type), history=name)


def in_order_of(history: Schema, model: TableModel) -> TableModel:
    """The model of a current table with the members of its columns in the order that its history has them.

    Where both evolved alike it is that of the schema. Athena assigns a struct member by member, whatever their names.
    """
    added = [one for one in model.schema.fields if one.name not in history.column_names]
    ids = count(history.highest_field_id + 1)
    made = Schema(*history.fields, *(_text(ids, one.name, one.doc or "") for one in added))
    (one,) = model.spec.fields
    return msgspec.structs.replace(model, schema=made, spec=_spec(made, ENTITY_COLUMN, one.transform, one.name))


def other_order(history: Schema, current: Schema, table: str) -> list[BreakingChange]:
    """The columns of a current table whose members are in another order than in its history.

    change has at, id in place of id, at -> [BreakingChange("sale_current.change", "its members ...")]
    """
    why = "its members are in another order than in its history, and Athena would swap them: make the table anew"
    known = set(history.column_names) & set(current.column_names)
    return [
        BreakingChange(f"{table}.{column.name}", why)
        for column in history.fields
        if _members(history, column.name, known) != _members(current, column.name, known)
    ]


def _members(schema: Schema, column: str, known: set[str]) -> list[str]:
    return [path for path in schema.column_names if path.startswith(f"{column}.") and path in known]


def schema(record_type: RecordType) -> Schema:
    """The Iceberg schema of a record type's rows, with a doc at every depth.

    fanId, "string" -> 1: fanid: optional string; the last column is partition_date
    """
    return Schema(*_columns(record_type, count(1)))


def properties(record_type: RecordType) -> dict[str, str]:
    """The properties of a table.

    Old snapshots and old metadata files are removed from the first day, since every flush adds both. Manifests would
    hold the bounds of a personal column: 16 characters, a whole phone number.

    There is no `commit.*` among them. AWS's writers read the same properties, and without retries theirs would fail
    where two commit at once.
    """
    personal = {f"write.metadata.metrics.column.{path}": "none" for path in _personal(record_type.row, "")}
    return {
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": str(_KEEP_METADATA_FILES),
        "history.expire.max-snapshot-age-ms": str(_KEEP_SNAPSHOTS_MS),
        "history.expire.min-snapshots-to-keep": "1",
        **personal,
    }


def breaking(table: str, old: Schema, new: Schema) -> list[BreakingChange]:
    """The changes from a table's schema to a newer one that would break its readers, in the order of its columns.

    email is gone -> [BreakingChange("demand.email", "removed: queries that name it would fail")]

    What a schema cannot say, such as where the partition date comes from, `dmd glue check` compares.
    """
    return list(_struct(old.as_struct(), new.as_struct(), table))


def _columns(record_type: RecordType, ids: Iterator[int]) -> list[NestedField]:
    return [*_fields(record_type.row, ids), _text(ids, PARTITION, _PARTITION_DOC)]


def _text(ids: Iterator[int], name: str, doc: str) -> NestedField:
    return NestedField(next(ids), name, StringType(), required=False, doc=doc)


def _spec(made: Schema, column: str, transform: Transform[Any, Any], name: str) -> PartitionSpec:
    return PartitionSpec(PartitionField(made.find_field(column).field_id, 1000, transform, name))


def _fields(record: Record, ids: Iterator[int]) -> list[NestedField]:
    return [
        NestedField(next(ids), field.name.lower(), _type(field.type, ids), required=False, doc=field.doc or None)
        for field in record.fields
    ]


def _type(kind: Type, ids: Iterator[int]) -> IcebergType:
    match kind:
        case Scalar():
            return _SCALARS[kind]
        case DecimalType(precision=precision, scale=scale):
            return IcebergDecimal(precision, scale)
        case Enumeration():
            return StringType()
        case ArrayType(items=items):
            return ListType(next(ids), _type(items, ids), element_required=False)
        case MapType(values=values):
            return IcebergMap(next(ids), StringType(), next(ids), _type(values, ids), value_required=False)
        case Record():
            return StructType(*_fields(kind, ids))


def _personal(kind: Type, path: str) -> Iterator[str]:
    """The paths of personal fields, as Iceberg spells them: "phonenumber", "guests.element.email"."""
    match kind:
        case Record(fields=fields):
            for field in fields:
                name = f"{path}{field.name.lower()}"
                if field.pii:
                    yield from _leaves(field.type, name)
                else:
                    yield from _personal(field.type, f"{name}.")
        case ArrayType(items=items):
            yield from _personal(items, f"{path}element.")
        case MapType(values=values):
            yield from _personal(values, f"{path}value.")


def _leaves(kind: Type, path: str) -> Iterator[str]:
    """The paths of everything that is not nested any further: metrics are of those."""
    match kind:
        case Record(fields=fields):
            for field in fields:
                yield from _leaves(field.type, f"{path}.{field.name.lower()}")
        case ArrayType(items=items):
            yield from _leaves(items, f"{path}.element")
        case MapType(values=values):
            yield f"{path}.key"
            yield from _leaves(values, f"{path}.value")
        case _:
            yield path


def _struct(old: StructType, new: StructType, path: str) -> Iterator[BreakingChange]:
    after = {field.name: field for field in new.fields}
    for field in old.fields:
        where = f"{path}.{field.name}"
        if field.name in after:
            yield from _types(field.field_type, after[field.name].field_type, where)
        else:
            yield BreakingChange(where, "removed: queries that name it would fail")


def _types(old: IcebergType, new: IcebergType, path: str) -> Iterator[BreakingChange]:
    match old, new:
        case StructType(), StructType():
            yield from _struct(old, new, path)
        case ListType(), ListType():
            yield from _types(old.element_type, new.element_type, f"{path}[]")
        case IcebergMap(), IcebergMap():
            yield from _types(old.value_type, new.value_type, f"{path}[*]")
        case _ if old != new and (old, new) not in _WIDER:
            why = f"{_word(old)} made {_word(new)}: files written before do not read so (only int to long does)"
            yield BreakingChange(path, why)


def _word(kind: IcebergType) -> str:
    match kind:
        case StructType():
            return "struct"
        case ListType():
            return "list"
        case IcebergMap():
            return "map"
    return str(kind)
