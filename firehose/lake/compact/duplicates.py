"""Find rows that were delivered twice."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Row = dict[str, Any]


def duplicate_places(ids: Sequence[str | None], rows_at: Callable[[list[int]], Iterable[Row]]) -> set[int]:
    """Return the places of the rows to drop, given the `change.id` of every row and a reader of rows by their places.

    Of rows with one id that are equal but for `change.sequence`, the one with the highest stays. Rows without an id are
    never equal.
    """
    counts = Counter(ids)
    places = [place for place, one in enumerate(ids) if one is not None and counts[one] > 1]
    alike: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for place, row in zip(places, rows_at(places), strict=True):
        change = row["change"]
        content = row | {"change": {name: member for name, member in change.items() if name != "sequence"}}
        alike[repr(content)].append((change.get("sequence") or "", place))
    return {place for found in alike.values() for _, place in sorted(found)[:-1]}
