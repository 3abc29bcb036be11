"""Reads the facts of the domain from the further attributes of a schema, and checks them against its fields."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from glue.model import Enumeration, Field, FieldPath, PartitionDate, Record, RecordType, Scalar, SchemaError, Type

# The fields that the function computes, by name: their type or members, and the attributes that name their sources.
# `string?` is an optional string.
DERIVED: dict[str, tuple[dict[str, str] | Scalar, tuple[str, ...]]] = {
    "isDeleted": (Scalar.BOOLEAN, ()),
    "reference": ({"id": "string", "timestamp": "timestamp-millis"}, ("idParts", "timestampSources")),
    "system": ({"id": "string", "databaseId": "string", "memberId": "string"}, ("parsedFrom",)),
    "change": (
        {"id": "string?", "name": "enum", "at": "timestamp-millis", "atMicros": "long", "sequence": "string?"}
        | {"expired": "boolean", "item": "string?"},
        (),
    ),
}
NEEDED = ("isDeleted", "reference", "change")


def with_facts(name: str, avro: dict[str, Any], row: Record) -> RecordType:
    """The record type with the domain's facts, each checked against the fields that it names."""
    derived = {field.name: field for field in row.fields if field.derived}
    attributes = {member["name"]: member for member in avro["fields"] if member["name"] in derived}
    for need in NEEDED:
        if need not in derived:
            raise SchemaError(f"{name}: every row has a field {need}, derived: true")
    for field in derived.values():
        _check_derived(f"{name}.{field.name}", field)
    if not any(field.name == "type" and field.type is Scalar.STRING and not field.optional for field in row.fields):
        raise SchemaError(f"{name}: every row has a required string field type: an image is recognised by it")
    reference = attributes["reference"]
    system = attributes.get("system")
    return RecordType(
        name=name,
        doc=str(avro.get("doc", "")),
        row=row,
        partition_date=_partition_date(avro.get("partitionDate"), row, f"{name}.partitionDate"),
        deletion_time=_deletion_time(avro.get("deletionTime"), row, f"{name}.deletionTime"),
        reference_id=_paths(reference.get("idParts"), row, f"{name}.reference.idParts", {Scalar.STRING}, always=True),
        reference_timestamp=_paths(
            reference.get("timestampSources"), row, f"{name}.reference.timestampSources", {Scalar.TIMESTAMP}
        ),
        system_source=system and _path(system.get("parsedFrom"), row, f"{name}.system.parsedFrom", {Scalar.STRING}),
        avro=avro,
    )


def _check_derived(path: str, field: Field) -> None:
    shape = DERIVED[field.name][0]
    if isinstance(shape, Scalar):
        right = field.type is shape and not field.optional
    else:
        right = isinstance(field.type, Record) and shape == {
            member.name: _spelled(member) for member in field.type.fields
        }
    if not right:
        raise SchemaError(f"{path}: derived, so it must be {shape}")


def _spelled(member: Field) -> str:
    """The type of a member as DERIVED spells it: `enum`, `string?`."""
    return ("enum" if isinstance(member.type, Enumeration) else str(member.type)) + ("?" if member.optional else "")


def _deletion_time(avro: object, row: Record, path: str) -> FieldPath:
    """The field that a REMOVE sets. A REMOVE makes the optional records around it, so they require nothing else."""
    found = _path(avro, row, path, {Scalar.TIMESTAMP})
    record = row
    for name in found[:-1]:
        field = record.field(name)
        assert isinstance(field.type, Record)  # noqa: S101 - _path has checked it
        record = field.type
        if field.optional and not all(inner.optional for inner in record.fields):
            raise SchemaError(f"{path}: {name} is optional, so all in it must be: a deletion may have to make it")
    return found


def _partition_date(avro: object, row: Record, path: str) -> PartitionDate:
    if not isinstance(avro, Mapping) or set(avro) != {"sources", "from", "to"}:
        raise SchemaError(f"{path}: needs sources, from and to")
    sources = _paths(avro["sources"], row, f"{path}.sources", {Scalar.TIMESTAMP})
    if not _always(row, sources[-1]):
        raise SchemaError(f"{path}.sources: the last one must always be there, or a row could be without a partition")
    for bound in ("from", "to"):
        if not _is_date(avro[bound]):
            raise SchemaError(f"{path}.{bound}: not a date, YYYY-MM-DD")
    if avro["from"] > avro["to"]:
        raise SchemaError(f"{path}: from lies after to")
    return PartitionDate(sources, avro["from"], avro["to"])


def _paths(avro: object, row: Record, path: str, kinds: set[Scalar], *, always: bool = False) -> tuple[FieldPath, ...]:
    if not isinstance(avro, list) or not avro:
        raise SchemaError(f"{path}: a list of fields of the row")
    paths = tuple(_path(one, row, path, kinds) for one in avro)
    for one in paths:
        if always and not _always(row, one):
            raise SchemaError(f"{path}: {'.'.join(one)} must be required: every row has it")
    return paths


def _path(avro: object, row: Record, path: str, kinds: set[Scalar]) -> FieldPath:
    """`date.requested` as ("date", "requested"), which must be a field of one of the kinds, not in an array or map."""
    names = tuple(avro.split(".")) if isinstance(avro, str) else ()
    kind: Type | None = row
    for name in names:
        try:
            kind = kind.field(name).type if isinstance(kind, Record) else None
        except KeyError:
            kind = None
    if kind not in kinds:
        raise SchemaError(f"{path}: {avro} is not a field of the row of type {', '.join(kinds)}")
    return names


def _always(row: Record, path: FieldPath) -> bool:
    kind: Type = row
    for name in path:
        assert isinstance(kind, Record)  # noqa: S101 - _path has checked it
        field = kind.field(name)
        if field.optional:
            return False
        kind = field.type
    return True


def _is_date(text: object) -> bool:
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
