"""Ctrl-C while a data plane runs: what has been read is delivered first."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from firehose.local.data_plane import DataPlane


@contextmanager
def stopping(plane: DataPlane) -> Iterator[Callable[[], bool]]:
    """Ctrl-C asks for a stop; while a read waits for input it also ends that."""
    asked = False

    def ask(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        if plane.reading:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
