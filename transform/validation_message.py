"""Messages for images that msgspec refuses: in words of the schema, because msgspec's own quote the record."""

import re

from glue.model import ArrayType, DecimalType, Enumeration, MapType, Record, Scalar, Type
from transform.outcome import BadRecord, invalid
from transform.times import EXPECTED_DATE, EXPECTED_TIME

_MISSING = re.compile(r"Object missing required field `(\w+)`")
_STEP = re.compile(r"\.\w+|\[(?:\d+|\.\.\.)\]")

_EXPECTED = {
    Scalar.STRING: 'a string: {"S": text}',
    Scalar.TIMESTAMP: f'{EXPECTED_TIME}: {{"S": text}}',
    Scalar.DATE: f'{EXPECTED_DATE}: {{"S": text}}',
    Scalar.BOOLEAN: 'a boolean: {"BOOL": true or false}',
    Scalar.INT: 'an integer of 32 bits: {"N": digits}',
    Scalar.LONG: 'an integer of 64 bits: {"N": digits}',
    Scalar.DOUBLE: 'a number: {"N": digits}',
}


def expected(kind: Type, *, optional: bool) -> str:
    """A description of a valid attribute: `a string: {"S": text}, or {"NULL": true}`."""
    if isinstance(kind, Enumeration):
        words = f'one of {", ".join(kind.symbols)}: {{"S": text}}'
    elif isinstance(kind, ArrayType):
        words = 'a list: {"L": [...]}' + (', or a string set: {"SS": [...]}' if kind.items is Scalar.STRING else "")
    elif isinstance(kind, Record | MapType):
        words = 'a map: {"M": {...}}'
    elif isinstance(kind, DecimalType):
        words = f'a number of at most {kind.precision} digits, {kind.scale} of them behind the point: {{"N": digits}}'
    else:
        words = _EXPECTED[kind]
    return words + (', or {"NULL": true}' if optional else "")


def bad_attribute(record: Record, text: str) -> BadRecord:
    """The BadRecord for the text of a msgspec ValidationError over an image.

    "Expected `str`, got `int` - at `$.venues.L[0].M.name.S`" -> venues[0].name: expected a string: {"S": text}

    The steps of msgspec's path alternate between an attribute (by name, index or key) and its tag; tags are left out.
    """
    missing = _MISSING.match(text)
    container: Type | None = record
    kind: Type = record
    optional, path = False, ""
    for step in _STEP.findall(path_in(text)):
        if container is None:
            container = kind if step in {".M", ".L"} else None
        else:
            kind, optional, name = _inside(container, step)
            container, path = None, path + name
    if container is not None and missing:
        kind, optional, name = _inside(container, f".{missing[1]}")
        path += name
    return invalid(path.removeprefix("."), expected(kind, optional=optional))


def path_in(text: str) -> str:
    """The path in a ValidationError's text, `.venues.L[0]`: after the last $, because quoted values may hold others."""
    _, at, path = text.rpartition(" at `$")
    return path.removesuffix("`") if at else ""


def _inside(container: Type, step: str) -> tuple[Type, bool, str]:
    """The attribute one step inside a map or list: its type, True if it may be null, its part of the path."""
    if isinstance(container, Record):
        field = container.field(step.removeprefix("."))
        return field.type, field.optional, step
    if isinstance(container, ArrayType):
        return container.items, True, step
    assert isinstance(container, MapType)  # noqa: S101 - no other type contains attributes
    return container.values, False, "[*]"
