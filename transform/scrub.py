"""Scrubbing: a deletion is archived without personal data (REQ-2, BR-5). Driven by the schemas' marks alone.

Rows of records that are not deleted keep theirs, by policy.
"""

import json
import math
from collections.abc import Callable, Set
from typing import Any

from glue.model import Array, Map, Record, Type, fields
from transform.attributes import member
from transform.row import Row
from transform.surrogates import refuse_constant

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
    """The scrubber of what a field holds; None where nothing in it is personal."""
    if not any(field.pii for field in fields(kind)):
        return None
    if isinstance(kind, Record):
        return scrubber(kind)
    assert isinstance(kind, Array | Map)  # noqa: S101 - nothing else has fields within
    inner = _within(kind.items if isinstance(kind, Array) else kind.values)
    assert inner is not None  # noqa: S101 - it has a personal field

    def scrub_each(values: Any) -> None:
        for value in values.values() if isinstance(values, dict) else values:
            if value is not None:
                inner(value)

    return scrub_each


def scrub_original(payload: bytes, names: Set[str]) -> bytes | None:
    """A change record that failed, as an error document may hold it: redacted if it is a REMOVE.

    Every attribute of such a name is redacted at any depth, in both images and the keys, whatever its tag. None where
    the payload does not parse: it may be a deletion for all we know.

    {"eventName": "REMOVE", ... {"email": {"S": "a@b.c"}}} -> ... {"email": {"S": "[redacted]"}}
    """
    try:
        # "replace": a byte that is not UTF-8 does not hide a REMOVE. Firehose's copy has the bytes as they were.
        document = json.loads(payload.decode("utf-8", "replace"), parse_constant=refuse_constant, parse_float=_finite)
        if not isinstance(document, dict) or document.get("eventName") != "REMOVE":
            return payload
        return json.dumps(_redact(document, names), separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return None


def _finite(digits: str) -> float | None:
    """A float as it is; one beyond a double would be written as Infinity, which is not JSON."""
    number = float(digits)
    return number if math.isfinite(number) else None


def _redact(value: Any, names: Set[str]) -> Any:
    if isinstance(value, dict):
        return {key: {"S": REDACTED} if key in names else _redact(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact(item, names) for item in value]
    return value
