"""Prints tables as plain text. A table that is too wide for the terminal is shown a record at a time.

Lines are never broken, so that a long path can be copied.
"""

import shutil
import sys
from collections.abc import Container, Iterable, Sequence
from typing import Any, NamedTuple

from firehose.cli.cell_text import columns_of
from firehose.cli.output import print_line
from firehose.cli.record_text import all_records

_GAP = "   "


class TextTable(NamedTuple):
    """The column names and rows of a table; `right` has the positions of right-aligned columns."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Container[int]

    def lines(self) -> list[str]:
        """Return its lines: the column names, a rule, and the rows."""
        cells = [self.names, *self.rows]
        widths = [max(columns_of(row[place]) for row in cells) for place in range(len(self.names))]
        head, *rows = (self._line(row, widths) for row in cells)
        return [head, "─" * (sum(widths) + len(_GAP) * (len(widths) - 1)), *rows]

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        padded = []
        for place, (text, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - columns_of(text))
            padded.append(blanks + text if place in self.right else text + blanks)
        return _GAP.join(padded).rstrip()

    def lines_within(self, columns: int | None, values: Sequence[Sequence[Any]] | None = None) -> list[str]:
        """Return the lines of the table or, if it is wider than `columns`, of its rows as records.

        `values` are the values behind the texts of the rows; nested ones are shown indented. One column of texts stays
        a table: records would not be narrower, and its lines may be there to be copied, such as DDL.
        """
        head, rule, *rows = self.lines()
        shown = values or self.rows
        is_text = len(self.names) == 1 and not any(isinstance(value, dict | list) for (value,) in shown)
        if columns is None or len(rule) <= columns or is_text or not rows:
            return [head, rule[:columns], *rows]
        return list(all_records(self.names, shown))


def text_table(names: Iterable[str], rows: Iterable[Iterable[str]], *, right: Container[int] = ()) -> TextTable:
    """Return a table with a rule below the column names and no frame.

    text_table(["type", "rows"], [("sale", "152")], right=[1])
    """
    return TextTable(list(names), [list(row) for row in rows], right)


def terminal_columns() -> int | None:
    """Return the width of the terminal, or COLUMNS if that is set; None in a pipe, where no table is too wide."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_table(table: TextTable) -> None:
    """Print a table, or its rows as records if it is too wide for the terminal."""
    print_line("\n".join(table.lines_within(terminal_columns())))
