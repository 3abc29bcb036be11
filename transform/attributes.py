"""DynamoDB's typed JSON as msgspec types, made once from a schema: decoding an image validates it, in one pass in C.

    {"fanId": {"S": "f1"}, "venues": {"L": [{"M": {...}}]}}

An attribute is an object with exactly one type tag (BR-14). Where only one tag can stand, msgspec holds that alone.
Where null, or a set for a list, may stand as well, the members are each optional here and the row builder asks that
exactly one is there (transform/row.py): msgspec has no word for it, and a union of objects is not one it takes.
"""

import keyword
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias

import msgspec

from glue.model import Array, Enumeration, Map, Record, Scalar, Type
from transform.explain import explain

Image: TypeAlias = Any  # a Struct made by `record_struct`: its members are known only to the schema

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
    """The Python name of a field: `from` cannot be one, so it is `from_`."""
    return f"{name}_" if keyword.iskeyword(name) else name


def tags(kind: Type, *, optional: bool) -> dict[str, Any]:
    """The type tags an attribute may have, and what each holds: {"S": str, "NULL": bool} for an optional string."""
    allowed: dict[str, Any]
    if isinstance(kind, Enumeration):
        allowed = {"S": Literal[kind.symbols]}  # BR-14: case-sensitive
    elif isinstance(kind, Record):
        allowed = {"M": record_struct(kind)}
    elif isinstance(kind, Map):
        allowed = {"M": _of(dict, str, attribute_struct(kind.values, optional=False))}
    elif isinstance(kind, Array):
        allowed = {"L": _of(list, attribute_struct(kind.items, optional=True))}
        if kind.items is Scalar.STRING:
            allowed["SS"] = list[str]  # BR-11: a string set is archived as an array
    else:
        tag, holds = _TAGS[kind]
        allowed = {tag: holds}
    return allowed | ({"NULL": bool} if optional else {})


def _of(container: Any, *arguments: Any) -> Any:
    """list[T] of a T that only exists when this runs."""
    return container[arguments]


@cache
def attribute_struct(kind: Type, *, optional: bool) -> type[msgspec.Struct]:
    """The type of one attribute, `{"S": "x"}`. With several tags every member is optional, None where absent."""
    allowed = tags(kind, optional=optional)
    fields: list[Any] = [(tag, holds) if len(allowed) == 1 else (tag, holds, None) for tag, holds in allowed.items()]
    # gc=False: these hold no cycles, and the collector walking half a million of them costs more than they do.
    return msgspec.defstruct("Attribute", fields, forbid_unknown_fields=True, gc=False)


@cache
def record_struct(record: Record) -> type[msgspec.Struct]:
    """The type of a map of attributes by the record's fields. Others are ignored, whatever they hold (BR-13)."""
    mine = [field for field in record.fields if not field.derived]
    fields: list[Any] = [
        (member(field.name), attribute_struct(field.type, optional=field.optional), *([None] if field.optional else []))
        for field in sorted(mine, key=lambda field: field.optional)  # msgspec wants the required ones first
    ]
    names = {member(field.name): field.name for field in mine}
    return msgspec.defstruct(record.name, fields, rename=names, gc=False)


def image_decoder(record: Record) -> Callable[[msgspec.Raw], Image]:
    """A decoder of images of one record type.

    It raises BadRecord, `invalid`, with the path of the attribute that does not fit (BR-3).
    """
    decode = msgspec.json.Decoder(record_struct(record)).decode

    def decode_image(image: msgspec.Raw) -> Image:
        try:
            return decode(image)
        except msgspec.ValidationError as error:
            raise explain(record, str(error)) from None

    return decode_image
