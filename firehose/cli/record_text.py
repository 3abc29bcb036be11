"""Format a record as lines of text: a line for each column, with nested values indented."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from firehose.cli.cell_text import cell_text, columns_of, json_text, plain_value, printable

_RULE_COLUMNS = 40


def record_lines(title: int | str, names: Sequence[str], values: Sequence[Any]) -> Iterator[str]:
    """Yield the lines of a record under its title.

    ── 1 ───────────────────────────────────
    eventid   e1
    date      requested: 2025-01-01 10:00:00.000
              notified: null
    """
    yield rule(title)
    heads = [printable(name) for name in names]
    width = max(map(columns_of, heads), default=0)
    for head, value in zip(heads, values, strict=True):
        first, *more = _lines(plain_value(value))
        yield f"{head}{' ' * (width - columns_of(head))}   {first}".rstrip()
        yield from (f"{' ' * width}   {line}" for line in more)


def all_records(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the lines of each row as a record, under its number."""
    for number, row in enumerate(rows, 1):
        yield from record_lines(number, names, row)


def rule(title: int | str) -> str:
    """Return the title of a record, or of other lines, as a rule: "── 1 ─────"."""
    return f"── {title} ".ljust(_RULE_COLUMNS, "─")


def _lines(value: Any) -> list[str]:
    """Return a value as lines: each member of a map and each item of an array begins a new one."""
    if isinstance(value, dict) and value:
        return [line for name, member in value.items() for line in _member(printable(name), member)]
    if isinstance(value, list) and value:
        return [line for item in value for line in _hang("- ", _lines(item))]
    return [printable(cell_text(value))]


def _member(name: str, value: Any) -> list[str]:
    if isinstance(value, dict) and len(value) == 1 and not any(isinstance(one, dict | list) for one in value.values()):
        return [f"{name}: {printable(json_text(value))}"]  # an attribute on one line: {"S":"e1"}
    lines = _lines(value)
    if isinstance(value, dict | list) and value:
        return [f"{name}:", *(f"  {line}" for line in lines)]
    return [f"{name}: {lines[0]}"]


def _hang(mark: str, lines: Iterable[str]) -> list[str]:
    """Return the lines, the first behind a mark and the others indented by its width."""
    return [(mark if number == 0 else " " * len(mark)) + line for number, line in enumerate(lines)]
