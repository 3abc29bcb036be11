"""Share the units of a job among processes of this machine: each takes the next one when it is free."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.process import BaseProcess
from threading import Thread
from types import FrameType
from typing import Any, NamedTuple

from firehose.lake.jobs.job import Answers, AnswerT, Job, Tick, Unit, Worker
from firehose.local.user_error import UserError

_LOOK_SECONDS = 0.2
# A process that has not ended by then is killed, and the next sink removes its temporary files.
_END_SECONDS = 3.0


class Pool(NamedTuple):
    """An executor of so many processes. If one suffices, it is this one."""

    processes: int

    def run(self, job: Job[AnswerT], units: Sequence[Unit], tick: Tick) -> Answers[AnswerT]:
        """Yield the number and the answer of each unit as soon as it is known.

        Raises:
            UserError: a unit failed, or a process died. All have ended then.
        """
        processes = min(self.processes, len(units))
        return _share(job, units, processes, tick) if processes > 1 else _work_here(job, units, tick)


def _work_here(job: Job[AnswerT], units: Sequence[Unit], tick: Tick) -> Answers[AnswerT]:
    worker = job.worker(tick)
    try:
        for unit in units:
            yield unit.number, worker.work(unit.number)
    finally:
        worker.close()


def _share(job: Job[AnswerT], units: Sequence[Unit], processes: int, tick: Tick) -> Answers[AnswerT]:
    # Spawned: a fork would copy the threads of boto3, Arrow and the progress bar in whatever state they are.
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    with ProcessPoolExecutor(processes, context, _start, (job, counter)) as pool:
        # The largest first: begun last, it would run alone at the end.
        ordered = sorted(units, key=lambda unit: -unit.size)
        with _deaf_to_ctrl_c():
            waiting: dict[Future[AnswerT], int] = {pool.submit(_work, unit.number): unit.number for unit in ordered}
        reported = 0
        try:
            while waiting:
                done, _ = wait(waiting, timeout=_LOOK_SECONDS)
                for one in done:
                    yield waiting.pop(one), one.result()
                counted = counter.value
                tick(counted - reported)
                reported = counted
        except BrokenProcessPool:
            raise UserError("a process of this job was killed: rerun the same command to resume") from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end(multiprocessing.active_children())
            raise


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, not even while they import: this one gets it, too, and ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(processes: Sequence[BaseProcess]) -> None:
    """Return when they have ended: the caller may remove what they write to."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(_END_SECONDS)
        process.kill()
        process.join()


class _Process:
    """The state of a process of the pool. The worker is made at the first unit, so that its errors reach the parent."""

    job: Job[Any]
    counter: Any
    worker: Worker[Any] | None = None
    working = False
    stopped = False


def _start(job: Job[Any], counter: Any) -> None:
    _Process.job, _Process.counter = job, counter
    signal.signal(signal.SIGTERM, _stop)
    Thread(target=_end_with_parent, daemon=True).start()


def _work(unit: int) -> Any:
    _Process.working = True
    try:
        return _work_and_close(unit)
    finally:
        _Process.working = False
        if _Process.stopped:
            os._exit(1)


def _work_and_close(unit: int) -> Any:
    try:
        if _Process.worker is None:
            _Process.worker = _Process.job.worker(_count)
        return _Process.worker.work(unit)
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
