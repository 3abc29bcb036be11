"""Lines that commands print: data on standard output, messages on standard error."""

from collections.abc import Sequence
from pathlib import Path

import typer

from firehose.local.os_errors import file_named
from firehose.local.user_error import UserError

SHOWN_PLACES = 20


def print_line(text: str = "") -> None:
    """Print a line at once, so that it stands before later messages on standard error."""
    with file_named("standard output"):
        typer.echo(text)


def check_folder(file: Path) -> None:
    """Check that the folder of an output file exists, before the work and not after it.

    Raises:
        UserError: the folder is missing.
    """
    if not file.parent.is_dir():
        raise UserError(f"{file} cannot be written: {file.parent} is not a folder")


def list_counts(counts: dict[str, int]) -> str:
    """Return counts other than zero as text: {"invalid": 12, "bug": 0, "no_type": 3} -> "12 invalid, 3 no_type"."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def say_places(what: str, places: Sequence[str]) -> None:
    """Name places on standard error, at most the first twenty: `not an error record: lake/.../a.jsonl:3`."""
    for place in places[:SHOWN_PLACES]:
        typer.echo(f"{what}: {place}", err=True)
    if len(places) > SHOWN_PLACES:
        typer.echo(f"{what}: {len(places) - SHOWN_PLACES:,} more, see --json", err=True)
