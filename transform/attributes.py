"""Makes msgspec types for DynamoDB's typed JSON from a schema, so that C code decodes and validates an image at once.

    {"fanId": {"S": "f1"}, "venues": {"L": [{"M": {...}}]}}

An attribute is an object with exactly one type tag (BR-14). If only one tag is allowed, msgspec enforces that. If null,
or a set instead of a list, is allowed too, every tag is optional here, and the row builder checks that there is exactly
one (transform/row.py): msgspec cannot express that, and does not support untagged unions of objects.
"""

import keyword
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias

import msgspec

from glue.model import ArrayType, DecimalType, Enumeration, MapType, Record, Scalar, Type
from transform.validation_message import bad_attribute

Image: TypeAlias = Any  # a Struct made by `record_struct`, whose members only the schema knows

_TAGS = {
    Scalar.STRING: ("S", str),
    Scalar.TIMESTAMP: ("S", str),
    Scalar.DATE: ("S", str),
    Scalar.BOOLEAN: ("BOOL", bool),
    Scalar.INT: ("N", str),
    Scalar.LONG: ("N", str),
    Scalar.DOUBLE: ("N", str),
}


def member(name: str) -> str:
    """The Python name of a field. `from` is a keyword, so its name is `from_`."""
    return f"{name}_" if keyword.iskeyword(name) else name


def tags(kind: Type, *, optional: bool) -> dict[str, Any]:
    """The type tags an attribute may have, and what each holds: {"S": str, "NULL": bool} for an optional string."""
    allowed: dict[str, Any]
    if isinstance(kind, Enumeration):
        allowed = {"S": Literal[kind.symbols]}  # BR-14: case-sensitive
    elif isinstance(kind, Record):
        allowed = {"M": record_struct(kind)}
    elif isinstance(kind, MapType):
        allowed = {"M": _of(dict, str, attribute_struct(kind.values, optional=False))}
    elif isinstance(kind, ArrayType):
        allowed = {"L": _of(list, attribute_struct(kind.items, optional=True))}
        if kind.items is Scalar.STRING:
            allowed["SS"] = list[str]  # BR-11: a string set is archived as an array
    elif isinstance(kind, DecimalType):
        allowed = {"N": str}
    else:
        tag, holds = _TAGS[kind]
        allowed = {tag: holds}
    return allowed | ({"NULL": bool} if optional else {})


def _of(container: Any, *arguments: Any) -> Any:
    """list[T], for a T that is made at run time."""
    return container[arguments]


@cache
def attribute_struct(kind: Type, *, optional: bool) -> type[msgspec.Struct]:
    """The type of one attribute, `{"S": "x"}`. If it may have several tags, each is optional, and None where absent."""
    allowed = tags(kind, optional=optional)
    fields: list[Any] = [(tag, holds) if len(allowed) == 1 else (tag, holds, None) for tag, holds in allowed.items()]
    # gc=False: these form no cycles, and the collector's walk over half a million of them costs more than making them.
    return msgspec.defstruct("Attribute", fields, forbid_unknown_fields=True, gc=False)


@cache
def record_struct(record: Record) -> type[msgspec.Struct]:
    """The type of a map with an attribute for each field. Others are ignored, whatever they hold (BR-13)."""
    mine = [field for field in record.fields if not field.derived]
    fields: list[Any] = [
        (member(field.name), attribute_struct(field.type, optional=field.optional), *([None] if field.optional else []))
        for field in sorted(mine, key=lambda field: field.optional)  # msgspec requires these first
    ]
    names = {member(field.name): field.name for field in mine}
    return msgspec.defstruct(record.name, fields, rename=names, gc=False)


def image_decoder(record: Record) -> Callable[[msgspec.Raw], Image]:
    """A decoder of the images of one record type.

    It raises BadRecord, `invalid`, with the path of the attribute that does not fit the schema (BR-3).
    """
    decode = msgspec.json.Decoder(record_struct(record)).decode

    def decode_image(image: msgspec.Raw) -> Image:
        try:
            return decode(image)
        except msgspec.ValidationError as error:
            raise bad_attribute(record, str(error)) from None

    return decode_image
