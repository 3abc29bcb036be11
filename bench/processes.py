"""Measure the wall time and peak memory of whole processes, pinned to one core."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

# Linux counts ru_maxrss in KB, macOS in bytes (getrusage(2)).
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


class Finished(NamedTuple):
    """A process that has ended."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    stdout: bytes


@contextmanager
def one_core() -> Iterator[str]:
    """Pin this process, and those it starts, to one core; yield a note on whether that worked."""
    if not hasattr(os, "sched_setaffinity"):
        yield "not pinned: this system cannot"
        return
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    try:
        yield "all on one core"
    finally:
        os.sched_setaffinity(0, before)


def finish(command: Sequence[str], *, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end.

    A child's peak memory starts at that of its parent at the time of the fork (Linux carries it over exec), so the
    calling process must be smaller than the one that it measures.

    Raises:
        subprocess.CalledProcessError: the exit code is not 0; the command's stderr is passed on.
    """
    start = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        questions, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        questions.write(stdin)
        questions.close()
        stdout = answers.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall_seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Finished(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _MAXRSS_BYTES, stdout)


def make(kind: str, path: Path, *numbers: int, through: Sequence[str] = ()) -> None:
    """Make what is measured on (bench/made.py) in a process of its own, so that this one stays small."""
    finish([*through, sys.executable, "-m", "bench.made", kind, str(path), *map(str, numbers)])
