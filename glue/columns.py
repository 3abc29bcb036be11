"""Makes the columns of a record type's Glue tables."""

from typing import TypedDict

from glue import hive
from glue.model import ArrayType, DecimalType, Enumeration, MapType, Record, RecordType, Scalar, SchemaError, Type

# Source: Glue API reference, "Column": Comment is at most 255 bytes and one line, Type at most 131,072.
COMMENT_BYTES = 255
TYPE_BYTES = 131_072

# Timestamps are in milliseconds: Hive's AvroSerDe ignores timestamp-micros (HIVE-20889), and Athena's are timestamp(3).
_PRIMITIVES = {
    Scalar.STRING: hive.Primitive("string"),
    Scalar.BOOLEAN: hive.Primitive("boolean"),
    Scalar.INT: hive.Primitive("int"),
    Scalar.LONG: hive.Primitive("bigint"),
    Scalar.DOUBLE: hive.Primitive("double"),
    Scalar.TIMESTAMP: hive.Primitive("timestamp"),
    Scalar.DATE: hive.Primitive("date"),
}


class Column(TypedDict):
    """A column in the form of Glue's API."""

    Name: str
    Type: str
    Comment: str


def columns(record_type: RecordType) -> list[Column]:
    """The columns of a record type, in the order of its fields.

    fanId, "string", doc "fan who asks" -> {"Name": "fanid", "Type": "string", "Comment": "fan who asks"}

    Glue has no place for the docs of nested fields; they are in the data dictionary and in the Avro table's literal.

    Raises:
        SchemaError: docs or types are longer than Glue allows, or have several lines; a line for each.
    """
    found = [
        Column(Name=field.name.lower(), Type=str(hive_type(field.type)), Comment=field.doc)
        for field in record_type.row.fields
    ]
    problems = [
        f"{record_type.name}.{field.name}: {what} {problem}"
        for field, column in zip(record_type.row.fields, found, strict=True)
        for what, text, most_bytes in (
            ("its Hive type", column["Type"], TYPE_BYTES),
            ("the doc", column["Comment"], COMMENT_BYTES),
        )
        if (problem := _problem(text, most_bytes))
    ]
    if problems:
        raise SchemaError("\n".join(problems))
    return found


def hive_type(kind: Type) -> hive.HiveType:
    """The Hive type of a type of the model. Struct members are in lower case, because Hive folds them.

    ArrayType(Enumeration("Colour", ("red",))) -> array<string>: Hive knows neither symbols nor nullability.
    """
    match kind:
        case Scalar():
            return _PRIMITIVES[kind]
        case DecimalType(precision=precision, scale=scale):
            return hive.Decimal(precision, scale)
        case Enumeration():
            return _PRIMITIVES[Scalar.STRING]
        case ArrayType(items=items):
            return hive.Array(hive_type(items))
        case MapType(values=values):
            return hive.Map(_PRIMITIVES[Scalar.STRING], hive_type(values))
        case Record(fields=fields):
            return hive.Struct(tuple((field.name.lower(), hive_type(field.type)) for field in fields))


def _problem(text: str, most_bytes: int) -> str:
    if not text.isprintable():
        return "holds a line break or another control character, which Glue does not take"
    if len(text.encode()) > most_bytes:
        return f"is longer than the {most_bytes:,} bytes that Glue takes for a column"
    return ""
