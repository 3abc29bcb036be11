"""The ledger: the fate of every record in every delivery stream, and how far the source may move on.

How settlement works, from a record's arrival until the source may forget it:

Ordinals. The data plane numbers records as it accepts them: 0, 1, 2, in the order of the source. Whatever a stage makes
of a record, it keeps the record's ordinal, so that in the end the ordinal finds its way back here.

Streams. Several delivery streams may read one source, and each decides on its own. A stream settles a record when its
fate there is final: DROPPED when the function says so, DELIVERED when the object with its rows is in the bucket, FAILED
when the error object with it is. A record that waits in a buffer has no fate yet. Each stream gives a record exactly
one fate; a second one is counted, and is a bug.

Backup. A stream's backup is one more stream to the ledger. It settles every record, as BACKED_UP, when the backup
object is in its bucket.

Uploads. An object is put with the list of its ordinals, and all of them are settled together once it is there. While
the bucket refuses an object, none of its records is settled. After a crash the source gives the unsettled records
again, with all that follow them: delivery is at least once. Rows of an Iceberg table are there once all the same, since
the table itself says up to which record it has them (delivery/source_marks).

Parts. One record of the source may become several records by de-aggregation, or none. The source counts
its own records: `SourceRecords` translates.

Sums. The counts of a `RunReport` are summed from the fates. A count derived from others (failed = read - delivered -
dropped) would be right by definition, and hide a lost record.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from firehose.local.report import RunReport

DROPPED = 1
DELIVERED = 2
FAILED = 4
BACKED_UP = 8

# Gives these ordinals this fate in one stream.
Settle: TypeAlias = Callable[[Iterable[int], int], None]

# A page takes one byte a record and stream. It is summed up and freed when all its records are settled.
PAGE_RECORDS = 8192


class Ledger:
    """The fates of records by ordinal, in each of `streams` streams; sums them up in `report`."""

    def __init__(self, streams: int, report: RunReport, *, page_records: int = PAGE_RECORDS) -> None:
        self._streams = streams
        self._report = report
        self._page_records = page_records
        self.pages: dict[int, list[bytearray]] = {}  # by number; only those with a record that is not settled
        self._open: dict[int, int] = {}  # page -> fates not yet known
        self._settled = 0

    def settle(self, stream: int, ordinals: Iterable[int], fate: int) -> None:
        """Gives these records their fate in one stream."""
        # Runs once for each record and stream. Looking the page up only when it changes halves the time.
        page_records = self._page_records
        start = end = settled = 0
        fates = bytearray()
        for ordinal in ordinals:
            if not start <= ordinal < end:
                self._count_settled(start // page_records, settled)
                number = ordinal // page_records
                start, end, settled = number * page_records, (number + 1) * page_records, 0
                fates = self._page(number)[stream]
            if fates[ordinal - start]:
                self._report.settled_twice += 1
            else:
                fates[ordinal - start] = fate
                settled += 1
        self._count_settled(start // page_records, settled)

    def _page(self, number: int) -> list[bytearray]:
        page = self.pages.get(number)
        if page is None:
            page = self.pages[number] = [bytearray(self._page_records) for _ in range(self._streams)]
            self._open[number] = self._page_records * self._streams
        return page

    def _count_settled(self, number: int, settled: int) -> None:
        if settled:
            self._open[number] -= settled
            if not self._open[number]:
                self._sum_up(number, self._page_records)

    def settled(self) -> int:
        """The number of records, counted from the first, with a fate in every stream: the source may forget these.

        If the ordinals 0, 1 and 3 have one -> 2.
        """
        while self._open.get(self._settled // self._page_records) == 0:
            self._settled = (self._settled // self._page_records + 1) * self._page_records
        number, start = divmod(self._settled, self._page_records)
        if number in self.pages:
            unsettled = (fates.find(0, start) for fates in self.pages[number])
            self._settled += min(self._page_records if place < 0 else place for place in unsettled) - start
        return self._settled

    def close(self, records: int) -> None:
        """Sums up the pages that are left, of `records` records in all."""
        for number in range(-(-records // self._page_records)):
            in_page = min(self._page_records, records - number * self._page_records)
            if number in self.pages:
                self._sum_up(number, in_page)
            elif number not in self._open:
                self._report.unsettled += in_page

    def _sum_up(self, number: int, records: int) -> None:
        report = self._report
        combinations = Counter(zip(*(page[:records] for page in self.pages.pop(number)), strict=True))
        for fates, count in combinations.items():
            if 0 in fates:
                report.unsettled += count
            elif FAILED in fates:
                report.failed += count
            elif DELIVERED in fates:
                report.delivered += count
                report.delivered_twice += count if fates.count(DELIVERED) > 1 else 0
            else:
                report.dropped += count


class _Several(NamedTuple):
    """A source record that did not become exactly one record."""

    start: int
    end: int
    source_records: int  # up to and including this one


class SourceRecords:
    """Translates counts of settled records into counts of settled source records.

    Of source records that became 1, 3 and 1 records, four settled records are 2 source records, and three are 1.
    """

    def __init__(self) -> None:
        self._records = 0
        self._source_records = 0
        # Most streams have no such source record.
        self._several: deque[_Several] = deque()
        self._behind = _Several(0, 0, 0)

    def add(self, records: int) -> None:
        """Counts the next source record, which became so many records."""
        self._records += records
        self._source_records += 1
        if records != 1:
            self._several.append(_Several(self._records - records, self._records, self._source_records))

    def settled(self, records: int) -> int:
        """The number of source records, counted from the first, whose records are all among the first `records`."""
        several = self._several
        while several and several[0].end <= records:
            self._behind = several.popleft()
        whole = min(records, several[0].start) if several else records
        return self._behind.source_records + whole - self._behind.end
