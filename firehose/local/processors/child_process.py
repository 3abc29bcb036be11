"""Ends processes that we started."""

import os
import signal
import subprocess
from contextlib import suppress


def end_process(process: "subprocess.Popen[bytes]", seconds: float = 5) -> None:
    """Let a process end by closing its standard input; kill it, by its id, if it does not end."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def kill_session(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process that leads a session of its own, with all processes that it started there."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    end_process(process)
