"""Temporary folders of the processes that write into a folder lake, and what killed processes leave there.

An object is written to a temporary file first, and a killed process leaves a part of one, which may hold personal data.
A lock shows whether the process is still alive: the kernel releases it when the process ends, however it ends, also
across containers and on network file systems. So the next sink removes leftovers at once. It needs no process ids,
which mean nothing in another container, and no waiting time.

The folders are at the root of the lake, below no data prefix: readers take every file there for data.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Lock

_PREFIX = ".dmd-writing-"
_LOCK = "lock"


class TemporaryFolder:
    """A folder for parts of objects, made in `root` when it is first used and locked until it is closed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: tuple[Path, int] | None = None
        self._making = Lock()

    def path(self) -> Path:
        """Returns the folder, which exists."""
        with self._making:
            while self._made is None:
                path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._root))
                self._made = _locked(path)
            return self._made[0]

    def close(self) -> None:
        """Removes the folder; the next `path` makes another."""
        with self._making:
            if self._made:
                path, lock = self._made
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)
                self._made = None


def remove_left(root: Path) -> None:
    """Removes the temporary folders whose process has ended; one that cannot be removed stays and does no harm."""
    for path in root.glob(f"{_PREFIX}*"):
        if path.is_symlink():
            continue
        with suppress(OSError):
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
            finally:
                os.close(lock)


def _locked(path: Path) -> tuple[Path, int] | None:
    """Locks a new folder; returns None if another process mistook it for a leftover and removed it first."""
    try:
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.fstat(lock).st_nlink:
        return path, lock
    os.close(lock)
    return None
