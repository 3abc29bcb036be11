"""The periods of plots and tables: days, or months if there are too many days."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

# A bar of 2 pixels in a plot of 820, and a table that opens at once.
MOST_DAYS = 400


class Period(StrEnum):
    """A day or a month, in UTC."""

    DAY = "day"
    MONTH = "month"

    def of(self, day: str) -> str:
        """Return the period of a day: "2025-01-31" -> "2025-01-31" or "2025-01"."""
        return day if self is Period.DAY else day[:7]

    def first_day(self, period: str) -> str:
        """Return the first day of a period: "2025-01" -> "2025-01-01"."""
        return period if self is Period.DAY else f"{period}-01"


def period_for(days: Iterable[str]) -> Period:
    """Return DAY if the days span at most 13 months or so, else MONTH."""
    found = sorted(days)
    if not found:
        return Period.DAY
    span = date.fromisoformat(found[-1]) - date.fromisoformat(found[0])
    return Period.DAY if span.days < MOST_DAYS else Period.MONTH


def is_date(text: str) -> bool:
    """Return whether a text is a date as in the name of a partition: 2025-01-31."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
