"""Spool payloads to disk, in order to send them into a stream by date.

A chunk is one file, its payloads grouped by date, and an index of where each date begins. So the number of files is
that of chunks, however many dates there are.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import msgspec

from firehose.lake.backfill.state import as_lines, write_whole


class _Part(msgspec.Struct, array_like=True):
    """The place of a date's payloads in a file."""

    start: int
    size_bytes: int
    records: int


_Index: TypeAlias = dict[str, _Part]


def write_chunk(folder: Path, unit: int, chunk: int, dated: dict[str, list[bytes]]) -> None:
    """Write a chunk, replacing it if it exists: {"2025-01-01": [partition key and payload, ...]}."""
    dates = sorted(dated)
    index: _Index = {}
    start = 0
    for date in dates:
        size_bytes = sum(map(len, dated[date])) + len(dated[date])
        index[date] = _Part(start, size_bytes, len(dated[date]))
        start += size_bytes
    path = folder / f"{unit:05}-{chunk:05}.jsonl"
    write_whole(path, as_lines(chain.from_iterable(dated[date] for date in dates)))
    # The index comes last: a chunk without one is incomplete.
    write_whole(path.with_suffix(".index"), [msgspec.json.encode(index)])


class Spool:
    """All spooled payloads, by date."""

    def __init__(self, folder: Path) -> None:
        self._dates: dict[str, list[tuple[Path, _Part]]] = {}
        for path in sorted(folder.glob("*.index")):
            index = msgspec.json.decode(path.read_bytes(), type=_Index)
            for date, part in index.items():
                self._dates.setdefault(date, []).append((path.with_suffix(".jsonl"), part))

    @property
    def dates(self) -> list[str]:
        """The dates, sorted."""
        return sorted(self._dates)

    @property
    def records(self) -> int:
        """The number of payloads."""
        return sum(part.records for parts in self._dates.values() for _, part in parts)

    def lines(self, date: str, skip: int = 0) -> Iterator[bytes]:
        """Yield the lines of a date after the first `skip`, in an order that never changes."""
        for path, part in self._dates[date]:
            if skip >= part.records:
                skip -= part.records
                continue
            with path.open("rb") as file:
                file.seek(part.start)
                for number in range(part.records):
                    line = file.readline()
                    if number >= skip:
                        yield line[:-1]
            skip = 0
