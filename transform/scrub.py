"""Redacts the personal data of deletions (REQ-2, BR-5): the fields that the schemas mark with `pii`.

Rows of records that are not deleted keep their personal data, by policy.
"""

import json
import math
from collections.abc import Callable, Set
from hashlib import sha256
from typing import Any

import msgspec

from glue.model import ArrayType, MapType, Record, Type, fields
from transform.attributes import member
from transform.row import Row
from transform.surrogates import refuse_constant, short_integer

REDACTED = "[redacted]"

Scrub = Callable[[Row], None]


def scrubber(record: Record) -> Scrub:
    """A function that redacts, in a row, each personal field that is present and not null, at any depth."""
    personal = [member(field.name) for field in record.fields if field.pii]
    nested = [(member(field.name), inner) for field in record.fields if (inner := _within(field.type)) is not None]

    def scrub(row: Row) -> None:
        for name in personal:
            if getattr(row, name) is not None:
                setattr(row, name, REDACTED)
        for name, inner in nested:
            value = getattr(row, name)
            if value is not None:
                inner(value)

    return scrub


def _within(kind: Type) -> Scrub | None:
    """The scrubber of a field's value; None if nothing in it is personal."""
    if not any(field.pii for field in fields(kind)):
        return None
    if isinstance(kind, Record):
        return scrubber(kind)
    assert isinstance(kind, ArrayType | MapType)  # noqa: S101 - no other type has fields
    inner = _within(kind.items if isinstance(kind, ArrayType) else kind.values)
    assert inner is not None  # noqa: S101 - there is a personal field in it

    def scrub_each(values: Any) -> None:
        for value in values.values() if isinstance(values, dict) else values:
            if value is not None:
                inner(value)

    return scrub_each


class Original(msgspec.Struct, frozen=True):
    """A record that parses: its bytes with every personal attribute redacted, and True if it is a deletion."""

    redacted: bytes
    is_deletion: bool


def parse_original(payload: bytes, names: Set[str]) -> Original | None:
    """The record with every attribute redacted whose name is in `names`, whatever its depth and tag.

    {"eventName": "REMOVE", ... {"Email": {"S": "a@b.c"}}} -> Original(b'... {"Email":{"S":"[redacted]"}}', True)

    None if it does not parse. A record without such attributes stays as it is, byte by byte. Names compare without
    case, and an attribute counts wherever it stands: in both images, in the keys, in a member that is there twice, of
    which parsers keep the last. For the same reason any `eventName` that is REMOVE makes the record a deletion.
    """
    personal = {name.casefold() for name in names}
    is_deletion = found = False

    def redact(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal is_deletion, found
        document: dict[str, Any] = {}
        for name, value in members:
            folded = name.casefold()
            is_deletion |= folded == "eventname" and isinstance(value, str) and value.casefold() == "remove"
            found |= folded in personal
            document[name] = {"S": REDACTED} if folded in personal else value
        return document

    try:
        # "replace": a REMOVE is redacted even if it is not UTF-8. Firehose's copy has the true bytes.
        document = json.loads(
            payload.decode("utf-8", "replace"),
            object_pairs_hook=redact,
            parse_constant=refuse_constant,
            parse_float=_finite,
            parse_int=short_integer,
        )
        redacted = json.dumps(document, separators=(",", ":")).encode() if found else payload
    except (ValueError, RecursionError):
        return None
    return Original(redacted, is_deletion)


def scrub_original(payload: bytes, names: Set[str]) -> bytes | None:
    """The original of a failed record for its error document: redacted if it is a deletion.

    None if it does not parse: it may be a deletion, too, and cannot be redacted.
    """
    return kept_of(payload, parse_original(payload, names))


def digest_of_original(payload: bytes, names: Set[str]) -> str:
    """A digest that identifies a record and does not give its personal data back (BR-23).

    It is the SHA-256 of the record with the attributes in `names` redacted, 64 hexadecimal digits: a phone number is
    found from a digest of it in seconds, by trying. What does not parse is digested as it is. The error documents of
    transform/errors.py and their readers (firehose/lake/errors), which know Firehose's own copy of the record, both
    take it from here, so that they agree.
    """
    return digest_of(payload, parse_original(payload, names))


def kept_of(payload: bytes, original: Original | None) -> bytes | None:
    """`scrub_original` of a payload that is parsed already: parsing takes nearly all of the time."""
    if original is None:
        return None
    return original.redacted if original.is_deletion else payload


def digest_of(payload: bytes, original: Original | None) -> str:
    """`digest_of_original` of a payload that is parsed already."""
    return sha256(payload if original is None else original.redacted).hexdigest()


def _finite(digits: str) -> float | None:
    """A number as a float; None beyond a double's range, because Python would write Infinity, which is not JSON."""
    number = float(digits)
    return number if math.isfinite(number) else None
