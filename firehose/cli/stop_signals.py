"""Ctrl-C or SIGTERM while a data plane runs: deliver what has been read, then stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from firehose.local.data_plane import DataPlane


@contextmanager
def stop_requests(plane: DataPlane) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether one of the signals has come; it also ends a read that waits for input."""
    requested = False

    def request(_signal: int, _frame: FrameType | None) -> None:
        nonlocal requested
        requested = True
        if plane.reading:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
