"""The counts of one invocation, for its metrics and its log line."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import msgspec

from transform.mode import ModeDelivery, Written
from transform.outcome import Delivered, Dropped, Failed, Outcome


class Tally(msgspec.Struct):
    """The number of records of an invocation, in all and by outcome.

    `dropped` counts by type, and leaves out the records that another function answers for. `oldest_age_ms` is the age
    on arrival of the oldest change delivered, None if nothing was. `written` is what the function itself put, by type.
    """

    received: int = 0
    received_bytes: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    oldest_age_ms: int | None = None
    written: Sequence[Written] = ()
    sampled: int = 0
    unmapped: int = 0
    dropped: Counter[str] = msgspec.field(default_factory=Counter)
    failures: list[tuple[Mapping[str, Any], Failed]] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome], delivery: ModeDelivery) -> Self:
        """Count an invocation's records and their outcomes, which are in the same order."""
        tally = cls(received=len(records))
        # Base64 is 4 characters for 3 bytes: exact but for two bytes per record, without decoding.
        data = [record["data"] for record in records]
        tally.received_bytes = sum([len(text) for text in data if isinstance(text, str)]) * 3 // 4
        dropped, ages = [], []
        for record, outcome in zip(records, outcomes, strict=True):
            if type(outcome) is Dropped:
                dropped.append(outcome.type)
            elif type(outcome) is Delivered:
                ages.append(outcome.age_ms)
            elif type(outcome) is Failed:
                tally.failures.append((record, outcome))
        tally.delivered, tally.delivered_bytes, tally.written = len(ages), delivery.bytes, delivery.written
        tally.oldest_age_ms = max(ages, default=None)
        tally.dropped = Counter(name for name in dropped if name is not None)
        return tally

    @property
    def failed(self) -> Counter[str]:
        """The number of failures by reason."""
        return Counter(str(failure.reason) for _, failure in self.failures)

    def failed_paths(self, reason: str) -> list[str]:
        """The paths at which records failed for a reason: names from the schema, at most ten."""
        return sorted({failure.path for _, failure in self.failures if failure.path and failure.reason == reason})[:10]

    def sample(self, unmapped: Iterable[int]) -> None:
        """Add the number of unmapped attributes of each sampled record."""
        for attributes in unmapped:
            self.sampled += 1
            self.unmapped += attributes
