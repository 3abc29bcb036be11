"""Groups failures by reason and record type, and within those by day of arrival."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from typing import Any, TypeAlias

import msgspec

from firehose.lake.errors.error_documents import Explanation
from firehose.lake.errors.shown_record import RecordView

EXAMPLES = 3  # of a group, the most frequent: one reason has several paths

_Way: TypeAlias = tuple[str | None, str]  # path and message


class Example(msgspec.Struct, frozen=True):
    """A kind of failure: its path and message, its count, and the place of its first record: `lake/.../a.jsonl:3`."""

    path: str | None
    message: str
    count: int
    where: str


class FailureGroup(msgspec.Struct, frozen=True):
    """The failures of one reason, record type and day of arrival."""

    reason: str
    type: str | None
    day: str
    count: int
    examples: list[Example]


class ReasonTotal(msgspec.Struct, frozen=True):
    """The failures of one reason and record type, with the days on which the first and the last arrived."""

    reason: str
    type: str | None
    count: int
    first_day: str
    last_day: str
    examples: list[Example]


class ShownFailure(msgspec.Struct, frozen=True):
    """A failed record with its reason. `record` is what may be shown of it, None if nothing may."""

    reason: str
    type: str | None
    day: str
    path: str | None
    message: str
    where: str
    record: dict[str, Any] | None


@dataclass(slots=True)
class _Group:
    ways: Counter[_Way] = field(default_factory=Counter)
    first: dict[_Way, str] = field(default_factory=dict)


class FailureGroups:
    """Groups failures, and keeps up to `show` records of each reason and type, as the view shows them."""

    def __init__(self, view: RecordView, show: int) -> None:
        self._view = view
        self._show = show
        self._groups: dict[tuple[str, str | None], dict[str, _Group]] = {}
        self._shown: dict[tuple[str, str | None], list[ShownFailure]] = {}

    def add(self, explanation: Explanation, record_type: str | None, day: str, where: str, raw: bytes | None) -> None:
        """Count a failure; `raw` is its record, or None if unknown."""
        reason = (explanation.code, record_type)
        group = self._groups.setdefault(reason, {}).setdefault(day, _Group())
        way = (explanation.path, explanation.message)
        group.ways[way] += 1
        group.first.setdefault(way, where)
        shown = self._shown.setdefault(reason, [])
        if len(shown) < self._show:
            record = None if raw is None else self._view.show(raw)
            shown.append(
                ShownFailure(
                    *reason, day, path=explanation.path, message=explanation.message, where=where, record=record
                )
            )

    def by_day(self) -> list[FailureGroup]:
        """Return the groups of each day, the largest first."""
        found = [
            FailureGroup(*reason, day, group.ways.total(), _examples([group]))
            for reason, days in self._groups.items()
            for day, group in days.items()
        ]
        return sorted(found, key=lambda one: (-one.count, one.reason, one.type or "", one.day))

    def totals(self) -> list[ReasonTotal]:
        """Return the totals of all days, the largest first."""
        found = [
            ReasonTotal(
                *reason,
                count=sum(group.ways.total() for group in days.values()),
                first_day=min(days),
                last_day=max(days),
                examples=_examples(days.values()),
            )
            for reason, days in self._groups.items()
        ]
        return sorted(found, key=lambda one: (-one.count, one.reason, one.type or ""))

    def shown(self) -> list[ShownFailure]:
        """Return the records to show: one of each reason, the most frequent reason first, then a second of each."""
        by_reason = [self._shown[total.reason, total.type] for total in self.totals()]
        in_turn: Iterator[ShownFailure | None] = chain.from_iterable(zip_longest(*by_reason))
        return list(islice((one for one in in_turn if one is not None), self._show))


def _examples(groups: Iterable[_Group]) -> list[Example]:
    """Return the most frequent kinds of failure in these groups."""
    ways: Counter[_Way] = Counter()
    first: dict[_Way, str] = {}
    for group in groups:
        ways += group.ways
        first = group.first | first
    return [Example(*way, count, first[way]) for way, count in ways.most_common(EXAMPLES)]
