"""Redact one record that failed: a change record, or the row that was made of it."""

import json
from collections.abc import Set
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from firehose.lake.erasure.subjects import Subjects
from transform.scrub import REDACTED, parse_original

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


class RedactedOriginal(NamedTuple):
    """The bytes of a record without personal data, and how many values were redacted; at least 1 if it was emptied."""

    raw: bytes
    values: int


def subjects_of(raw: bytes, subjects: Subjects) -> set[str]:
    """Return the subjects whose id is in a string of a record, at any depth. One that does not parse is searched."""
    document = _parsed(raw)
    if document is None:
        return subjects.in_unparsed(raw.decode("utf-8", "replace"))
    return subjects.in_strings(document)


def parses(raw: bytes, names: Set[str]) -> bool:
    """Return True if a record can be redacted and still be read."""
    return parse_original(raw, names) is not None


def redact_original(raw: bytes, names: Set[str]) -> RedactedOriginal:
    """Redact a change record as the function does that of a deletion, so that both copies stay equal bytes.

    A row gets the literal itself, as a row of a deletion has, and keeps null. What does not parse is emptied.
    """
    personal = {name.casefold() for name in names}
    row = _row(raw)
    if row is not None:
        values = _redact_members(row, personal)
        ending = raw[len(raw.rstrip()) :]
        return RedactedOriginal(_encode(row) + ending if values else raw, values)
    parsed = parse_original(raw, names)
    if parsed is None:
        return RedactedOriginal(b"", bool(raw))
    if parsed.redacted == raw:
        return RedactedOriginal(raw, 0)
    # One that was redacted and only written otherwise is written once more, by no value.
    return RedactedOriginal(parsed.redacted, _personal_values(_parsed(raw), personal))


def _parsed(raw: bytes) -> Any:
    """Return a record's JSON, None if it has none. An object is a list of pairs: a name may be there twice."""
    try:
        return json.loads(raw.decode("utf-8", "replace"), object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None


def _row(raw: bytes) -> dict[str, Any] | None:
    """Return a row; None if this is something else."""
    if b'"change"' not in raw:  # nearly always: a change record is not parsed here
        return None
    try:
        row = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    is_row = isinstance(row, dict) and "dynamodb" not in row and isinstance(row.get("change"), dict)
    return row if is_row else None


def _redact_members(value: Any, personal: Set[str]) -> int:
    """Redact the members with a personal name, at any depth, and return their number."""
    values = 0
    if isinstance(value, list):
        return sum(_redact_members(one, personal) for one in value)
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.casefold() not in personal:
                values += _redact_members(inner, personal)
            elif inner is not None and inner != REDACTED:
                value[name] = REDACTED
                values += 1
    return values


def _personal_values(pairs: Any, personal: Set[str]) -> int:
    """Count the members with a personal name that are not redacted."""
    waiting, values = [pairs], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, tuple):
            name, inner = one
            if name.casefold() not in personal:
                waiting.append(inner)
            else:
                values += inner != [("S", REDACTED)]
    return values
