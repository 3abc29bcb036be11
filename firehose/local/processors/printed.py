"""Captures what a function prints in the data plane's own process, apart from what we print.

Imports nothing but Python: function_runtime.py loads it in a process that has the function's code on its path.
"""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Printed(io.TextIOWrapper):
    """A standard output in memory that also takes bytes, and that the function cannot close."""

    def __init__(self) -> None:
        self._bytes = _Open()
        super().__init__(self._bytes, encoding="utf-8", errors="backslashreplace", write_through=True)

    def close(self) -> None:
        """Do nothing: the text is still to be read."""

    def getvalue(self) -> str:
        """Return all that was written; bytes that are not UTF-8 are escaped."""
        return self._bytes.getvalue().decode(errors="backslashreplace")


class _Open(io.BytesIO):
    def close(self) -> None:
        pass


@contextmanager
def captured_output() -> Iterator[Printed]:
    r"""Capture what is printed or logged inside: by print, sys.stdout and stderr, and logging handlers made before.

    with captured_output() as printed: print("x")  ->  printed.getvalue() == "x\n"

    Not for two threads at once: standard output is the process's. Other programs' output is not captured.
    """
    printed = Printed()
    stdout, stderr = sys.stdout, sys.stderr
    moved = [(handler, handler.setStream(printed)) for handler in _handlers_to((stdout, stderr))]
    sys.stdout = sys.stderr = printed
    try:
        yield printed
    finally:
        sys.stdout, sys.stderr = stdout, stderr
        for handler, stream in moved:
            handler.setStream(stream)
        # Handlers made inside outlive the invocation, as on Lambda: they must not write into this capture.
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
