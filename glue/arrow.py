"""Hive types as Arrow types, which are those of the Parquet files of a Glue table."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from glue import hive

_PRIMITIVES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    # Hive writes INT96, whatever the precision here. Rows hold milliseconds, because Athena's timestamps are
    # timestamp(3), and it rounds finer ones.
    "timestamp": pa.timestamp("ms"),
}


def arrow_type(kind: hive.HiveType) -> pa.DataType:
    """The Arrow type of a Hive type. All of it is nullable but map keys.

    Array(Primitive("int")) -> list<element: int32>
    """
    match kind:
        case hive.Primitive(name):
            return _PRIMITIVES[name]
        case hive.Decimal(precision, scale):
            return pa.decimal128(precision, scale)
        case hive.Char() | hive.Varchar():
            return pa.string()
        case hive.Array(element):
            return pa.list_(pa.field("element", arrow_type(element)))
        case hive.Map(key, value):
            return pa.map_(arrow_type(key), pa.field("value", arrow_type(value)))
        case hive.Struct(fields):
            return pa.struct([pa.field(name.lower(), arrow_type(field)) for name, field in fields])


def columns(table_input: Mapping[str, Any]) -> dict[str, hive.HiveType]:
    """The columns of a Glue TableInput by lower-case name, without the partition columns.

    {"StorageDescriptor": {"Columns": [{"Name": "Id", "Type": "string"}]}} -> {"id": Primitive("string")}

    Raises:
        hive.HiveTypeError: a column's type is not a Hive type; the message names the column.
        ValueError: the table has no columns, or two have the same name in lower case.
    """
    found: dict[str, hive.HiveType] = {}
    for column in table_input.get("StorageDescriptor", {}).get("Columns", []):
        name = str(column["Name"]).lower()
        if name in found:
            raise ValueError(f"two columns of the table are called {name} (Hive folds case)")
        try:
            found[name] = hive.parse(column.get("Type", ""))
        except hive.HiveTypeError as error:
            raise hive.HiveTypeError(f"column {name}: {error}") from None
    if not found:
        raise ValueError("the table has no StorageDescriptor.Columns")
    return found


def schema(table_input: Mapping[str, Any]) -> pa.Schema:
    """The Arrow schema of a Glue TableInput.

    {"StorageDescriptor": {"Columns": [{"Name": "id", "Type": "bigint"}]}} -> id: int64

    Raises the same errors as `columns`.
    """
    return pa.schema([pa.field(name, arrow_type(kind)) for name, kind in columns(table_input).items()])


def in_micros(kind: pa.DataType) -> pa.DataType:
    """The type with timestamps in microseconds. In nanoseconds, INT96 and Arrow's default, they end in 2262.

    list<timestamp[ms]> -> list<timestamp[us]>
    """
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(member.name, in_micros(member.type)) for member in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(in_micros(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, kind.item_field.with_type(in_micros(kind.item_type)))
    return kind
