"""Prints tables as plain text, not wrapped in a pipe, and other lines that several commands share."""

import sys
from collections.abc import Container, Iterable, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# In a pipe a table is as wide as its content: there is no edge to wrap at.
PIPE_COLUMNS = 100_000

SHOWN_PLACES = 20


def text_table(names: Iterable[str], rows: Iterable[Iterable[str]], *, right: Container[int] = ()) -> Table:
    """Return a table with a line below its head and no frame; `right` are the positions of right-aligned columns.

    text_table(["type", "rows"], [("sale", "152")], right=[1])
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    # Text, because "[redacted]" would be rich's markup.
    for position, name in enumerate(names):
        table.add_column(Text(name), justify="right" if position in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def print_table(table: Table) -> None:
    """Print a table, not wrapped unless standard output is a terminal, and without the blanks rich ends lines with."""
    console = Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def list_counts(counts: dict[str, int]) -> str:
    """Return counts other than zero as text: {"invalid": 12, "bug": 0, "no_type": 3} -> "12 invalid, 3 no_type"."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def say_places(what: str, places: Sequence[str]) -> None:
    """Name places on standard error, at most the first twenty: `not an error record: lake/.../a.jsonl:3`."""
    for place in places[:SHOWN_PLACES]:
        typer.echo(f"{what}: {place}", err=True)
    if len(places) > SHOWN_PLACES:
        typer.echo(f"{what}: {len(places) - SHOWN_PLACES:,} more, see --json", err=True)
