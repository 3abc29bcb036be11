"""What a function prints in the data plane's own process, kept apart from what we print.

Imports nothing but Python: function_runtime.py loads it in a process that has the function's code on its path.
"""

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Printed(io.TextIOWrapper):
    """A standard output in memory, which bytes can be written to as well, and which nobody inside can close."""

    def __init__(self) -> None:
        self._bytes = _Open()
        super().__init__(self._bytes, encoding="utf-8", errors="backslashreplace", write_through=True)

    def close(self) -> None:
        """Nothing: it is still to be read."""

    def getvalue(self) -> str:
        """All that was written; what is no UTF-8 is escaped."""
        return self._bytes.getvalue().decode(errors="backslashreplace")


class _Open(io.BytesIO):
    def close(self) -> None:
        pass


@contextmanager
def captured_output() -> Iterator[Printed]:
    r"""All that is printed or logged inside, by print, by sys.stdout and stderr, and by logging handlers made before.

    with captured_output() as printed: print("x")  ->  printed.getvalue() == "x\n"

    Not for two threads at once: standard output is the process's. Nor for what other programs print.
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
