"""Write the results of `dmd query` as tables, records, CSV, JSON or Parquet."""

import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO, TypeAlias

from firehose.cli.cell_text import cell_text, json_text, printable
from firehose.cli.record_text import all_records
from firehose.cli.text_table import terminal_columns, text_table
from firehose.lake.query.result import Result
from firehose.local.os_errors import file_named
from firehose.local.private_files import file_mode
from firehose.local.user_error import UserError

_Rows: TypeAlias = Iterable[tuple[Any, ...]]


class Output(StrEnum):
    """A form of results."""

    TABLE = "table"
    VERTICAL = "vertical"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def write_results(results: Iterable[Result], output: Output, file: Path | None) -> None:
    """Write each result to a file, or else to standard output.

    A table that is wider than the terminal becomes records. The file is opened once there is a first result: a query
    that is refused leaves it unchanged.

    Raises:
        UserError: a query fails, or its results do not fit one Parquet file.
    """
    if output is Output.PARQUET:
        _write_parquet(results, file)
        return
    columns = terminal_columns() if file is None else None
    texts = (_FORMS[output](*result.read(), columns) for result in results)
    first = next(texts)
    with _opened(file) as out:
        _write(out, first)
        for text in texts:
            _write(out, chain([_BETWEEN[output]], text))


def _write(out: TextIO, texts: Iterable[str]) -> None:
    with file_named("standard output" if out is sys.stdout else out.name):
        out.writelines(texts)
        out.flush()


@contextmanager
def _opened(file: Path | None) -> Iterator[TextIO]:
    if file is None:
        yield sys.stdout
        return
    with open(file, "w", encoding="utf-8", newline="", opener=_open_private) as out:
        yield out


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, file_mode())  # rows hold personal data


def _table(names: list[str], rows: _Rows, columns: int | None) -> Iterator[str]:
    """Yield a table with numbers aligned right, or records if it is too wide."""
    kept = list(rows)
    numbers = [place for place in range(len(names)) if all(_is_number(row[place]) for row in kept)]
    texts = ([printable(cell_text(value)) for value in row] for row in kept)
    table = text_table(map(printable, names), texts, right=numbers)
    yield from _as_lines(table.lines_within(columns, kept))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal | None)


def _vertical(names: list[str], rows: _Rows, _: int | None) -> Iterator[str]:
    yield from _as_lines(all_records(names, rows))


def _as_lines(lines: Iterable[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)


def _csv(names: list[str], rows: _Rows, _: int | None) -> Iterator[str]:
    """Yield CSV: null is empty, nested values are JSON."""
    writer = csv.writer(SimpleNamespace(write=str), lineterminator="\n")  # writerow returns what `write` does
    yield writer.writerow(names)
    for row in rows:
        yield writer.writerow([cell_text(value, null="") for value in row])


def _json(names: list[str], rows: _Rows, _: int | None) -> Iterator[str]:
    """Yield a JSON array, one row a line. A column name that occurs twice gets a number: a, a_2."""
    unique = _unique(names)
    before = "["
    for row in rows:
        yield before + json_text(dict(zip(unique, row, strict=True)))
        before = ",\n "
    yield "]\n" if before != "[" else "[]\n"


def _unique(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number = 1
        unique = name
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found.append(unique)
    return found


def _write_parquet(results: Iterable[Result], file: Path | None) -> None:
    """Write the one result as Parquet, with the types that the query gives it."""
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s, which other forms need not pay
    import pyarrow.parquet as pq  # noqa: PLC0415

    if file is None:
        raise UserError("Parquet is written to a file: name it with -o FILE")
    iterator = iter(results)
    schema, batches = next(iterator).batches()
    names = _unique(schema.names)
    schema = pa.schema([field.with_name(name) for name, field in zip(names, schema, strict=True)])
    with file_named(file), open(file, "wb", opener=_open_private) as out, pq.ParquetWriter(out, schema) as writer:
        for batch in batches:
            writer.write_batch(batch.rename_columns(names))
    if next(iterator, None) is not None:
        raise UserError(f"a Parquet file holds one result: {file} has the first one")


_FORMS: dict[Output, Callable[[list[str], _Rows, int | None], Iterator[str]]] = {
    Output.TABLE: _table,
    Output.VERTICAL: _vertical,
    Output.CSV: _csv,
    Output.JSON: _json,
}

# Between two results.
_BETWEEN = {Output.TABLE: "\n", Output.VERTICAL: "\n", Output.CSV: "\n", Output.JSON: ""}
