"""Files and folders that only their user may open: lakes, errors, checkpoints and states hold personal data.

A file has the mode 0600 and a folder 0700, whatever the umask of a shell allows. With DMD_SHARED=1 in the environment
the umask decides, as for any other program. The processes that a command starts get the same choice with it.
"""

import os
from pathlib import Path

from firehose.local.os_errors import file_named

# The environment variable that leaves the modes to the umask.
SHARED = "DMD_SHARED"


def file_mode() -> int:
    """Returns the mode of a new file, before the umask."""
    return 0o666 if _shared() else 0o600


def folder_mode() -> int:
    """Returns the mode of a new folder, before the umask."""
    return 0o777 if _shared() else 0o700


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it that are missing; a folder that exists keeps its mode.

    Raises:
        OSError: one of them cannot be made, or is something else than a folder.
    """
    if folder.is_dir():  # as it mostly is: files are written one after the other
        return
    for path in (*reversed(folder.parents), folder):
        if not path.is_dir():
            path.mkdir(folder_mode(), exist_ok=True)


def write_file(path: Path, body: bytes) -> None:
    """Writes a new file, or replaces what is in a file that exists; never through a link.

    Raises:
        OSError: naming the file.
    """
    with file_named(path), open(path, "wb", opener=open_private) as file:
        file.write(body)


def open_private(path: str, flags: int) -> int:
    """Opens a file as the `opener` of `open`: private if it is new, never through a link.

    A FIFO in its place is an error at once, instead of waiting for a reader.
    """
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, file_mode())


def _shared() -> bool:
    return os.environ.get(SHARED, "") not in ("", "0")
