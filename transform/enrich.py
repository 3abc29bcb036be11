"""What the function adds to a row: the deletion mark, the change, the reference, the system id, the partition date."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from msgspec import UNSET

from glue.model import FieldPath, PartitionDate, Record, RecordType
from transform.attributes import member
from transform.change import Change, expired
from transform.outcome import invalid
from transform.row import Row, RowTypes
from transform.times import of_micros

_SYSTEM_USER = re.compile(r"(\w+)-(\w+)\.(.+)").search  # BR-7: archtics-70.12345
_SYSTEM_PARTS = ("id", "databaseId", "memberId")

Enrich = Callable[[Row, Change, int, str | None], str]


class Source(NamedTuple):
    """A field of a row: its name as in the schema, `date.requested`, and the members that lead there."""

    name: str
    members: tuple[str, ...]

    @classmethod
    def of(cls, path: FieldPath) -> Self:
        """The source at a path of the schema."""
        return cls(".".join(path), tuple(member(name) for name in path))


def enricher(record_type: RecordType, types: RowTypes) -> Enrich:
    """A function that completes a row of one record type and answers its partition date, "2024-05-01".

    It takes the row, its change, the change's time in epoch microseconds and its sequence (140 digits, or None).
    It raises BadRecord where the row would lie outside the range of its table (BR-19).
    """
    derived = {field.derived: field for field in record_type.row.fields if field.derived}
    name = {what: member(field.name) for what, field in derived.items()}
    struct = {what: types.structs[field.type.name] for what, field in derived.items() if isinstance(field.type, Record)}
    mark_deleted = deletion_marker(record_type, types)
    reference_parts = [Source.of(path) for path in record_type.reference_id]
    reference_times = [Source.of(path) for path in record_type.reference_timestamp]
    system_user = record_type.system_source and Source.of(record_type.system_source)
    partition_date = partitioner(record_type.partition_date)

    def enrich(row: Row, change: Change, at_micros: int, sequence: str | None) -> str:
        at = of_micros(at_micros)
        change_id = None if change.eventID is UNSET else change.eventID
        row_change = struct["change"](
            id=change_id,
            name=change.eventName,
            at=at,
            atMicros=at_micros,
            sequence=sequence,
            expired=expired(change),
        )
        setattr(row, name["change"], row_change)
        if change.eventName == "REMOVE":
            mark_deleted(row, at)
        else:
            setattr(row, name["isDeleted"], False)
        if system_user and (match := _SYSTEM_USER(value_at(row, system_user) or "")):
            setattr(row, name["system"], struct["system"](**dict(zip(_SYSTEM_PARTS, match.groups(), strict=True))))
        reference_id = "_".join([value_at(row, part) for part in reference_parts])
        touched = first_present(row, reference_times)[0] or at
        setattr(row, name["reference"], struct["reference"](id=reference_id, timestamp=touched))
        return partition_date(row)

    return enrich


def deletion_marker(record_type: RecordType, types: RowTypes) -> Callable[[Row, str], None]:
    """A function that marks a row deleted, at the time of the change, over whatever the image had (BR-4, BR-17)."""
    flag = next(member(field.name) for field in record_type.row.fields if field.derived == "isDeleted")
    *parents, last = record_type.deletion_time
    record, steps = record_type.row, []
    for name in parents:
        record = record.field(name).type  # type: ignore[assignment] # the schema's reader has been down this path
        steps.append((member(name), types.structs[record.name]))

    def mark(row: Row, at: str) -> None:
        setattr(row, flag, True)
        for name, struct in steps:
            if getattr(row, name) is None:
                setattr(row, name, struct())
            row = getattr(row, name)
        setattr(row, member(last), at)

    return mark


def partitioner(rule: PartitionDate) -> Callable[[Row], str]:
    """A function that answers the UTC date of the first source that is present (BR-8), within the range (BR-19)."""
    sources = [Source.of(path) for path in rule.sources]

    def partition_date(row: Row) -> str:
        time, source = first_present(row, sources)
        date = (time or "")[:10]
        if not rule.first <= date <= rule.last:
            raise invalid(source.name, f"a time in the range of its table, {rule.first} to {rule.last}")
        return date

    return partition_date


def first_present(row: Row, sources: list[Source]) -> tuple[Any, Source]:
    """The first of the fields that is there, and which it was; None and the last where none is."""
    for source in sources:
        value = value_at(row, source)
        if value is not None:
            return value, source
    return None, sources[-1]


def value_at(row: Row, source: Source) -> Any:
    """What a field of a row holds; None where it, or what it stands in, is absent."""
    for name in source.members:
        row = getattr(row, name)
        if row is None:
            return None
    return row
