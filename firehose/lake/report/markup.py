"""Makes pieces of HTML: tables, tiles, paragraphs. All text in them is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

Cell = str | int | None

LONG = 40  # characters

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


class Tile(NamedTuple):
    """A number at the head of the page: "1,980", "rows", "demand 991, event 96"."""

    value: str
    label: str
    note: str = ""
    state: str = ""  # "good" or "bad" if the number is either


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, folded: bool = False) -> str:
    """Return a table with numbers aligned right and thousands separators; a folded one opens with a click."""
    lines = list(rows)
    kinds = map(_kind, lines[0]) if lines else [""] * len(columns)
    head = "".join(f'<th scope="col"{kind}>{escape(column)}</th>' for column, kind in zip(columns, kinds, strict=True))
    body = "".join(f"<tr>{''.join(map(_cell, line))}</tr>" for line in lines)
    found = f'<div class="scroll" tabindex="0"><table><caption>{escape(caption)}</caption>'
    found += f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    return f"<details><summary>{escape(caption)}</summary>{found}</details>" if folded else found


def _cell(value: Cell) -> str:
    text = f"{value:,}" if isinstance(value, int) else escape(value or "-")
    return f"<td{_kind(value)}>{text}</td>"


def _kind(value: Cell) -> str:
    """Return the class of a cell: a number, or a sentence, which may take several lines."""
    if isinstance(value, int):
        return ' class="n"'
    return ' class="sentence"' if value and len(value) > LONG else ""


def paragraph(text: str) -> str:
    """Return a sentence or more."""
    return f"<p>{escape(text)}</p>"


def tiles(found: Iterable[Tile]) -> str:
    """Return the numbers at the head."""
    return '<dl class="tiles">' + "".join(map(_tile, found)) + "</dl>"


def _tile(one: Tile) -> str:
    note = f"<dd>{escape(one.note)}</dd>" if one.note else ""
    return (
        f'<div class="{one.state}"><dt>{escape(one.label)}</dt><dd class="value">{escape(one.value)}</dd>{note}</div>'
    )


def section(anchor: str, title: str, *parts: str) -> str:
    """Return a section of the page."""
    return f'<section id="{anchor}"><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def size_text(size_bytes: int) -> str:
    """Return a size in words: 2,635,776 -> "2.5 MiB"."""
    unit, unit_bytes = size_unit(size_bytes)
    return f"{size_bytes / unit_bytes:,.1f} {unit}" if unit_bytes > 1 else f"{size_bytes:,} {unit}"


def size_unit(size_bytes: int) -> tuple[str, int]:
    """Return the unit for sizes up to this one, and its bytes: 2,635,776 -> ("MiB", 1_048_576)."""
    power = min(max(size_bytes.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return _UNITS[power], 1024**power


def count_text(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: 1 -> "1 file", 2 -> "2 files"."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
