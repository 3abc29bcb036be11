"""How many records of a source are settled, where one of them may have become several by de-aggregation."""

from collections import deque
from typing import NamedTuple


class _Several(NamedTuple):
    start: int
    end: int
    source_records: int  # up to and with this one


class SourceRecords:
    """Counts records before and after de-aggregation.

    Of source records that became 1, 3 and 1 records, four records settled are 2 source records; three are 1.
    """

    def __init__(self) -> None:
        self._records = 0
        self._source_records = 0
        # Only those that did not become exactly one: there are none in most streams.
        self._several: deque[_Several] = deque()
        self._behind = _Several(0, 0, 0)

    def add(self, records: int) -> None:
        """The next source record became so many."""
        self._records += records
        self._source_records += 1
        if records != 1:
            self._several.append(_Several(self._records - records, self._records, self._source_records))

    def settled(self, records: int) -> int:
        """The source records, from the first on, of which every record is among the first `records`."""
        several = self._several
        while several and several[0].end <= records:
            self._behind = several.popleft()
        whole = min(records, several[0].start) if several else records
        return self._behind.source_records + whole - self._behind.end
