"""Format measurements as text: a title, and columns under their names."""

from collections.abc import Sequence


def table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text, with the first column left-aligned and the others right-aligned.

    table("Cold start", ["import", "ms"], [["json", "3.1"]])
    """
    columns = list(zip(names, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = [_line(row, widths) for row in [names, *rows]]
    return "\n".join(["", title, "-" * max(map(len, [title, *lines])), *lines])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)]
    return "  ".join([f"{cells[0]:<{widths[0]}}", *aligned[1:]])
