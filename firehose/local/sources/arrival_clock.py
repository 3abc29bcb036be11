"""A clock that the records of a file move: intervals, retries and metrics run by arrivals, without waiting."""

from collections.abc import Callable, Iterable, Iterator

from firehose.local.event_record import EventRecord

# A quiet live source checks its intervals as often.
STEP_MS = 1_000

# After this long without a record, only what cannot be delivered still waits: the longest buffer intervals of function
# and destination (900 s each), and the longest wait before S3 is tried again.
QUIET_MS = 2_000_000


class ArrivalClock:
    """Returns epoch milliseconds: the latest arrival so far; it advances from there while something waits.

    clock = ArrivalClock(); DataPlane(streams, sink, clock=clock).run(clock.paced(records, idle))
    """

    def __init__(self) -> None:
        self._now_ms = 0

    def __call__(self) -> int:
        """Return the time."""
        return self._now_ms

    def paced(self, records: Iterable[EventRecord], idle: Callable[[], bool]) -> Iterator[EventRecord | None]:
        """Yield each record when it arrives; None each second in between, and after the last, unless `idle`."""
        for record in records:
            arrival_ms: int = record["approximateArrivalTimestamp"]
            if self._now_ms:
                yield from self._until(arrival_ms, idle)
            self._now_ms = max(self._now_ms, arrival_ms)
            yield record
        yield from self._until(self._now_ms + QUIET_MS, idle)

    def _until(self, at_ms: int, idle: Callable[[], bool]) -> Iterator[None]:
        quiet_ms = min(at_ms, self._now_ms + QUIET_MS)
        while self._now_ms + STEP_MS <= quiet_ms and not idle():
            self._now_ms += STEP_MS
            yield None
