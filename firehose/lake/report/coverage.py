"""Finds the days on which a table has something, and the gaps between them."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

import msgspec

from firehose.lake.report.periods import is_date


class Days(msgspec.Struct, frozen=True):
    """Consecutive days: the first, the last, and their number."""

    first: str
    last: str
    count: int


class Coverage(msgspec.Struct, frozen=True):
    """The days of a table as runs of consecutive days, in order, and the gaps between them, the longest first."""

    type: str
    runs: list[Days]
    gaps: list[Days]

    @property
    def days(self) -> int:
        """The number of days with something."""
        return sum(run.count for run in self.runs)

    @property
    def missing(self) -> int:
        """The number of days in all gaps."""
        return sum(gap.count for gap in self.gaps)


def coverage(name: str, days: Iterable[str], first: str = "", last: str = "") -> Coverage | None:
    """Return the coverage of a table that has something on these days, or None if it has nothing.

    "sale", ["2025-01-01", "2025-01-05"] -> Coverage("sale", [...], [Days("2025-01-02", "2025-01-04", 3)])

    `first` and `last` widen the period: then a table that began late or ended early has gaps there, too. Names that
    are not dates are left out.
    """
    found = sorted({day for text in days if (day := _ordinal(text))})
    if not found:
        return None
    # Just outside the period, so that a gap lies between any two neighbours that are not consecutive.
    before = min(found[0], _ordinal(first) or found[0]) - 1
    after = max(found[-1], _ordinal(last) or found[-1]) + 1
    gaps = [(one + 1, other - 1) for one, other in pairwise([before, *found, after]) if other > one + 1]
    ends = [one for one, other in pairwise(found) if other > one + 1]
    begins = [other for one, other in pairwise(found) if other > one + 1]
    runs = zip([found[0], *begins], [*ends, found[-1]], strict=True)
    longest_first = sorted((_days(*gap) for gap in gaps), key=lambda gap: -gap.count)
    return Coverage(name, [_days(*run) for run in runs], longest_first)


def _days(first: int, last: int) -> Days:
    return Days(date.fromordinal(first).isoformat(), date.fromordinal(last).isoformat(), last - first + 1)


def _ordinal(text: str) -> int:
    """Return the number of a date, or 0 if the text is not a date."""
    return date.fromisoformat(text).toordinal() if is_date(text) else 0
