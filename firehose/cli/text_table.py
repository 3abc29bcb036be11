"""Prints tables as plain text, not wrapped in a pipe, and other lines that several commands share."""

import sys
from collections.abc import Container, Iterable
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firehose.cli.output import print_line

# In a pipe a table is as wide as its content: there is no edge to wrap at.
PIPE_COLUMNS = 100_000


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
    terminal, drawn = sys.stdout.isatty(), StringIO()
    console = Console(file=drawn, force_terminal=terminal, width=None if terminal else PIPE_COLUMNS, highlight=False)
    console.print(table)
    for line in drawn.getvalue().splitlines():
        print_line(line.rstrip())
