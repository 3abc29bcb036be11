"""Run a backfill to its end, from the beginning or from where an earlier run stopped."""

import contextlib
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from firehose.lake.backfill.chunk import Chunk
from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.job import BackfillJob
from firehose.lake.backfill.key_names import find_key_names
from firehose.lake.backfill.lake_loader import Loaded, lost_types
from firehose.lake.backfill.spool import Spool
from firehose.lake.backfill.state import Progress, State
from firehose.lake.backfill.stream_loader import INTERVALS, DatesInFlight, check_stream, send_spool
from firehose.lake.backfill.worker import Backfill
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.redacting_writer import RedactingWriter
from firehose.lake.jobs.job import Answers, Executor, Phase
from firehose.lake.jobs.open_writers import open_writer
from firehose.lake.opening import open_lake_to_write
from firehose.local.kinesis_writer import KinesisWriter, Writer, stream_of
from firehose.local.sinks import S3
from firehose.local.temporary_folders import remove_left
from firehose.local.user_error import UserError

# Called at a resume with the start of the backfill, in epoch microseconds, and the number of items read so far.
OnResume = Callable[[int, int], None]


# A commit takes half a second or so, and a kill loses the work of so many data files at most. What has waited for three
# hours might be taken for what a killed writer has left.
_COMMITTED_UNITS = 16
_COMMIT_SECONDS = 600


class Throttle(NamedTuple):
    """Limits on how fast a stream is filled."""

    dates_in_flight: int = 200
    buffer_seconds: float = 300
    records_per_second: float | None = None


class Interrupted(BaseException):
    """Ctrl-C, as an exception that the data plane does not handle.

    At a KeyboardInterrupt the data plane delivers what it has read so far, as `dmd run` needs. Here that would be part
    of a chunk, in objects that the whole chunk would not replace when it is read again.
    """


class BackfillResult(NamedTuple):
    """The result of a backfill, or of a dry run. `at_micros` is the time of a full export, or of a scan's start."""

    counts: Counts
    ignored: str
    resumed: bool
    at_micros: int


def run(  # noqa: PLR0913 - an argument for each option
    job: BackfillJob,
    folder: Path,
    *,
    executor: Executor,
    throttle: Throttle,
    phase: Phase,
    erased: ErasedSubjects | None,
    compare: bool = True,
    on_resume: OnResume = lambda _at, _items: None,
    say: Callable[[str], None] = lambda _: None,
) -> BackfillResult:
    """Run a job. `folder` keeps what the next run needs to resume, and is removed at the end.

    What is written is redacted by the list of `erased` subjects: the lake's, or the one named for a stream. None is for
    a scratch lake. `say` gets a sentence before a step that the user may not expect. `compare` is passed to
    `find_key_names`.

    Raises:
        UserError: the source cannot be read or the target cannot be written, and the next run resumes; the key names of
            an export are wrong, before anything is written; the rows that an earlier run delivered are gone; or an
            item was lost or counted twice, which is a bug.
    """
    state = State(folder)
    earlier = state.started()
    started_micros = earlier.started_micros if earlier else _now_micros()
    export = job.find_export()
    key_names = earlier.key_names if earlier else find_key_names(job, export, say=say, phase=phase, compare=compare)
    source = job.open_source(export, started_micros, key_names)
    if job.is_stream:
        check_stream(stream_of(job.target))
    with state.locked():
        started = state.start(job, source.identity, started_micros, key_names)
        progress = [state.progress(unit.number) for unit in source.units]
        before = _counts(progress)
        if earlier:
            _check_delivered(job, before, folder)
            on_resume(started.started_micros, before.read)
        tick = phase("read", source.items)
        tick(before.read)
        units = [unit for unit, one in zip(source.units, progress, strict=True) if not one.done]
        backfill = Backfill(started, export, folder, None if job.is_stream else erased)
        with (
            _leftovers_removed(job),
            _open_in_lake(job),
            _interrupted_at_once(),
            contextlib.closing(executor.run(backfill, units, tick)) as answers,
        ):
            for unit, done in _committed(job, answers):
                state.save(unit, done)
        counts = _counts(state.progress(unit.number) for unit in source.units)
        if job.is_stream:
            counts.sent = _send(job, state, throttle, phase, erased)
        if counts.settled != counts.read:
            raise UserError(f"{counts.read:,} items were read, but {counts.settled:,} accounted for; {folder} is kept")
        state.remove()
    return BackfillResult(counts, source.ignored, earlier is not None, source.at_micros)


def dry_run(
    job: BackfillJob, phase: Phase, say: Callable[[str], None] = lambda _: None, *, compare: bool = True
) -> BackfillResult:
    """Read everything and count what would be sent.

    Raises:
        UserError: the source cannot be read, or its key names are wrong.
    """
    export = job.find_export()
    source = job.open_source(export, _now_micros(), find_key_names(job, export, say=say, phase=phase, compare=compare))
    item_filter = ItemFilter(job, dates=True)
    tick = phase("read", source.items)
    counts = Counts()
    for unit in source.units:
        pages = source.pages(unit.number, "")
        position: str | None = ""
        while position is not None:
            chunk = Chunk(pages, item_filter, job.chunk_items, tick)
            for _ in chunk:
                pass
            counts.add(chunk.counts)
            position = chunk.position
    return BackfillResult(counts, source.ignored, resumed=False, at_micros=source.at_micros)


def _committed(job: BackfillJob, answers: Answers[Loaded]) -> Iterator[tuple[int, Progress]]:
    """Yield the progress of each unit when its rows are in the lake: at once, or when what it staged is committed."""
    waiting: dict[int, Loaded] = {}
    began_seconds = time.monotonic()
    for unit, loaded in answers:
        waiting[unit] = loaded
        is_late = time.monotonic() - began_seconds >= _COMMIT_SECONDS
        if not loaded.staged or len(waiting) >= _COMMITTED_UNITS or is_late:
            yield from _commit(job, waiting)
            waiting, began_seconds = {}, time.monotonic()
    yield from _commit(job, waiting)


def _commit(job: BackfillJob, waiting: Mapping[int, Loaded]) -> Iterator[tuple[int, Progress]]:
    if staged := [one for loaded in waiting.values() for one in loaded.staged]:
        from firehose.lake.iceberg.catalogs import lake_tables  # noqa: PLC0415 - PyIceberg: 0.7 s
        from firehose.lake.iceberg.staging import commit_staged  # noqa: PLC0415

        commit_staged(lake_tables(job.target).catalog, staged)
    for unit, loaded in waiting.items():
        yield unit, loaded.progress


def _counts(progress: Iterable[Progress]) -> Counts:
    counts = Counts()
    for one in progress:
        counts.add(one.counts)
    return counts


def _check_delivered(job: BackfillJob, before: Counts, folder: Path) -> None:
    """Refuse to resume if rows of an earlier run are gone, because they would not be delivered again."""
    lost = [] if job.is_stream else lost_types(job, before.delivered)
    if lost:
        rows = " and ".join(f"{before.delivered[name]:,} {name} rows" for name in lost)
        raise UserError(
            f"this backfill has delivered {rows}, but {job.target} no longer has any: to start over, remove {folder}"
        )


def _send(job: BackfillJob, state: State, throttle: Throttle, phase: Phase, erased: ErasedSubjects | None) -> int:
    spool = Spool(state.spool)
    writer: Writer = KinesisWriter(stream_of(job.target), records_per_second=throttle.records_per_second)
    if erased is not None:
        writer = RedactingWriter(writer, erased, job.load_types())
    in_flight = DatesInFlight(throttle.dates_in_flight, throttle.buffer_seconds * INTERVALS)
    return send_spool(spool, writer, state, in_flight, phase("sent", spool.records))


@contextmanager
def _open_in_lake(job: BackfillJob) -> Iterator[None]:
    if job.is_stream:
        yield
        return
    with contextlib.closing(open_lake_to_write(job.target)) as sink, open_writer(sink, "backfill"):
        yield


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Interrupted:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _leftovers_removed(job: BackfillJob) -> Iterator[None]:
    """After a stop, remove the temporary files of processes that were ended early: they hold personal data."""
    try:
        yield
    except BaseException:
        remove_left(Path(tempfile.gettempdir()))
        if not job.is_stream and not job.target.startswith(S3):
            remove_left(Path(job.target))
        raise


def _now_micros() -> int:
    return time.time_ns() // 1000
