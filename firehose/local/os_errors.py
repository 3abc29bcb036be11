"""The operating system's errors as sentences that name the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_named(name: Path | str) -> Iterator[None]:
    """Name the file in an OSError that names none, as that of a write to a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(name)
        raise


def sentence(error: OSError) -> str:
    """Return the error with its file: "lake/data-pipeline/a.parquet: No space left on device"."""
    reason = error.strerror or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason
