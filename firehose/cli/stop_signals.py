"""Ctrl-C while a data plane runs: deliver what has been read, then stop."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from firehose.local.data_plane import DataPlane


@contextmanager
def stop_requests(plane: DataPlane) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether Ctrl-C has asked for a stop; Ctrl-C also ends a read that waits for input."""
    requested = False

    def request(_signal: int, _frame: FrameType | None) -> None:
        nonlocal requested
        requested = True
        if plane.reading:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, request)
    try:
        yield lambda: requested
    finally:
        signal.signal(signal.SIGINT, before)
