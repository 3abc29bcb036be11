"""Work on units that cannot be read again from the beginning: those of a table, which changes, or into a stream.

Each chunk is delivered or spooled, and then the progress is saved in the state folder. state.py explains why a kill at
any step loses nothing and duplicates nothing in a lake.
"""

import contextlib
from collections import defaultdict

import msgspec

from firehose.lake.backfill.chunk import Chunk
from firehose.lake.backfill.export import Export
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.lake_loader import LakeLoader, Loaded, RecordNumbers
from firehose.lake.backfill.spool import write_chunk
from firehose.lake.backfill.state import Progress, StartedJob, State, as_lines, write_whole
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.jobs.job import Tick
from firehose.local.kinesis_writer import partition_key
from firehose.pipeline.change_records import change_identity

NO_KEYS = b"{}"


class _ChunkHeader(msgspec.Struct):
    """The first line of a chunk on the disk: its number, and the progress after its delivery."""

    chunk: int
    after: Progress


class ResumableWorker:
    """Works on units of a table, or into a stream, and resumes a unit where it was stopped.

    Raises:
        UserError: the source cannot be read, or the lake cannot be written.
    """

    def __init__(
        self, started: StartedJob, export: Export | None, state: State, tick: Tick, erased: ErasedSubjects | None
    ) -> None:
        self._job = started.job
        self._source = self._job.open_source(export, started.started_micros, started.key_names)
        self._loader = None if self._job.is_stream else LakeLoader(started, erased)
        self._filter = ItemFilter(self._job, dates=self._job.is_stream)
        self._personal = self._job.load_personal()
        self._state = state
        self._tick = tick

    def work(self, unit: int) -> Loaded:
        """Work on a unit, from its saved progress to its end."""
        progress = self._deliver_waiting(unit, self._state.progress(unit))
        if progress.done:
            return Loaded(progress)
        with contextlib.closing(self._source.pages(unit, progress.position or "")) as pages:
            while not progress.done:
                chunk = Chunk(pages, self._filter, self._job.chunk_items, self._tick)
                progress = self._settle(unit, chunk, progress)
        return Loaded(progress)

    def close(self) -> None:
        """Remove temporary files, so that only delivered objects stay in the lake. `work` may be called again."""
        if self._loader:
            self._loader.close()

    def _settle(self, unit: int, chunk: Chunk, progress: Progress) -> Progress:
        """Deliver or spool a chunk; save and return the progress after it."""
        if self._loader:
            self._write_waiting(unit, chunk, progress)
            return self._deliver_waiting(unit, progress)
        self._spool(unit, chunk, progress)
        after = progress.after(chunk)
        self._state.save(unit, after)
        return after

    def _write_waiting(self, unit: int, chunk: Chunk, progress: Progress) -> None:
        """Write a chunk of a table to the disk, so that it leaves memory before it is delivered."""
        payloads = list(chunk.payloads())
        header = _ChunkHeader(progress.chunks, progress.after(chunk))
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
                records = RecordNumbers(self._source.identity, unit, self._personal).records(payloads, progress.records)
                self._loader.deliver(records, header.after.counts, unit)
                progress = header.after
                self._state.save(unit, progress)
        path.unlink()
        return progress

    def _spool(self, unit: int, chunk: Chunk, progress: Progress) -> None:
        dated: dict[str, list[bytes]] = defaultdict(list)
        for date, item in chunk:
            # An item without keys is identified like a record of a file.
            key = partition_key(item.keys if item.keys != NO_KEYS else change_identity(item.payload, self._personal))
            dated[date].append(key.encode() + item.payload)
        write_chunk(self._state.spool, unit, progress.chunks, dated)
