"""Counts by several names at once, for plots and tables: {("2025-01-01", "sale", "INSERT"): 17}."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from firehose.lake.report.markup import Cell

# The key has the names of a line and, last, the name of a column or colour.
Counts = Mapping[tuple[str, ...], int]

Counted = TypeVar("Counted")


def count_by(
    found: Iterable[Counted], key: Callable[[Counted], tuple[str, ...]], count: Callable[[Counted], int]
) -> Counts:
    """Return the sums of `count` by `key`."""
    sums: Counter[tuple[str, ...]] = Counter()
    for one in found:
        sums[key(one)] += count(one)
    return sums


def pivot(counts: Counts, columns: Sequence[str], lines: Iterable[tuple[str, ...]] | None = None) -> list[list[Cell]]:
    """Return the lines of a table: the names of each, its count in every column, and their sum.

    {("sale", "INSERT"): 2, ("sale", "REMOVE"): 1}, ["INSERT", "REMOVE"] -> [["sale", 2, 1, 3]]

    The lines are those of the counts, in order, unless others are given.
    """
    found = sorted({key[:-1] for key in counts}) if lines is None else list(lines)
    own = {line: [counts.get((*line, column), 0) for column in columns] for line in found}
    return [[*line, *own[line], sum(own[line])] for line in found]
