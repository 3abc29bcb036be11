"""Redacts the personal data of deletions (REQ-2, BR-5): the fields that the schemas mark with `pii`.

Rows of records that are not deleted keep their personal data, by policy.
"""

import json
import math
from collections.abc import Callable, Set
from typing import Any

from glue.model import ArrayType, MapType, Record, Type, fields
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


def scrub_original(payload: bytes, names: Set[str]) -> bytes | None:
    """The original of a failed record for its error document: redacted if it is a REMOVE, None if it does not parse.

    Every attribute whose name is in `names` is redacted, at any depth, in both images and the keys, whatever its tag. A
    payload that does not parse may be a deletion, too, and there is no way to redact it.

    {"eventName": "REMOVE", ... {"email": {"S": "a@b.c"}}} -> ... {"email": {"S": "[redacted]"}}
    """
    try:
        # "replace": a REMOVE is redacted even if it is not UTF-8. Firehose's copy has the true bytes.
        document = json.loads(payload.decode("utf-8", "replace"), parse_constant=refuse_constant, parse_float=_finite)
        if not isinstance(document, dict) or document.get("eventName") != "REMOVE":
            return payload
        return json.dumps(_redact(document, names), separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return None


def _finite(digits: str) -> float | None:
    """A number as a float; None beyond a double's range, because Python would write Infinity, which is not JSON."""
    number = float(digits)
    return number if math.isfinite(number) else None


def _redact(value: Any, names: Set[str]) -> Any:
    if isinstance(value, dict):
        return {key: {"S": REDACTED} if key in names else _redact(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact(item, names) for item in value]
    return value
