"""Marks in a table that say up to which record of which source it has the rows: what makes commits exactly once.

A mark is a table property, `dmd.checkpoint.<stream>.<source>`. It is set in the same transaction as the append, so
either both are there or none is. Its value is the position of the last record of that source whose row the table has:
rows at or before it are skipped, whatever the bounds of a batch. A table has a mark for each source; no expiry of
snapshots takes one away.

This is right only if the rows of a source come to a table in the order of the source, and if no record before a mark
has yet to get its fate. So batches wait for a batch whose function is tried again (running_stream), writes to a table
wait for the one before, and error objects are put before rows are committed (iceberg_tables).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

MARK = "dmd.checkpoint"

# Returns the source of a record by its id.
SourceOf: TypeAlias = Callable[[str], str]

# A record id ends in the sequence number, padded to 128 digits, and 12 digits of the subsequence number: observed.
_POSITION_DIGITS = 140


def shard_of(record_id: str) -> str:
    """Return the shard of a record. Two Kinesis streams have shards of the same name."""
    return record_id[:-_POSITION_DIGITS]


class SourceMarks:
    """The marks of one stream in one table, as its properties hold them."""

    def __init__(self, properties: Mapping[str, str], stream: str, source_of: SourceOf) -> None:
        self._properties = properties
        self._prefix = f"{MARK}.{stream}."
        self._source_of = source_of

    def missing(self, record_ids: Sequence[str]) -> list[int]:
        """Return the places of the records whose rows the table does not have yet."""
        marks: dict[str, str] = {}
        places = []
        for place, record_id in enumerate(record_ids):
            source = self._source_of(record_id)
            mark = marks.get(source)
            if mark is None:
                mark = marks[source] = self._properties.get(self._prefix + source, "").zfill(_POSITION_DIGITS)
            if record_id[-_POSITION_DIGITS:] > mark:
                places.append(place)
        return places

    def moved(self, record_ids: Sequence[str]) -> dict[str, str]:
        """Return the marks, as properties, after the rows of these records, which are in the order of their sources."""
        last = {self._source_of(record_id): record_id for record_id in record_ids}
        return {self._prefix + source: it[-_POSITION_DIGITS:].lstrip("0") for source, it in last.items()}
