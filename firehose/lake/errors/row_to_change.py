"""Turn a row back into its change record, so that today's function can build the row again.

If a record failed after the function, the error output may hold its row instead of its change record: one that did not
convert, or that an Iceberg table refused. Type tags are derived from JSON types, and names from the schema, which also
says that a number is a time, and a text a decimal, in Iceberg mode's rows. Whatever no longer fits then fails in
today's code.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import msgspec

from glue.layout import PARTITION
from glue.model import ArrayType, DecimalType, Field, MapType, Record, RecordType, Scalar, Type
from transform.change import TTL
from transform.times import FIRST_MICROS, LAST_MICROS, of_micros

# A float has 15 digits; a decimal of a row may have more.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode

_NAMES = ("INSERT", "MODIFY", "REMOVE")  # not a set, because unhashable values are looked up in it


class OriginalChange(NamedTuple):
    """A change record as bytes, with the sequence of its row (140 digits) if it was rebuilt from one."""

    payload: bytes
    sequence: str | None = None


def original(raw: bytes, types: Mapping[str, RecordType]) -> OriginalChange:
    """Return the change record in an error record; if that holds a row, the change that would give this row.

    b'{"type":"sale","saleid":"s1",...,"isdeleted":false,"change":{"name":"INSERT","atMicros":...}}'
      -> b'{"eventName":"INSERT","dynamodb":{...,"NewImage":{"type":{"S":"sale"},"saleId":{"S":"s1"},...}}}'

    Redacted values stay redacted. Members that the function computes are left out.
    """
    if b'"change"' not in raw or b'"isdeleted"' not in raw:  # nearly always: a change record is not parsed here
        return OriginalChange(raw)
    try:
        return _rebuilt(_decode(raw), types) or OriginalChange(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return OriginalChange(raw)


def _rebuilt(row: Any, types: Mapping[str, RecordType]) -> OriginalChange | None:
    """Return the change record of a row; None if this is not a row."""
    if not isinstance(row, dict) or "dynamodb" in row or not isinstance(row.get("type"), str):
        return None
    record_type, change = types.get(row["type"]), row.get("change")
    if record_type is None or not isinstance(change, dict) or change.get("name") not in _NAMES:
        return None
    sequence = change.get("sequence")
    rebuilt = msgspec.json.encode(_change(change, _image(row, record_type.row)))
    return OriginalChange(rebuilt, sequence if isinstance(sequence, str) else None)


def _change(change: Mapping[str, Any], image: dict[str, Any]) -> dict[str, Any]:
    identity = {"type": "Service", "principalId": TTL} if change.get("expired") is True else None
    data = {
        "ApproximateCreationDateTime": change.get("atmicros"),
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
        "OldImage" if change["name"] == "REMOVE" else "NewImage": image,
    }
    if isinstance(change.get("item"), str):
        data["KeysDigest"] = change["item"]  # the keys cannot be had from their digest, and the row keeps it (BR-20)
    made = {"eventName": change["name"], "userIdentity": identity, "dynamodb": data}
    return made if change.get("id") is None else {"eventID": change["id"], **made}


def _image(row: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """Return the attributes of a row's members, under the schema's names. A member that it lacks keeps its own name."""
    fields, image = _by_lower_case(record), {}
    for name, value in row.items():
        field = fields.get(name)
        if field is None and name != PARTITION:  # that is a column of Iceberg mode's rows
            image[name] = _attribute(value, None)
        elif field is not None and not field.derived:
            image[field.name] = _attribute(value, field.type)
    return image


def _attribute(value: Any, kind: Type | None) -> dict[str, Any]:  # noqa: PLR0911 - a case for each type tag
    """Return a value with its type tag: ["a"] -> {"L": [{"S": "a"}]}. `kind` gives the names within records."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() if kind is Scalar.TIMESTAMP and FIRST_MICROS <= value <= LAST_MICROS:
            return {"S": of_micros(value)}
        case int() | Decimal():
            return {"N": str(value)}
        case str() if isinstance(kind, DecimalType):
            return {"N": value}
        case str():
            return {"S": value}
        case list():
            return {"L": [_attribute(item, kind.items if isinstance(kind, ArrayType) else None) for item in value]}
        case _ if isinstance(kind, Record):
            return {"M": _image(value, kind)}
        case _:
            return {
                "M": {
                    key: _attribute(one, kind.values if isinstance(kind, MapType) else None)
                    for key, one in value.items()
                }
            }


@cache
def _by_lower_case(record: Record) -> dict[str, Field]:
    return {field.name.lower(): field for field in record.fields}
