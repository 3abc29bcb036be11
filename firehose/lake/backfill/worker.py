"""Work on a backfill, a unit at a time and a chunk of it at a time: read, filter, deliver or spool, save the progress.

state.py explains why a kill at any step loses nothing, and duplicates nothing in a lake.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator

import msgspec

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.item_source import Item, Page
from firehose.lake.backfill.job import Job
from firehose.lake.backfill.lake_loader import LakeLoader, RecordNumbers
from firehose.lake.backfill.spool import write_chunk
from firehose.lake.backfill.state import Progress, StartedJob, State, as_lines, write_whole
from firehose.local.kinesis_writer import partition_key
from firehose.pipeline.change_records import change_identity

# A chunk ends at this size, however few items it has, because its rows stay in memory until its end. 2,000 or 4,000
# items of 380 KB whose rows hold all of that take 300 MB at their peak; with 64 MiB it was 350.
CHUNK_BYTES = 48 * 1024 * 1024

NO_KEYS = b"{}"


class Chunk:
    """The next pages of a unit, up to so many items. After the iteration `position` is its end."""

    def __init__(self, pages: Iterator[Page], item_filter: ItemFilter, items: int, tick: Callable[[int], None]) -> None:
        self.counts = Counts()
        self.position: str | None = None
        self.records = 0
        self._pages = pages
        self._filter = item_filter
        self._items = items
        self._tick = tick

    def __iter__(self) -> Iterator[tuple[str, Item]]:
        """Yield the items to send, with their dates."""
        size_bytes = 0
        for page in self._pages:
            self.counts.add(page.counts)
            for item in page.items:
                date = self._filter.date_of(item, self.counts)
                if date is not None:
                    self.records += 1
                    size_bytes += len(item.payload)
                    yield date, item
            self.position = page.position
            self._tick(page.counts.read)
            if page.position is None or self.counts.read >= self._items or size_bytes >= CHUNK_BYTES:
                return
        self.position = None

    def payloads(self) -> Iterator[bytes]:
        """Yield the items to send, as change records."""
        for _, item in self:
            yield item.payload


class _ChunkHeader(msgspec.Struct):
    """The first line of a chunk on the disk: its number, and the progress after its delivery."""

    chunk: int
    after: Progress


class Worker:
    """Works on units of a job, in the process it was made in.

    Raises:
        UserError: the source cannot be read, or the lake cannot be written.
    """

    def __init__(self, started: StartedJob, state: State, tick: Callable[[int], None]) -> None:
        self._job: Job = started.job
        self._source = self._job.open_source(started.started_micros, started.key_names)
        self._loader = None if self._job.is_stream else LakeLoader(self._job)
        self._filter = ItemFilter(self._job, dates=self._job.is_stream)
        self._personal = self._job.load_personal()
        self._state = state
        self._tick = tick

    def work(self, unit: int) -> None:
        """Work on a unit, from its progress to its end."""
        progress = self._deliver_waiting(unit, self._state.progress(unit))
        if progress.done:
            return
        with contextlib.closing(self._source.pages(unit, progress.position or "", self._state.folder)) as pages:
            while not progress.done:
                chunk = Chunk(pages, self._filter, self._job.chunk_items, self._tick)
                progress = self._settle(unit, chunk, progress)

    def close(self) -> None:
        """Remove temporary files, so that only delivered objects stay in the lake. Another unit may follow."""
        if self._loader:
            self._loader.close()

    def _settle(self, unit: int, chunk: Chunk, progress: Progress) -> Progress:
        """Deliver or spool a chunk; save and return the progress after it."""
        if self._loader and not self._source.repeatable:
            self._write_waiting(unit, chunk, progress)
            return self._deliver_waiting(unit, progress)
        if self._loader:
            records = self._numbers(unit).records(chunk.payloads(), progress.records)
            self._loader.deliver(records, chunk.counts)
        else:
            self._spool(unit, chunk, progress)
        after = _after(progress, chunk)
        self._state.save(unit, after)
        return after

    def _write_waiting(self, unit: int, chunk: Chunk, progress: Progress) -> None:
        """Write a chunk of a table to the disk, and so out of memory before it is delivered."""
        payloads = list(chunk.payloads())
        header = _ChunkHeader(progress.chunks, _after(progress, chunk))
        write_whole(self._state.chunk(unit), as_lines([msgspec.json.encode(header), *payloads]))

    def _deliver_waiting(self, unit: int, progress: Progress) -> Progress:
        """Deliver the chunk of a table that is on the disk, if there is one, and return the progress after it."""
        path = self._state.chunk(unit)
        if self._loader is None or not path.exists():
            return progress
        with path.open("rb") as file:
            header = msgspec.json.decode(file.readline(), type=_ChunkHeader)
            if header.chunk == progress.chunks:
                payloads = (line[:-1] for line in file)
                records = self._numbers(unit).records(payloads, progress.records)
                self._loader.deliver(records, header.after.counts)
                progress = header.after
                self._state.save(unit, progress)
        path.unlink()
        return progress

    def _numbers(self, unit: int) -> RecordNumbers:
        return RecordNumbers(self._source.identity, unit, self._personal)

    def _spool(self, unit: int, chunk: Chunk, progress: Progress) -> None:
        dated: dict[str, list[bytes]] = defaultdict(list)
        for date, item in chunk:
            # Without keys, an item is told apart as a record of a file is.
            key = partition_key(item.keys if item.keys != NO_KEYS else change_identity(item.payload, self._personal))
            dated[date].append(key.encode() + item.payload)
        write_chunk(self._state.spool, unit, progress.chunks, dated)


def _after(progress: Progress, chunk: Chunk) -> Progress:
    """Return the progress after a chunk. Its delivery adds the counts of rows."""
    counts = Counts()
    counts.add(progress.counts)
    counts.add(chunk.counts)
    return Progress(chunk.position, progress.chunks + 1, progress.records + chunk.records, counts)
