"""What the function adds to a row: the deletion mark, the change, the reference, the system id, the partition date.

The names of these fields are the same in every schema; where they come from is the schema's to say.
"""

import re
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from glue.model import PartitionDate, RecordType
from transform.attributes import member
from transform.change import Change, expired
from transform.outcome import invalid
from transform.paths import first_present, joined
from transform.row import Row, RowTypes
from transform.times import of_micros

Enrich = Callable[[Row, Change, int, str | None], str]

_SYSTEM_USER = re.compile(r"(\w+)-(\w+)\.(.+)").search  # BR-7: archtics-70.12345


def enricher(record_type: RecordType, types: RowTypes) -> Enrich:
    """A function that completes a row of one record type and answers its partition date, "2024-05-01".

    It takes the row, its change, the change's time in epoch microseconds and its sequence (140 digits, or None).
    It raises BadRecord where the row would lie outside the range of its table (BR-19).
    """
    change_row, reference_row = types.of_field("change"), types.of_field("reference")
    mark_deleted = deletion_marker(record_type, types)
    add_system = system_adder(record_type, types)
    reference_id = joined(record_type.reference_id)
    reference_time = first_present(record_type.reference_timestamp)
    partition_date = partitioner(record_type.partition_date)

    def enrich(row: Row, change: Change, at_micros: int, sequence: str | None) -> str:
        at = of_micros(at_micros)
        row.change = change_row(
            id=None if change.eventID is UNSET else change.eventID,
            name=change.eventName,
            at=at,
            atMicros=at_micros,
            sequence=sequence,
            expired=expired(change),
        )
        row.isDeleted = change.eventName == "REMOVE"
        if row.isDeleted:
            mark_deleted(row, at)
        add_system(row)
        row.reference = reference_row(id=reference_id(row), timestamp=reference_time(row) or at)  # BR-6
        return partition_date(row)

    return enrich


def deletion_marker(record_type: RecordType, types: RowTypes) -> Callable[[Row, str], None]:
    """A function that sets the time of a deletion, over whatever the image had (BR-4, BR-17)."""
    *parents, last = record_type.deletion_time
    steps = [(member(name), types.of_field(*parents[: depth + 1])) for depth, name in enumerate(parents)]

    def mark(row: Row, at: str) -> None:
        for name, make in steps:
            if getattr(row, name) is None:
                setattr(row, name, make())
            row = getattr(row, name)
        setattr(row, member(last), at)

    return mark


def system_adder(record_type: RecordType, types: RowTypes) -> Callable[[Row], None]:
    """A function that sets the system id where the system user has that form; another form is no error (BR-7)."""
    if record_type.system_source is None:
        return lambda _: None
    system_user = first_present((record_type.system_source,))
    system_row = types.of_field("system")

    def add(row: Row) -> None:
        user = system_user(row)
        if user is not None and (match := _SYSTEM_USER(user)):
            row.system = system_row(id=match[1], databaseId=match[2], memberId=match[3])

    return add


def partitioner(rule: PartitionDate) -> Callable[[Row], str]:
    """A function that answers the UTC date of the first source that is present (BR-8), within the range (BR-19)."""
    time = first_present(rule.sources)

    def partition_date(row: Row) -> str:
        date: str = time(row)[:10]
        if rule.first <= date <= rule.last:
            return date
        source: Any = next(path for path in rule.sources if first_present((path,))(row) is not None)
        raise invalid(".".join(source), f"a time in the range of its table, {rule.first} to {rule.last}")

    return partition_date
