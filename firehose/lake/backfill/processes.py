"""Units of a backfill shared among processes: each takes the next one when it is free."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import Any

from firehose.lake.backfill.state import Begun, State
from firehose.lake.backfill.work import Worker
from firehose.local.user_error import UserError

_LOOK_SECONDS = 0.2


def work_units(begun: Begun, state: State, units: Sequence[int], processes: int, tick: Callable[[int], None]) -> None:
    """Works on all these units. With one process, in this one.

    Raises:
        UserError: the source cannot be read, the target not written, or a process died.
            All others have ended by then.
    """
    if processes == 1 or len(units) < 2:
        worker = Worker(begun, state, tick)
        try:
            for unit in units:
                worker.work(unit)
        finally:
            worker.close()
        return
    try:
        _share(begun, state.folder, units, min(processes, len(units)), tick)
    except BrokenProcessPool:
        raise UserError("a process of this backfill was killed; the same command goes on where it was") from None


def _share(begun: Begun, folder: Path, units: Sequence[int], processes: int, tick: Callable[[int], None]) -> None:
    # Spawned: a fork would copy whatever threads boto3, Arrow and the progress bar have in whatever state they are.
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(processes, context, _start, (begun, folder, counter)) as pool:
        waiting: set[Future[None]] = {pool.submit(_work, unit) for unit in units}
        told = 0
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_LOOK_SECONDS)
                for one in done:
                    one.result()
                read = counter.value
                tick(read - told)
                told = read
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise


class _Here:
    """What a process of the pool has: made at its first unit, so that what goes wrong there is told to the parent."""

    begun: Begun
    folder: Path
    counter: Any
    worker: Worker | None = None
    stopped = False


def _start(begun: Begun, folder: Path, counter: Any) -> None:
    _Here.begun, _Here.folder, _Here.counter = begun, folder, counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent too, which ends this process
    signal.signal(signal.SIGTERM, _stop)
    Thread(target=_end_with_parent, daemon=True).start()


def _work(unit: int) -> None:
    if _Here.stopped:
        return
    try:
        if _Here.worker is None:
            _Here.worker = Worker(_Here.begun, State(_Here.folder), _count)
        _Here.worker.work(unit)
    finally:
        # Nobody tells this process which unit is its last one; the next one makes again what it needs.
        if _Here.worker:
            _Here.worker.close()


def _count(items: int) -> None:
    with _Here.counter.get_lock():
        _Here.counter.value += items


def _stop(_signal: int, _frame: FrameType | None) -> None:
    _Here.stopped = True
    if _Here.worker:  # which may have nothing to do at this moment, and then would leave its temporary folder
        _Here.worker.close()
    sys.exit()


def _end_with_parent() -> None:
    """A parent that was killed cannot end this process; going on beside the run that follows it would be wrong."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_any([parent.sentinel])
        os._exit(1)
