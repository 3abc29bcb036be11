"""Temporary folders of processes that write into a folder lake, and what those that were killed leave there.

`.dmd-writing-4711-1.5f2cd0e0`: process 4711 of where 5f2cd0e0 stands for. They lie at the root of the lake, below no
data prefix: every reader takes each file there for data. What is left in one may be a part of an object, with personal
data.
"""

import os
import platform
import re
import shutil
import time
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

TEMPORARY_FOLDER = ".dmd-writing"

# Whether a process of another machine or container lives cannot be known. One that writes does so more often.
LEFT_SECONDS = 3600

_NAME = re.compile(re.escape(TEMPORARY_FOLDER) + r"-([1-9][0-9]{0,8})-[0-9]+(?:\.([0-9a-f]{8}))?")


def temporary_folder(root: Path, number: int) -> Path:
    """The temporary folder of something in this process that writes into a lake."""
    return root / f"{TEMPORARY_FOLDER}-{os.getpid()}-{number}.{_here()}"


def remove_left(root: Path, *, now_seconds: float | None = None) -> None:
    """Removes the temporary folders of dead processes, and those of elsewhere that nobody wrote to for an hour.

    The folder of a living process stays. One that cannot be removed stays too: it hinders nobody.
    """
    now = time.time() if now_seconds is None else now_seconds
    for path in root.glob(f"{TEMPORARY_FOLDER}-*"):
        name = _NAME.fullmatch(path.name)
        if name and not path.is_symlink() and _is_left(path, int(name[1]), name[2], now):
            shutil.rmtree(path, ignore_errors=True)


def _is_left(path: Path, process: int, where: str | None, now: float) -> bool:
    if _is_alive(process):
        return False
    try:
        return where == _here() or now - path.stat().st_mtime > LEFT_SECONDS
    except OSError:  # another run removes it at this moment
        return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


@lru_cache(maxsize=1)
def _here() -> str:
    """Stands for where the id of a process means what it means here: on Linux a boot, and a namespace of processes.

    A host's name is not enough where that can be had: a container may have that of its host.
    """
    try:
        told = Path("/proc/sys/kernel/random/boot_id").read_text() + os.readlink("/proc/self/ns/pid")  # noqa: PTH115
    except OSError:
        told = platform.node()
    return sha256(told.encode()).hexdigest()[:8]
