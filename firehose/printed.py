"""What a function prints in the data plane's own process, kept apart from what we print."""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def captured_output() -> Iterator[io.StringIO]:
    r"""All that is printed or logged inside, by print, by sys.stdout and stderr, and by logging handlers made before.

    with captured_output() as printed: print("x")  ->  printed.getvalue() == "x\n"

    Not for two threads at once: standard output is the process's.
    """
    printed = io.StringIO()
    stdout, stderr = sys.stdout, sys.stderr
    moved = [(handler, handler.setStream(printed)) for handler in _handlers_to((stdout, stderr))]
    sys.stdout = sys.stderr = printed
    try:
        yield printed
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        for handler, stream in moved:
            handler.setStream(stream)
        # Handlers made inside would write into a closed book; on Lambda they outlive the invocation too.
        for handler in _handlers_to((printed,)):
            handler.setStream(stdout)


def _handlers_to(streams: tuple[object, ...]) -> list[Any]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    return [
        handler
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream in streams
    ]
