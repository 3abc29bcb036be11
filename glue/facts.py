"""Reads the facts of the domain from the further attributes of a schema, and checks them against its fields."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

from glue.model import Enumeration, Field, FieldPath, PartitionDate, Record, RecordType, Scalar, Type

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

# Stands for a type that could not be read.
UNREAD = Record("", ())

# Called with the path of each problem, and what is wrong there.
Wrong: TypeAlias = Callable[[str, str], None]


def with_facts(name: str, avro: dict[str, Any], row: Record, wrong: Wrong, *, older: bool) -> RecordType:
    """The record type with the domain's facts, each checked against the fields that it names.

    What the function computes may be that of an earlier one in an `older` schema, which is only compared with.
    """
    facts = _Facts(name, row, wrong)
    facts.check_fields(older=older)
    members = avro.get("fields") if row is not UNREAD else ()
    attributes = {member["name"]: member for member in members or () if _is_derived(member)}
    reference, system = attributes.get("reference"), attributes.get("system")
    return RecordType(
        name=name,
        doc=str(avro.get("doc", "")),
        row=row,
        partition_date=facts.partition_date(avro.get("partitionDate")),
        deletion_time=facts.deletion_time(avro["deletionTime"]) if "deletionTime" in avro else None,
        reference_id=facts.required(reference.get("idParts"), "reference.idParts") if reference else (),
        reference_timestamp=(
            facts.paths(reference.get("timestampSources"), "reference.timestampSources", Scalar.TIMESTAMP)
            if reference
            else ()
        ),
        system_source=system and facts.path(system.get("parsedFrom"), "system.parsedFrom", Scalar.STRING),
        subject=facts.subject(),
        avro=avro,
    )


class _Facts:
    """Reads the facts of one record type, and calls `wrong` for each problem."""

    def __init__(self, name: str, row: Record, wrong: Wrong) -> None:
        self.name = name
        self.row = row
        self.wrong = wrong

    def check_fields(self, *, older: bool) -> None:
        """Check the fields that every row has."""
        if self.row is UNREAD:
            return
        derived = {field.name: field for field in self.row.fields if field.derived}
        for need in NEEDED:
            if need not in derived:
                self.wrong(self.name, f"every row has a field {need}, derived: true")
        for field in () if older else derived.values():
            if not _has_its_shape(field):
                self.wrong(f"{self.name}.{field.name}", f"derived, so it must be {_shape(field.name)}")
        if not any(field.name == "type" and _is_required_string(field) for field in self.row.fields):
            self.wrong(self.name, "every row has a required string field type: an image is recognised by it")

    def subject(self) -> FieldPath | None:
        """The one field that says whom a record is about (BR-22), or None."""
        subjects = [field.name for field in self.row.fields if field.subject]
        if len(subjects) > 1:
            why = f"only one of {', '.join(subjects)} can be the subject: a record is about one person"
            self.wrong(self.name, why)
        return (subjects[0],) if subjects else None

    def deletion_time(self, avro: object) -> FieldPath:
        """The field that a REMOVE sets. A REMOVE makes the optional records around it, so they require nothing else."""
        found = self.path(avro, "deletionTime", Scalar.TIMESTAMP)
        for field in _on_the_way(self.row, found)[:-1]:
            if field.optional and isinstance(field.type, Record) and not all(one.optional for one in field.type.fields):
                why = f"{field.name} is optional, so all in it must be: a deletion may have to make it"
                self.wrong(f"{self.name}.deletionTime", why)
        return found

    def partition_date(self, avro: object) -> PartitionDate:
        """The sources of the partition date, the last of which every row has, and the range of the table."""
        where = f"{self.name}.partitionDate"
        if not isinstance(avro, Mapping) or set(avro) != {"sources", "from", "to"}:
            self.wrong(where, "needs sources, from and to")
            return PartitionDate((), "", "")
        sources = self.paths(avro["sources"], "partitionDate.sources", Scalar.TIMESTAMP)
        if sources and not self.is_always_there(sources[-1]):
            self.wrong(f"{where}.sources", "the last one must always be there, or a row could be without a partition")
        bounds = [avro["from"], avro["to"]]
        for name, bound in zip(("from", "to"), bounds, strict=True):
            if not _is_date(bound):
                self.wrong(f"{where}.{name}", "not a date, YYYY-MM-DD")
        if all(map(_is_date, bounds)) and bounds[0] > bounds[1]:
            self.wrong(where, "from lies after to")
        return PartitionDate(sources, str(bounds[0]), str(bounds[1]))

    def required(self, avro: object, fact: str) -> tuple[FieldPath, ...]:
        """The strings of a list of fields that every row has."""
        found = self.paths(avro, fact, Scalar.STRING)
        for one in found:
            if not self.is_always_there(one):
                self.wrong(f"{self.name}.{fact}", f"{'.'.join(one)} must be required: every row has it")
        return found

    def paths(self, avro: object, fact: str, kind: Scalar) -> tuple[FieldPath, ...]:
        """The fields of this type in a list."""
        if not isinstance(avro, list) or not avro:
            self.wrong(f"{self.name}.{fact}", "a list of fields of the row")
            return ()
        return tuple(path for one in avro if (path := self.path(one, fact, kind)))

    def path(self, avro: object, fact: str, kind: Scalar) -> FieldPath:
        """`date.sent` as ("date", "sent"), a field of this type outside arrays and maps; () if it is not one."""
        names = tuple(avro.split(".")) if isinstance(avro, str) else ()
        way = _on_the_way(self.row, names)
        last = way[-1].type if way else self.row
        if last is UNREAD or (last is kind and len(way) == len(names)):
            return names
        self.wrong(f"{self.name}.{fact}", f"{avro} is not a field of the row of type {kind}")
        return ()

    def is_always_there(self, path: FieldPath) -> bool:
        """True if every row has the field at this path."""
        return not any(field.optional for field in _on_the_way(self.row, path))


def _on_the_way(row: Record, path: FieldPath) -> list[Field]:
    """The fields along a path, as far as there are such."""
    found: list[Field] = []
    kind: Type = row
    for name in path:
        field = next((one for one in kind.fields if one.name == name), None) if isinstance(kind, Record) else None
        if field is None:
            break
        found.append(field)
        kind = field.type
    return found


def _is_derived(member: object) -> bool:
    return isinstance(member, Mapping) and member.get("derived") is True and isinstance(member.get("name"), str)


def _is_required_string(field: Field) -> bool:
    return field.type is UNREAD or (field.type is Scalar.STRING and not field.optional)


def _has_its_shape(field: Field) -> bool:
    shape, kind = DERIVED[field.name][0], field.type
    if kind is UNREAD:
        return True
    if field.optional != (field.name not in NEEDED):  # what the function makes of every change is required
        return False
    if isinstance(shape, Scalar):
        return kind is shape
    return isinstance(kind, Record) and shape == {member.name: _spelled(member) for member in kind.fields}


def _shape(name: str) -> str:
    return f"{'required' if name in NEEDED else 'optional'}, and {DERIVED[name][0]}"


def _spelled(member: Field) -> str:
    """The type of a member as DERIVED spells it: `enum`, `string?`."""
    return ("enum" if isinstance(member.type, Enumeration) else str(member.type)) + ("?" if member.optional else "")


def _is_date(text: object) -> bool:
    try:
        return isinstance(text, str) and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
