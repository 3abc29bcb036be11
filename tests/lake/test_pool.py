"""The pool: every unit of a job is worked on once, in one process or in several, and no process outlives the job."""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from firehose.lake.jobs.job import Tick, Unit
from firehose.lake.jobs.pool import Pool
from firehose.local.user_error import UserError

pytestmark = pytest.mark.slow

UNITS = [Unit(number, size) for number, size in enumerate((1, 3, 2))]


class Doubling(NamedTuple):
    """A job whose answers are twice the units' numbers. It says in `folder` which process did what, and when closed."""

    folder: Path
    fails_at: int = -1
    dies_at: int = -1

    def worker(self, tick: Tick) -> "DoublingWorker":
        return DoublingWorker(self, tick)


class DoublingWorker:
    def __init__(self, job: Doubling, tick: Tick) -> None:
        self._job = job
        self._tick = tick

    def work(self, unit: int) -> int:
        if unit == self._job.fails_at:
            raise UserError(f"unit {unit} cannot be read")
        if unit == self._job.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        (self._job.folder / f"{unit}").write_text(f"{os.getpid()}")
        self._tick(UNITS[unit].size)
        return 2 * unit

    def close(self) -> None:
        (self._job.folder / f"closed-{os.getpid()}").touch()


def answers(processes: int, job: Doubling, units: Sequence[Unit] = UNITS, ticks: list[int] | None = None) -> list[int]:
    done = Pool(processes).run(job, units, (ticks if ticks is not None else []).append)
    return [answer for _, answer in sorted(done)]


def processes_of(folder: Path) -> set[str]:
    return {path.read_text() for path in folder.iterdir() if path.name.isdigit()}


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_every_unit_is_answered_whatever_the_number_of_processes(tmp_path: Path, processes: int) -> None:
    ticks: list[int] = []

    assert answers(processes, Doubling(tmp_path), ticks=ticks) == [0, 2, 4]

    assert sum(ticks) == 6
    assert (str(os.getpid()) in processes_of(tmp_path)) == (processes == 1)
    for process in processes_of(tmp_path):
        assert (tmp_path / f"closed-{process}").exists()


def test_a_job_without_units_is_done(tmp_path: Path) -> None:
    assert answers(2, Doubling(tmp_path), []) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_the_error_of_a_unit_is_the_jobs(tmp_path: Path, processes: int) -> None:
    with pytest.raises(UserError, match="unit 1 cannot be read"):
        answers(processes, Doubling(tmp_path, fails_at=1))


def test_a_killed_process_ends_the_job_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a process of this job was killed: rerun the same command to resume"):
        answers(2, Doubling(tmp_path, dies_at=2))


def test_a_job_closed_before_its_end_leaves_no_process(tmp_path: Path) -> None:
    units = [Unit(number, 1) for number in (0, 1, 2)]

    with contextlib.closing(Pool(2).run(Doubling(tmp_path), units, lambda _: None)) as done:
        next(done)

    for process in processes_of(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            for _ in range(100):
                os.kill(int(process), 0)
                time.sleep(0.02)
            pytest.fail("a process is still there")
