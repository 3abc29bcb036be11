"""Count the classes of a reconciliation, and list the unexplained items."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from firehose.lake.backfill.counts import Counts
from firehose.lake.reconcile.classes import EXPLANATIONS, UNEXPLAINED, Class
from firehose.lake.reconcile.comparison import Compared
from firehose.lake.reconcile.explanations import Explanations
from transform.times import iso_millis

# The most unexplained items to list; the counts include all of them.
NAMED = 10_000

# The name in the counts for items of a type that is not archived, or that cannot be read.
OTHER = "other"


class NamedItem(msgspec.Struct, frozen=True):
    """An unexplained item: its `change.item`, or null if its rows have none, and the columns that differ."""

    type: str
    date: str
    item: str | None
    record_class: Class = msgspec.field(name="class")
    why: str
    columns: list[str]
    path: str | None


class RowCounts(msgspec.Struct):
    """The rows of a type up to the time, and their distinct changes. Only the newest row of each item is compared."""

    rows: int = 0
    changes: int = 0
    without_item: int = 0


class Reconciliation(msgspec.Struct):
    """The result. `dates` has the counts of `types` by partition date, without zeros.

    `unexplained` are missing, stale, deleted_here and extra; `items` are the first of them.
    """

    as_of: str
    unexplained: int
    types: dict[str, dict[Class, int]]
    dates: dict[str, dict[str, dict[Class, int]]]
    rows: dict[str, RowCounts]
    items: list[NamedItem]
    not_lines: int


class ClassCounts:
    """Adds up the lines of a comparison. `counts` comes from the backfill that filled the scratch lake."""

    def __init__(self, types: Iterable[str], explanations: Explanations, counts: Counts) -> None:
        self._counts: dict[str, Counter[tuple[Class, str]]] = {name: Counter() for name in types}
        self._rows = {name: RowCounts() for name in self._counts}
        self._items: list[NamedItem] = []
        self._not_lines = counts.not_lines
        self._explanations = explanations
        if counts.other:
            self._count(OTHER, Class.OTHER_TYPE, "", counts.other)

    def add(self, record_type: str, line: Compared) -> None:
        """Add a line of the comparison of a type."""
        rows = self._rows[record_type]
        rows.rows += line.rows
        rows.changes += line.changes
        rows.without_item += line.without_item
        found = self._explanations.explained(record_type, line)
        self._count(record_type, found, line.date, line.entities)
        if found in UNEXPLAINED and len(self._items) < NAMED:
            columns = (line.columns or "").split()
            self._items.append(
                NamedItem(record_type, line.date, line.item, found, EXPLANATIONS[found], columns, line.path)
            )

    def result(self, as_of_micros: int) -> Reconciliation:
        """Return the result. It also counts the items that failed in the scratch lake and are in no line."""
        for one in self._explanations.failed_there.values():
            self._count(one.type or OTHER, one.found, "", 1)
        types = {name: self._of(name) for name in self._counts}
        return Reconciliation(
            as_of=iso_millis(as_of_micros // 1000),
            unexplained=sum(counts[one] for counts in types.values() for one in UNEXPLAINED),
            types=types,
            dates={name: self._by_date(name) for name in self._counts},
            rows=self._rows,
            items=self._items,
            not_lines=self._not_lines,
        )

    def _count(self, record_type: str, found: Class, date: str, items: int) -> None:
        self._counts.setdefault(record_type, Counter())[found, date] += items

    def _of(self, record_type: str) -> dict[Class, int]:
        counts = self._counts[record_type]
        return {one: sum(count for (found, _), count in counts.items() if found is one) for one in Class}

    def _by_date(self, record_type: str) -> dict[str, dict[Class, int]]:
        dates: dict[str, dict[Class, int]] = {}
        for (found, date), count in sorted(self._counts[record_type].items(), key=lambda one: one[0][1]):
            dates.setdefault(date, {})[found] = count
        return dates
