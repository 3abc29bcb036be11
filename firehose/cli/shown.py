"""How the commands show tables: plain text, unwrapped in a pipe."""

import sys
from collections.abc import Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table

# A table in a pipe is as wide as it is: what reads it has no edge to wrap at.
PIPE_COLUMNS = 100_000

PLACES = 20


def plain_table() -> Table:
    """A table with a line below its head and no frame."""
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)


def tell_places(what: str, places: Sequence[str]) -> None:
    """Names places on standard error, the first where they are many: `not an error record: lake/.../a.jsonl:3`."""
    for place in places[:PLACES]:
        typer.echo(f"{what}: {place}", err=True)
    if len(places) > PLACES:
        typer.echo(f"{what}: {len(places) - PLACES:,} more, see --json", err=True)


def print_rich(table: Table) -> None:
    """Prints a table, unwrapped where standard output is no terminal, without the blanks that rich pads lines with."""
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())
