"""Adds to a row what the function derives: deletion mark, change, reference, system; and finds its partition date.

The names of these fields are the same in every schema, which says from which other fields they come.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from glue.model import PartitionDate, RecordType
from transform.attributes import member
from transform.change import is_expired
from transform.field_access import coalesce, compiled, join_with
from transform.outcome import BadRecord, invalid
from transform.row import Row, RowTypes

# Takes a row, its change (a change.Change or fast_path.TypedChange), the change's time, its sequence and its item.
Enrich: TypeAlias = Callable[[Row, Any, int, str | None, str | None], str]

# A message with these words is about a date that the table does not cover (BR-19).
IN_RANGE = "a time in the range of its table"

# BR-7: archtics-70.12345. (\w+)-(\w+)\.(.+) would find the same, but in quadratic time.
_SYSTEM_USER = re.compile(r"(?<!\w)(\w++)-(\w++)\.(.+)").search


def enricher(record_type: RecordType, types: RowTypes) -> Enrich:
    """A function that completes a row of one record type and returns its partition date, "2024-05-01".

    It raises BadRecord if the date is outside the range of the table (BR-19).
    """
    change_row, reference_row = types.of_field("change"), types.of_field("reference")
    system_source = [record_type.system_source] if record_type.system_source else []
    system_row = types.of_field("system") if system_source else Any
    mark_deleted = deletion_marker(record_type, types)
    of_micros, day = types.times.of_micros, types.times.day
    rule = record_type.partition_date
    facts = compiled(
        join_with(record_type.reference_id),
        coalesce(record_type.reference_timestamp),
        coalesce(rule.sources),
        coalesce(system_source),
    )

    def enrich(row: Row, change: Any, at_micros: int, sequence: str | None, item: str | None) -> str:
        name, at = change.eventName, of_micros(at_micros)
        expired = change.userIdentity is not None and is_expired(change.userIdentity)
        row.change = change_row(change.eventID, name, at, at_micros, sequence, expired, item)
        row.isDeleted = name == "REMOVE"
        if row.isDeleted:
            mark_deleted(row, at)
        reference_id, touched, partition_time, system_user = facts(row)
        row.reference = reference_row(reference_id, at if touched is None else touched)  # BR-6
        if system_user and (match := _SYSTEM_USER(system_user)):  # any other form is valid, too
            row.system = system_row(*match.groups())
        date = day(partition_time)  # BR-8
        if rule.first <= date <= rule.last:
            return date
        raise outside(row, rule)

    return enrich


def outside(row: Row, rule: PartitionDate) -> BadRecord:
    """The BadRecord of a row whose date is outside the range of its table, with the field it comes from (BR-19)."""
    present = compiled(*(coalesce([path]) for path in rule.sources))(row)
    source = next(path for path, time in zip(rule.sources, present, strict=True) if time is not None)
    return invalid(".".join(source), f"{IN_RANGE}, {rule.first} to {rule.last}")


def deletion_marker(record_type: RecordType, types: RowTypes) -> Callable[[Row, str], None]:
    """A function that sets the time of a deletion, in place of any that the image has (BR-4, BR-17)."""
    if record_type.deletion_time is None:
        return lambda _row, _at: None
    *parents, last = record_type.deletion_time
    steps = [(member(name), types.of_field(*parents[: depth + 1])) for depth, name in enumerate(parents)]

    def mark(row: Row, at: str) -> None:
        for name, make in steps:
            if getattr(row, name) is None:
                setattr(row, name, make())
            row = getattr(row, name)
        setattr(row, member(last), at)

    return mark
