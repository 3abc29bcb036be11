"""Share the units of a backfill among processes: each takes the next one when it is free."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any

from firehose.lake.backfill.state import StartedJob, State
from firehose.lake.backfill.worker import Worker
from firehose.local.user_error import UserError

_LOOK_SECONDS = 0.2


def work_units(
    started: StartedJob, state: State, units: Sequence[int], processes: int, tick: Callable[[int], None]
) -> None:
    """Work on all these units, in this process if one suffices.

    Raises:
        UserError: the source cannot be read, the target cannot be written, or a process died. All have ended then.
    """
    if processes == 1 or len(units) < 2:
        worker = Worker(started, state, tick)
        try:
            for unit in units:
                worker.work(unit)
        finally:
            worker.close()
        return
    try:
        _share(started, state.folder, units, min(processes, len(units)), tick)
    except BrokenProcessPool:
        raise UserError("a process of this backfill was killed: rerun the same command to resume") from None


def _share(
    started: StartedJob, folder: Path, units: Sequence[int], processes: int, tick: Callable[[int], None]
) -> None:
    # Spawned: a fork would copy the threads of boto3, Arrow and the progress bar in whatever state they are.
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(processes, context, _start, (started, folder, counter)) as pool:
        with _deaf_to_ctrl_c():
            waiting: set[Future[None]] = {pool.submit(_work, unit) for unit in units}
        reported = 0
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_LOOK_SECONDS)
                for one in done:
                    one.result()
                read = counter.value
                tick(read - reported)
                reported = read
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, not even while they import: this one gets it, too, and ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Process:
    """The state of a process of the pool. The worker is made at the first unit, so that its errors reach the parent."""

    started: StartedJob
    folder: Path
    counter: Any
    worker: Worker | None = None
    working = False
    stopped = False


def _start(started: StartedJob, folder: Path, counter: Any) -> None:
    _Process.started, _Process.folder, _Process.counter = started, folder, counter
    signal.signal(signal.SIGTERM, _stop)
    Thread(target=_end_with_parent, daemon=True).start()


def _work(unit: int) -> None:
    _Process.working = True
    try:
        _work_and_close(unit)
    finally:
        _Process.working = False
        if _Process.stopped:
            os._exit(1)


def _work_and_close(unit: int) -> None:
    try:
        if _Process.worker is None:
            _Process.worker = Worker(_Process.started, State(_Process.folder), _count)
        _Process.worker.work(unit)
    finally:
        # Any unit may be the last. The next one reopens what it needs.
        if _Process.worker:
            _Process.worker.close()


def _count(items: int) -> None:
    with _Process.counter.get_lock():
        _Process.counter.value += items


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """End this process at the first SIGTERM: at once if it waits for a unit, else once its temporary files are gone.

    The pool catches an exception of a unit, also that of `sys.exit`, and waits for another unit.
    """
    if _Process.stopped:
        return
    _Process.stopped = True
    if not _Process.working:
        os._exit(1)
    sys.exit()


def _end_with_parent() -> None:
    """End this process when its parent dies: it must not work beside the next run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_any([parent.sentinel])
        os._exit(1)
