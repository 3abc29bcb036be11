"""`dmd`: runs a command, and turns what goes wrong into a sentence and an exit code.

There is a file for each command. Data goes to stdout, messages go to stderr, and the exit code is the verdict.
"""

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from firehose.local.os_errors import file_named, sentence
from firehose.local.user_error import UserError

STOPPED = 130  # a shell's exit code for a program that Ctrl-C ended
TERMINATED = 143  # and for one that SIGTERM ended

# Imports make many objects and no garbage: with Python's 700, `dmd query "SELECT 1"` takes a tenth more CPU.
OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main() -> None:
    """Run `dmd` as the whole of this process.

    After atexit's handlers the process ends at once. Python would take itself down first, and a thread of Arrow that
    then lets go of a file, or reads on for a query that has its rows, aborts it: exit code 134 after a right answer.
    """
    ended: list[int] = []
    atexit.register(_end_at_once, ended)  # before all others, so it is run after them
    try:
        run_dmd()
    except SystemExit as left:
        if isinstance(left.code, int | None):
            ended.append(left.code or 0)
        raise


def _end_at_once(ended: list[int]) -> None:
    if ended:
        with suppress(OSError, ValueError):  # closed, or nobody reads it
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(ended[0])


def run_dmd() -> None:
    """Run `dmd` in a process that goes on. A UserError is one sentence on standard error and exit code 2, no traceback.

    SIGTERM ends it as an exception does, so that temporary folders and child processes go with it.

    Raises:
        SystemExit: at its end.
    """
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        from firehose.cli.app import app  # noqa: PLC0415 - so that Ctrl-C while this is imported shows no traceback

        try:
            app()
        finally:
            with file_named("standard output"):
                sys.stdout.flush()
    except UserError as error:
        _leave(str(error), 2)
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except BrokenPipeError:
        _discard_output()
        sys.exit(1)  # without a word: the reader has what it wanted (dmd sample 1000 | head)
    except OSError as error:
        _discard_output()
        _leave(sentence(error), 1)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(TERMINATED)


def _discard_output() -> None:
    """Drop what standard output did not take: Python would try again when it ends, and complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(message: str, code: int) -> None:
    sys.stderr.write(f"dmd: {message}\n")
    sys.exit(code)
