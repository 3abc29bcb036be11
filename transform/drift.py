"""Attributes the schema does not name: ignored, but counted on a sample, so that drift upstream is seen (BR-13)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from glue.model import RecordType
from transform import change as changes
from transform.source import payload_of

# Every 256th record of an invocation, from the first: for each one, this would cost as much as all the rest.
SAMPLE_EVERY = 256

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def unmapped_attributes(record: Mapping[str, Any], record_type: RecordType) -> int:
    """How many top-level attributes of a valid record's image its schema does not name, without the table's keys."""
    _, payload = changes.decode(payload_of(record))
    names = {field.name for field in record_type.row.fields if not field.derived}
    return len(_members(changes.image_of(payload)).keys() - names - _keys(changes.keys_of(payload)))


def _keys(keys: msgspec.Raw) -> set[str]:
    try:
        return set(_members(keys))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return set()
