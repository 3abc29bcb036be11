"""Finds changes of the schemas that would break readers of the tables, or the meaning of rows already archived.

The changes that are allowed were tested on Hive's AvroSerDe and follow Athena's guide ("Handling schema updates"):
Parquet columns are found by name, Avro fields by the rules of schema resolution. Untested changes are refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glue.model import ArrayType, DecimalType, Enumeration, Field, MapType, Record, RecordType, Scalar, Type

# Hive reads a Parquet int as bigint, and Avro resolves int to long. Avro allows int to double too; Hive's Parquet
# reader was not seen to.
WIDER = {(Scalar.INT, Scalar.LONG)}

# A fact of the record type, and the consequence of changing it.
_FACTS = {
    "partition_date.sources": "new rows of an item would lie under other dates than its old ones",
    "deletion_time": "deletions archived before have their time elsewhere",
    "subject": "erasure would find old rows by another field than new ones",
    "reference_id": "new rows of an item would have another reference.id than its old ones",
    "reference_timestamp": "reference.timestamp would not compare between old rows and new ones",
    "system_source": "system would mean something else in old rows than in new ones",
}


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """One change that breaks something: `demand.date.sent`, `removed: ...`."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


def breaking(older: Mapping[str, RecordType], newer: Mapping[str, RecordType]) -> list[BreakingChange]:
    """The breaking changes from the older schemas to the newer ones, in the order of types and fields.

    email is gone from demand -> [BreakingChange("demand.email", "removed: queries that name it would fail")]

    These are allowed: a new record type, a new optional field, int to long, a new symbol of an enum, a required field
    made optional, a wider range of dates, another doc.
    """
    found: list[BreakingChange] = []
    for name, old in older.items():
        if name in newer:
            found += _record_type(old, newer[name])
        else:
            found.append(BreakingChange(name, "removed: its table, and the rows in it, would be gone"))
    return found


def _record_type(old: RecordType, new: RecordType) -> Iterator[BreakingChange]:
    if old.avro.get("namespace") != new.avro.get("namespace"):
        why = "changed: Avro tells the branches of a union apart by their full names"
        yield BreakingChange(f"{old.name}.namespace", why)
    yield from _record(old.row, new.row, old.name)
    yield from _facts(old, new)


def _facts(old: RecordType, new: RecordType) -> Iterator[BreakingChange]:
    for fact, consequence in _FACTS.items():
        before, after = _fact(old, fact), _fact(new, fact)
        if before != after and not (fact == "subject" and before is None):
            yield BreakingChange(f"{old.name}.{fact}", f"changed: {consequence}")
    dates, later = old.partition_date, new.partition_date
    if later.first > dates.first or later.last < dates.last:
        was, now = f"{dates.first} to {dates.last}", f"{later.first} to {later.last}"
        why = f"narrowed from {was} to {now}: Athena would no longer show the rows outside"
        yield BreakingChange(f"{old.name}.partition_date", why)


def _fact(record_type: RecordType, fact: str) -> object:
    found: object = record_type
    for name in fact.split("."):
        found = getattr(found, name)
    return found


def _record(old: Record, new: Record, path: str) -> Iterator[BreakingChange]:
    before = {field.name: field for field in old.fields}
    after = {field.name: field for field in new.fields}
    for name, field in before.items():
        if name in after:
            yield from _field(field, after[name], f"{path}.{name}")
        else:
            yield BreakingChange(f"{path}.{name}", "removed: queries that name it would fail")
    for name, field in after.items():
        if name not in before and not field.optional:
            why = "added without a default: the rows that lie there have none, and Avro readers fail on them"
            yield BreakingChange(f"{path}.{name}", why)


def _field(old: Field, new: Field, path: str) -> Iterator[BreakingChange]:
    if old.optional and not new.optional:
        yield BreakingChange(path, "made required: the rows that lie there may have none")
    if old.pii and not new.pii:
        yield BreakingChange(path, "no longer marked as personal data: deletions would be archived with it")
    if old.derived != new.derived:
        yield BreakingChange(
            path, f"{'now' if new.derived else 'no longer'} derived: old rows have another meaning than new ones"
        )
    yield from _type(old.type, new.type, path)


def _type(old: Type, new: Type, path: str) -> Iterator[BreakingChange]:
    match old, new:
        case Record(), Record():
            yield from _name(old, new, path)
            yield from _record(old, new, path)
        case Enumeration(), Enumeration():
            yield from _name(old, new, path)
            for symbol in old.symbols:
                if symbol not in new.symbols:
                    yield BreakingChange(path, f"symbol {symbol} removed: rows that have it could not be read")
        case ArrayType(), ArrayType():
            yield from _type(old.items, new.items, f"{path}[]")
        case MapType(), MapType():
            yield from _type(old.values, new.values, f"{path}[*]")
        case _ if old != new and (old, new) not in WIDER:
            why = f"{_word(old)} made {_word(new)}: files written before do not read so (only int to long does)"
            yield BreakingChange(path, why)


def _name(old: Record | Enumeration, new: Record | Enumeration, path: str) -> Iterator[BreakingChange]:
    if old.name != new.name:
        why = f"type renamed from {old.name} to {new.name}: Avro finds the branch of a union by that name"
        yield BreakingChange(path, why)


def _word(kind: Type) -> str:
    """The name of a type in Avro: record, enum, array, map, or that of the scalar."""
    match kind:
        case Scalar():
            return str(kind)
        case DecimalType():
            return f"decimal({kind.precision},{kind.scale})"
        case Enumeration():
            return "enum"
        case Record():
            return "record"
        case ArrayType():
            return "array"
        case MapType():
            return "map"
