"""Changes of the schemas that would break a reader of the tables, or the rows that lie there already.

What is safe was measured on Hive's AvroSerDe and follows Athena's guide ("Handling schema updates"): Parquet columns
are found by name, Avro fields by the rules of schema resolution. What nobody measured is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glue.model import Array, Enumeration, Field, Map, Record, RecordType, Scalar, Type

# Hive reads a Parquet int as bigint, and Avro resolves int to long. Avro allows int to double too; Hive's Parquet
# reader was not seen to.
WIDER = {(Scalar.INT, Scalar.LONG)}

# A fact of the record type, and what becomes of the rows when it changes.
_FACTS = {
    "partition_date.sources": "new rows of an item would lie under other dates than its old ones",
    "deletion_time": "deletions archived before have their time elsewhere",
    "reference_id": "new rows of an item would have another reference.id than its old ones",
    "reference_timestamp": "reference.timestamp would not compare between old rows and new ones",
    "system_source": "system would mean something else in old rows than in new ones",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """One change that is refused: `demand.date.sent`, `removed: ...`."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


def breaking(older: Mapping[str, RecordType], newer: Mapping[str, RecordType]) -> list[Refusal]:
    """Every change from the older schemas to the newer ones that may not be made, in order of type and field.

    email of demand left out of the newer -> [Refusal("demand.email", "removed: queries that name it would fail")]

    A new record type, a new optional field, int to long, a new symbol of an enum, a required field made optional,
    a wider range of dates and another doc are no breaking changes.
    """
    found: list[Refusal] = []
    for name, old in older.items():
        if name in newer:
            found += _record_type(old, newer[name])
        else:
            found.append(Refusal(name, "removed: its table, and the rows in it, would be gone"))
    return found


def _record_type(old: RecordType, new: RecordType) -> Iterator[Refusal]:
    if old.avro.get("namespace") != new.avro.get("namespace"):
        why = "changed: Avro tells the branches of a union apart by their full names"
        yield Refusal(f"{old.name}.namespace", why)
    yield from _record(old.row, new.row, old.name)
    yield from _facts(old, new)


def _facts(old: RecordType, new: RecordType) -> Iterator[Refusal]:
    for fact, consequence in _FACTS.items():
        before, after = _fact(old, fact), _fact(new, fact)
        if before != after:
            yield Refusal(f"{old.name}.{fact}", f"changed: {consequence}")
    dates, later = old.partition_date, new.partition_date
    if later.first > dates.first or later.last < dates.last:
        was, now = f"{dates.first} to {dates.last}", f"{later.first} to {later.last}"
        why = f"narrowed from {was} to {now}: Athena would no longer show the rows outside"
        yield Refusal(f"{old.name}.partition_date", why)


def _fact(record_type: RecordType, fact: str) -> object:
    found: object = record_type
    for name in fact.split("."):
        found = getattr(found, name)
    return found


def _record(old: Record, new: Record, path: str) -> Iterator[Refusal]:
    before = {field.name: field for field in old.fields}
    after = {field.name: field for field in new.fields}
    for name, field in before.items():
        if name in after:
            yield from _field(field, after[name], f"{path}.{name}")
        else:
            yield Refusal(f"{path}.{name}", "removed: queries that name it would fail")
    for name, field in after.items():
        if name not in before and not field.optional:
            why = "added without a default: the rows that lie there have none, and Avro readers fail on them"
            yield Refusal(f"{path}.{name}", why)


def _field(old: Field, new: Field, path: str) -> Iterator[Refusal]:
    if old.optional and not new.optional:
        yield Refusal(path, "made required: the rows that lie there may have none")
    if old.pii and not new.pii:
        yield Refusal(path, "no longer marked as personal data: deletions would be archived with it")
    if old.derived != new.derived:
        yield Refusal(
            path, f"{'now' if new.derived else 'no longer'} derived: old rows have another meaning than new ones"
        )
    yield from _type(old.type, new.type, path)


def _type(old: Type, new: Type, path: str) -> Iterator[Refusal]:
    match old, new:
        case Record(), Record():
            yield from _name(old, new, path)
            yield from _record(old, new, path)
        case Enumeration(), Enumeration():
            yield from _name(old, new, path)
            for symbol in old.symbols:
                if symbol not in new.symbols:
                    yield Refusal(path, f"symbol {symbol} removed: rows that have it could not be read")
        case Array(), Array():
            yield from _type(old.items, new.items, f"{path}[]")
        case Map(), Map():
            yield from _type(old.values, new.values, f"{path}[*]")
        case _ if old != new and (old, new) not in WIDER:
            why = f"{_word(old)} made {_word(new)}: files written before do not read so (only int to long does)"
            yield Refusal(path, why)


def _name(old: Record | Enumeration, new: Record | Enumeration, path: str) -> Iterator[Refusal]:
    if old.name != new.name:
        why = f"type renamed from {old.name} to {new.name}: Avro finds the branch of a union by that name"
        yield Refusal(path, why)


def _word(kind: Type) -> str:
    """A type in one word, as it is called in a schema."""
    if isinstance(kind, Scalar):
        return str(kind)
    return "enum" if isinstance(kind, Enumeration) else type(kind).__name__.lower()
