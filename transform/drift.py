"""Counts the attributes that no schema names, on a sample of records: they are ignored, but show drift (BR-13)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from glue.model import RecordType
from transform import change as changes
from transform.event_record import payload_of

# The first record of an invocation and every 256th after it. Counting all would double the function's time.
SAMPLE_EVERY = 256

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def unmapped_attributes(record: Mapping[str, Any], record_type: RecordType) -> int:
    """The number of top-level attributes in a valid record's image that are neither in the schema nor table keys."""
    _, payload = changes.decode(payload_of(record))
    change = changes.undecoded(payload)
    names = {field.name for field in record_type.row.fields if not field.derived}
    return len(_members(change.image).keys() - names - _keys(change.dynamodb.Keys))


def _keys(keys: msgspec.Raw) -> set[str]:
    try:
        return set(_members(keys))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return set()
