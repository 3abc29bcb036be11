"""Work on the units of a backfill. A unit is a data file of an export, or a segment of a table's scan."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from firehose.lake.backfill.chunk import Chunk
from firehose.lake.backfill.export import Export
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.lake_loader import LakeLoader, Loaded, RecordNumbers
from firehose.lake.backfill.resumable_worker import ResumableWorker
from firehose.lake.backfill.state import Progress, StartedJob, State
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.jobs.job import Tick


class Backfill(NamedTuple):
    """A backfill as a job over units. `folder` keeps the state of units that cannot begin anew.

    `erased` is the list that a lake's objects are redacted by; a scratch lake has none.
    """

    started: StartedJob
    export: Export | None
    folder: Path
    erased: ErasedSubjects | None

    def worker(self, tick: Tick) -> "ExportWorker | ResumableWorker":
        """Return a worker in this process.

        Raises:
            UserError: the source cannot be read, or the lake cannot be written.
        """
        if self.export is None or self.started.job.is_stream:
            return ResumableWorker(self.started, self.export, State(self.folder), tick, self.erased)
        return ExportWorker(self.started, self.export, tick, self.erased)


class ExportWorker:
    """Loads data files of an export into a lake. It keeps no state: a file that is loaded again gives the same objects.

    Raises:
        UserError: the source cannot be read, or the lake cannot be written.
    """

    def __init__(self, started: StartedJob, export: Export, tick: Tick, erased: ErasedSubjects | None) -> None:
        self._job = started.job
        self._source = self._job.open_source(export, started.started_micros, started.key_names)
        self._loader = LakeLoader(started, erased, stages=True)
        self._filter = ItemFilter(self._job)
        self._personal = self._job.load_personal()
        self._tick = tick

    def work(self, unit: int) -> Loaded:
        """Load a data file as a whole. Iceberg tables have its rows once what it staged is committed."""
        progress = Progress()
        numbers = RecordNumbers(self._source.identity, unit, self._personal)
        with contextlib.closing(self._source.pages(unit, "")) as pages:
            while not progress.done:
                chunk = Chunk(pages, self._filter, self._job.chunk_items, self._tick)
                self._loader.deliver(numbers.records(chunk.payloads(), progress.records), chunk.counts, unit)
                progress = progress.after(chunk)
        return Loaded(progress, self._loader.staged())

    def close(self) -> None:
        """Remove temporary files, so that only delivered objects stay in the lake. Another unit may follow."""
        self._loader.close()
