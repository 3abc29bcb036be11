"""The JSON documents of one record, as Jackson would hand them to a SerDe.

A number keeps the text that it was written in: a decimal column needs all its digits, and Hive's SerDe puts the text
into a string column. Everything else is Python's own: str, bool, None, list, dict (of two equal names the later wins,
as in a Java map).
"""

import json
import re
from typing import Any, NoReturn, TypeAlias

import msgspec

from firehose.local.conversion.row_error import (
    EMPTY,
    MALFORMED_DATA,
    MALFORMED_JSON,
    MISMATCH,
    PARSE_ERROR,
    TOP_PRIMITIVE,
    RowError,
    malformed,
)

# Ours, so that a record's outcome does not depend on Python's version (3.11 fails at 900 levels, 3.13 does not).
# DynamoDB nests 32 levels; reading takes two or three of Python's 1,000 frames a level.
NESTING_LEVELS = 128

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


class Number(msgspec.Struct, frozen=True):
    """A JSON number by its text; `whole` if it has neither point nor exponent: Jackson reads that as an integer."""

    text: str
    whole: bool


Json: TypeAlias = "str | bool | Number | list[Any] | dict[str, Any]"


def documents(raw: bytes) -> list[dict[str, Any]]:
    r"""Returns the objects of one record; several may follow one another.

    b'{"qty":1.50}\n{"qty":2}' -> [{"qty": Number("1.50", False)}, {"qty": Number("2", True)}]

    Raises:
        RowError: the record is not UTF-8, not JSON, blank, or not an object at the top level.
    """
    text = _text(raw)
    found = []
    place = _after_space(text, 0)
    while place < len(text):
        document, place = _next(text, place)
        if isinstance(document, list):
            # According to the guide, Firehose does not accept an array of documents.
            raise malformed(MISMATCH, "expected an object, got an array")
        if not isinstance(document, dict):
            raise malformed(TOP_PRIMITIVE)
        found.append(document)
        place = _after_space(text, place)
    if not found:
        raise malformed(EMPTY)
    return found


def read_value(text: str) -> Any:
    """Returns the value of one JSON text; None if it is not JSON.

    '["a"]' -> ["a"]
    """
    try:
        if text.count("[") + text.count("{") > NESTING_LEVELS:
            _refuse_deep(text)
        value, place = _next(text, _after_space(text, 0))
    except RowError:
        return None
    return value if _after_space(text, place) == len(text) else None


def kind_of(value: Any) -> str:
    """Names the kind of a JSON value, without the value: Number("1", True) -> "a number"."""
    names: dict[type, str] = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return names.get(type(value), "a number" if isinstance(value, Number | int | float) else "null")


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise RowError(MALFORMED_DATA, "The record is not UTF-8.") from None
    if text.count("[") + text.count("{") > NESTING_LEVELS:  # rare; the count takes 0.7 ms a MiB
        _refuse_deep(text)
    return text


def _refuse_deep(text: str) -> None:
    level = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if level > NESTING_LEVELS:
            raise RowError(PARSE_ERROR, f"{MALFORMED_JSON} [nested deeper than {NESTING_LEVELS} levels]")


def _next(text: str, place: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, place)
    except ValueError:
        raise RowError(PARSE_ERROR, MALFORMED_JSON) from None


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(
    parse_int=lambda text: Number(text, whole=True),
    parse_float=lambda text: Number(text, whole=False),
    parse_constant=_no_constant,
)
