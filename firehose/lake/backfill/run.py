"""A backfill from its beginning, or from where it was stopped, to its end."""

import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.item_filter import ItemFilter
from firehose.lake.backfill.job import Job
from firehose.lake.backfill.lake import lost_types
from firehose.lake.backfill.processes import work_units
from firehose.lake.backfill.spool import Spool
from firehose.lake.backfill.state import Progress, State
from firehose.lake.backfill.stream_loader import INTERVALS, DatesInFlight, check_stream, send_spool
from firehose.lake.backfill.work import Chunk
from firehose.local.kinesis_writer import KinesisWriter, stream_of
from firehose.local.user_error import UserError

# Called with a phase's name and how many items it has, about, then with how many more of them are done.
Phase = Callable[[str, int], Callable[[int], None]]

# Called before anything is done with when an earlier run began, in epoch microseconds, and how many items it has read.
OnResume = Callable[[int, int], None]


class Throttle(NamedTuple):
    """How fast a stream is filled."""

    dates_in_flight: int = 200
    buffer_seconds: float = 300
    records_per_second: float | None = None


class Interrupted(BaseException):
    """Ctrl-C, under a name that the data plane does not know.

    At a KeyboardInterrupt it delivers what it has read so far, as a run wants it; here that would be a part of a chunk,
    under names that the whole chunk, read again, does not replace.
    """


class Outcome(NamedTuple):
    """What a backfill did, or would do."""

    counts: Counts
    ignored: str
    resumed: bool


def run(
    job: Job,
    folder: Path,
    *,
    processes: int,
    pace: Throttle,
    phase: Phase,
    on_resume: OnResume = lambda _at, _items: None,
) -> Outcome:
    """Carries out a job, keeping in `folder` what a next run needs to go on; at its end nothing is left there.

    Raises:
        UserError: the source cannot be read or the target not written. Run again, it goes on where it was. Or what it
            would go on with is no longer there. Or an item was lost or counted twice, which is a bug.
    """
    state = State(folder)
    already = state.begun()
    started_micros = already.started_micros if already else _now_micros()
    source = job.open_source(started_micros)
    if job.is_stream:
        check_stream(stream_of(job.target))
    with state.locked():
        begun = state.begin(job, source.identity, started_micros)
        progress = [state.progress(unit) for unit in range(source.units)]
        before = _counts(progress)
        if already:
            _check_delivered(job, before, folder)
            on_resume(begun.started_micros, before.read)
        tick = phase("read", source.items)
        tick(before.read)
        units = [unit for unit, one in enumerate(progress) if not one.done]
        with _interrupted_at_once():
            work_units(begun, state, units, processes, tick)
        counts = _counts(state.progress(unit) for unit in range(source.units))
        if job.is_stream:
            counts.sent = _send(job, state, pace, phase)
        if counts.settled != counts.read:
            raise UserError(f"{counts.read:,} items were read and {counts.settled:,} accounted for; {folder} stays")
        state.remove()
    return Outcome(counts, source.ignored, resumed=already is not None)


def dry_run(job: Job, phase: Phase) -> Outcome:
    """Reads everything and works out what would go; writes nothing that stays.

    Raises:
        UserError: the source cannot be read.
    """
    source = job.open_source(_now_micros())
    sieve = ItemFilter(job, dates=True)
    tick = phase("read", source.items)
    counts = Counts()
    with tempfile.TemporaryDirectory(prefix="dmd-backfill-") as folder:
        for unit in range(source.units):
            pages = source.pages(unit, "", Path(folder))
            position: str | None = ""
            while position is not None:
                chunk = Chunk(pages, sieve, job.chunk_items, tick)
                for _ in chunk:
                    pass
                counts.add(chunk.counts)
                position = chunk.position
    return Outcome(counts, source.ignored, resumed=False)


def _counts(progress: Iterable[Progress]) -> Counts:
    counts = Counts()
    for one in progress:
        counts.add(one.counts)
    return counts


def _check_delivered(job: Job, before: Counts, folder: Path) -> None:
    """What an earlier run delivered is not delivered again, so in a lake that was emptied since it would be missing."""
    lost = [] if job.is_stream else lost_types(job, before.delivered)
    if lost:
        rows = " and ".join(f"{before.delivered[name]:,} {name} rows" for name in lost)
        raise UserError(
            f"this backfill has delivered {rows}, and {job.target} holds none any more: to begin anew remove {folder}"
        )


def _send(job: Job, state: State, pace: Throttle, phase: Phase) -> int:
    spool = Spool(state.spool)
    writer = KinesisWriter(stream_of(job.target), records_per_second=pace.records_per_second)
    in_flight = DatesInFlight(pace.dates_in_flight, pace.buffer_seconds * INTERVALS)
    return send_spool(spool, writer, state, in_flight, phase("sent", spool.records))


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


def _now_micros() -> int:
    return time.time_ns() // 1000
