"""What became of each record: kept for every record and stream until all is settled, so that sums are checked.

A count that is derived from others (failed = read - delivered - dropped) is right by definition and shows nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import msgspec

from firehose.local.metrics import Metrics

DROPPED = 1
DELIVERED = 2
FAILED = 4
BACKED_UP = 8  # of a stream's backup, which the ledger counts as a stream of its own

# A page is one byte a record and stream, and is summed up and let go when all its records are settled.
_PAGE_RECORDS = 8192


class StreamReport(msgspec.Struct):
    """The counts of one delivery stream, each made where it happens."""

    name: str
    received: int = 0
    delivered: int = 0
    dropped: int = 0
    failed: Counter[str] = msgspec.field(default_factory=Counter)  # by error code
    rows: int = 0
    objects: int = 0
    error_objects: int = 0
    bytes_in: int = 0  # of the payloads that the function got
    bytes_out: int = 0  # of the objects
    partitions: Counter[str] = msgspec.field(default_factory=Counter)  # rows by evaluated prefix
    metrics: Metrics = msgspec.field(default_factory=Metrics)

    @property
    def adds_up(self) -> bool:
        """Whether every record received was delivered, dropped or failed."""
        return self.received == self.delivered + self.dropped + self.failed.total()


class Report(msgspec.Struct):
    """What a run did. A record is failed if any stream failed it, else delivered if any did, else dropped by all."""

    read: int = 0
    bytes_read: int = 0
    delivered: int = 0
    dropped: int = 0
    failed: int = 0
    unsettled: int = 0  # of no known fate in some stream
    settled_twice: int = 0  # given a second fate by the same stream
    delivered_twice: int = 0  # delivered by more than one stream
    stopped: bool = False
    streams: list[StreamReport] = msgspec.field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Whether read = delivered + dropped + failed, each record once, and so in every stream."""
        return (
            self.read == self.delivered + self.dropped + self.failed
            and self.unsettled == self.settled_twice == self.delivered_twice == 0
            and all(stream.adds_up and stream.received == self.read for stream in self.streams)
        )


class Ledger:
    """The fate of each record, by its ordinal, in each of `streams` streams."""

    def __init__(self, streams: int, report: Report) -> None:
        self._streams = streams
        self._report = report
        self._pages: dict[int, list[bytearray]] = {}
        self._open: dict[int, int] = {}  # page -> fates not yet known
        self._settled = 0

    def settle(self, stream: int, ordinals: Iterable[int], fate: int) -> None:
        """Gives these records their fate in one stream."""
        # Once a record and stream. The page is looked up when it changes, which halves the time.
        start = end = settled = 0
        fates = bytearray()
        for ordinal in ordinals:
            if not start <= ordinal < end:
                self._count_settled(start // _PAGE_RECORDS, settled)
                number = ordinal // _PAGE_RECORDS
                start, end, settled = number * _PAGE_RECORDS, (number + 1) * _PAGE_RECORDS, 0
                fates = self._page(number)[stream]
            if fates[ordinal - start]:
                self._report.settled_twice += 1
            else:
                fates[ordinal - start] = fate
                settled += 1
        self._count_settled(start // _PAGE_RECORDS, settled)

    def _page(self, number: int) -> list[bytearray]:
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = [bytearray(_PAGE_RECORDS) for _ in range(self._streams)]
            self._open[number] = _PAGE_RECORDS * self._streams
        return page

    def _count_settled(self, number: int, settled: int) -> None:
        if settled:
            self._open[number] -= settled
            if not self._open[number]:
                self._sum_up(number, _PAGE_RECORDS)

    def settled(self) -> int:
        """How many records, from the first on, have their fate in every stream: a source may forget those.

        Of the ordinals 0, 1 and 3 -> 2. What is still buffered, or failed and not yet written as an error, has none.
        """
        while self._open.get(self._settled // _PAGE_RECORDS) == 0:
            self._settled = (self._settled // _PAGE_RECORDS + 1) * _PAGE_RECORDS
        number, start = divmod(self._settled, _PAGE_RECORDS)
        if number in self._pages:
            unsettled = (fates.find(0, start) for fates in self._pages[number])
            self._settled += min(_PAGE_RECORDS if place < 0 else place for place in unsettled) - start
        return self._settled

    def close(self, records: int) -> None:
        """Sums up what is left, of `records` records in all."""
        for number in range(-(-records // _PAGE_RECORDS)):
            if number in self._pages:
                self._sum_up(number, min(_PAGE_RECORDS, records - number * _PAGE_RECORDS))
            elif number not in self._open:
                self._report.unsettled += min(_PAGE_RECORDS, records - number * _PAGE_RECORDS)

    def _sum_up(self, number: int, records: int) -> None:
        report = self._report
        combinations = Counter(zip(*(page[:records] for page in self._pages.pop(number)), strict=True))
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


def payload_bytes(record: dict[str, Any]) -> int:
    """The length of a record's payload before base64: {"data": "e30="} -> 2."""
    data: str = record["data"]
    return len(data) // 4 * 3 - data.count("=", -2)


def payloads_bytes(records: Sequence[dict[str, Any]]) -> int:
    """The sum of their `payload_bytes`, in a third of the time that asking for each takes."""
    encoded: list[str] = [record["data"] for record in records]
    padding = sum(map(str.endswith, encoded, repeat("="))) + sum(map(str.endswith, encoded, repeat("==")))
    return sum(map(len, encoded)) // 4 * 3 - padding
