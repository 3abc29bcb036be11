"""An invented record type, gift, with the schemas that a new record type would have."""

import copy
import json
from typing import Any

from glue.model import RecordType
from glue.schema import read_record_type

TIME = {"type": "long", "logicalType": "timestamp-millis"}


def optional(kind: Any) -> Any:
    """Return the union of null and a type."""
    return ["null", kind]


def member(name: str, kind: Any = "string", **further: Any) -> dict[str, Any]:
    """Return a field; if its type is optional, its default is null."""
    default = {"default": None} if isinstance(kind, list) else {}
    return {"name": name, "type": kind, "doc": f"the {name}"} | default | further


def group(name: str, *fields: Any) -> dict[str, Any]:
    """Return a nested record."""
    return {"type": "record", "name": name, "fields": list(fields)}


def change() -> dict[str, Any]:
    """Return the field `change`, which every schema has."""
    kinds = {"type": "enum", "name": "ChangeName", "symbols": ["INSERT", "MODIFY", "REMOVE"]}
    return member(
        "change",
        group(
            "Change",
            member("id", optional("string")),
            member("name", kinds),
            member("at", TIME),
            member("atMicros", "long"),
            member("sequence", optional("string")),
            member("expired", "boolean"),
            member("item", optional("string")),
        ),
        derived=True,
    )


def gift(*fields: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Return the schema of gift with these fields added or replaced, and these facts."""
    own = {
        "type": member("type"),
        "id": member("id"),
        "madeAt": member("madeAt", TIME),
        "deletedAt": member("deletedAt", optional(TIME)),
        "isDeleted": member("isDeleted", "boolean", derived=True),
        "reference": member(
            "reference",
            group("Reference", member("id"), member("timestamp", TIME)),
            derived=True,
            idParts=["id"],
            timestampSources=["deletedAt", "madeAt"],
        ),
        "change": change(),
    }
    merged = own | {field["name"]: field for field in fields}
    return {
        "type": "record",
        "name": "gift",
        "namespace": "dmnd_pipeline",
        "doc": "A gift.",
        "partitionDate": {"sources": ["madeAt"], "from": "2015-01-01", "to": "2039-12-31"},
        "deletionTime": "deletedAt",
        "fields": copy.deepcopy(list(merged.values())),
    } | facts


def without(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema without a field."""
    return schema | {"fields": [field for field in schema["fields"] if field["name"] != name]}


def record_type(schema: dict[str, Any]) -> RecordType:
    """Return the record type of a schema."""
    return read_record_type(schema["name"], json.dumps(schema).encode())
