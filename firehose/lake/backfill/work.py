"""The work of a backfill, a unit at a time and a chunk of it at a time: read, sift, deliver or spool, move on.

A kill at any step loses nothing and doubles nothing in a lake:

    an export   a chunk read again gives the same records under the same object names, so what was put is replaced
    a table     a chunk read again may differ, so it is on the disk before it is delivered, and delivered from there
    a stream    a chunk is on the disk, and nothing is sent before all are
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator

import msgspec

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.job import Job
from firehose.lake.backfill.lake import Lake, RecordNumbers
from firehose.lake.backfill.source import Item, Page
from firehose.lake.backfill.spool import write_chunk
from firehose.lake.backfill.state import Begun, Progress, State, as_lines, write_whole
from firehose.local.kinesis_writer import partition_key

# A chunk ends here though its items be few: what is made of it is in memory until its end. 2,000 or 4,000 items of
# 380 KB whose rows hold all of that take 300 MB at their peak; with 64 MiB it was 350.
CHUNK_BYTES = 48 * 1024 * 1024

NO_KEYS = b"{}"


class Chunk:
    """The next pages of a unit, up to so many items: what of them goes, and, when that is read, where they ended."""

    def __init__(self, pages: Iterator[Page], sieve: ItemFilter, items: int, tick: Callable[[int], None]) -> None:
        self.counts = Counts()
        self.position: str | None = None
        self.records = 0
        self._pages = pages
        self._sieve = sieve
        self._items = items
        self._tick = tick

    def __iter__(self) -> Iterator[tuple[str, Item]]:
        """The items that go, with their dates."""
        size_bytes = 0
        for page in self._pages:
            self.counts.add(page.found)
            for item in page.items:
                date = self._sieve.date_of(item, self.counts)
                if date is not None:
                    self.records += 1
                    size_bytes += len(item.payload)
                    yield date, item
            self.position = page.position
            self._tick(page.found.read)
            if page.position is None or self.counts.read >= self._items or size_bytes >= CHUNK_BYTES:
                return
        self.position = None

    def payloads(self) -> Iterator[bytes]:
        """What goes, as change records."""
        for _, item in self:
            yield item.payload


class _Waiting(msgspec.Struct):
    """The first line of a chunk on the disk: which it is, and the progress that its delivery makes."""

    chunk: int
    after: Progress


class Worker:
    """Works on units of a job, in the process it was made in.

    Raises:
        UserError: the source cannot be read, or the lake not written.
    """

    def __init__(self, begun: Begun, state: State, tick: Callable[[int], None]) -> None:
        self._job: Job = begun.job
        self._source = self._job.open_source(begun.started_micros)
        self._lake = None if self._job.is_stream else Lake(self._job)
        self._sieve = ItemFilter(self._job, dates=self._job.is_stream)
        self._state = state
        self._tick = tick

    def work(self, unit: int) -> None:
        """A unit from where it is to its end."""
        progress = self._deliver_waiting(unit, self._state.progress(unit))
        if progress.done:
            return
        with contextlib.closing(self._source.pages(unit, progress.position or "", self._state.folder)) as pages:
            while not progress.done:
                chunk = Chunk(pages, self._sieve, self._job.chunk_items, self._tick)
                progress = self._settle(unit, chunk, progress)

    def close(self) -> None:
        """Nothing of it stays in the lake but what it delivered. It may go on with another unit."""
        if self._lake:
            self._lake.close()

    def _settle(self, unit: int, chunk: Chunk, progress: Progress) -> Progress:
        """A chunk to where it belongs, and the checkpoint after it."""
        if self._lake and not self._source.repeatable:
            self._keep(unit, chunk, progress)
            return self._deliver_waiting(unit, progress)
        if self._lake:
            records = RecordNumbers(self._source.identity, unit).records(chunk.payloads(), progress.records)
            self._lake.deliver(records, chunk.counts)
        else:
            self._spool(unit, chunk, progress)
        after = _after(progress, chunk)
        self._state.save(unit, after)
        return after

    def _keep(self, unit: int, chunk: Chunk, progress: Progress) -> None:
        """A chunk of a table onto the disk, and out of memory before it is delivered."""
        payloads = list(chunk.payloads())
        waiting = _Waiting(progress.chunks, _after(progress, chunk))
        write_whole(self._state.chunk(unit), as_lines([msgspec.json.encode(waiting), *payloads]))

    def _deliver_waiting(self, unit: int, progress: Progress) -> Progress:
        """Delivers the chunk of a table that is on the disk, if one is; the progress after it."""
        path = self._state.chunk(unit)
        if self._lake is None or not path.exists():
            return progress
        with path.open("rb") as file:
            waiting = msgspec.json.decode(file.readline(), type=_Waiting)
            if waiting.chunk == progress.chunks:
                payloads = (line[:-1] for line in file)
                records = RecordNumbers(self._source.identity, unit).records(payloads, progress.records)
                self._lake.deliver(records, waiting.after.counts)
                progress = waiting.after
                self._state.save(unit, progress)
        path.unlink()
        return progress

    def _spool(self, unit: int, chunk: Chunk, progress: Progress) -> None:
        dated: dict[str, list[bytes]] = defaultdict(list)
        for date, item in chunk:
            # An item of which nobody said the keys is an item of its own.
            key = partition_key(item.keys if item.keys != NO_KEYS else item.payload)
            dated[date].append(key.encode() + item.payload)
        write_chunk(self._state.spool, unit, progress.chunks, dated)


def _after(progress: Progress, chunk: Chunk) -> Progress:
    counts = Counts()
    counts.add(progress.counts)
    counts.add(chunk.counts)
    # The counts are those of before and of this chunk, whose delivery adds its own to them.
    return Progress(chunk.position, progress.chunks + 1, progress.records + chunk.records, counts)
