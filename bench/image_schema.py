"""Avro schemas of images, for the idiom's and the predecessor's validation. In DynamoDB times and dates are text."""

from collections.abc import Mapping
from typing import Any

from glue.model import RecordType

_TEXT = {"timestamp-millis", "date"}


def image_schema(record_type: RecordType) -> dict[str, Any]:
    """Return the schema of a record type's image: the type's own, without derived fields and with times as strings.

    {"type": "record", "fields": [{"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}, ...]}
      -> {"type": "record", "fields": [{"name": "at", "type": "string"}, ...]}
    """
    schema: dict[str, Any] = _image(record_type.avro)
    return schema


def _image(avro: Any) -> Any:
    if isinstance(avro, list):
        return [_image(branch) for branch in avro]
    if not isinstance(avro, Mapping):
        return avro
    if avro.get("logicalType") in _TEXT:
        return "string"
    match avro["type"]:
        case "record":
            fields = [field for field in avro["fields"] if "derived" not in field]
            return {"type": "record", "name": avro["name"], "fields": [_field(field) for field in fields]}
        case "array":
            return {"type": "array", "items": _image(avro["items"])}
        case "map":
            return {"type": "map", "values": _image(avro["values"])}
    return {key: value for key, value in avro.items() if key in {"type", "name", "symbols"}}


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"name": field["name"], "type": _image(field["type"])}
    return {**kept, "default": field["default"]} if "default" in field else kept
