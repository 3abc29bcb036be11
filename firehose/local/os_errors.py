"""The operating system's errors as sentences that name the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_named(name: Path | str) -> Iterator[None]:
    """Name this file in an OSError: that of a write to a full disk names none, that of a temporary file another."""
    try:
        yield
    except OSError as error:
        error.filename = str(name)
        raise


def sentence(error: OSError) -> str:
    """Return the error with its file: "lake/data-pipeline/a.parquet: No space left on device"."""
    reason = error.strerror or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason
