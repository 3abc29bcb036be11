"""The counts of one invocation, for its metrics and its log line."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import msgspec

from transform.mode import Delivery, Written
from transform.outcome import Delivered, Dropped, Failed, Outcome


class Tally(msgspec.Struct):
    """What came in, and what became of it.

    Dropped by type, without the records that another function answers for. `oldest_age_ms` is the time from change to
    arrival of the oldest change delivered, None where none was. `written` is what the function itself put, by type.
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
    def of(cls, records: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome], delivery: Delivery) -> Self:
        """Count an invocation's records and their outcomes, which stand in the same order."""
        tally = cls(received=len(records))
        # Base64 is 4 characters for 3 bytes: right to two bytes a record, without decoding again.
        tally.received_bytes = sum([len(record["data"] or "") for record in records]) * 3 // 4
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
        """The failures by reason."""
        return Counter(str(failure.reason) for _, failure in self.failures)

    def failed_paths(self, reason: str) -> list[str]:
        """Where records failed for a reason: names of the schema, ten at most."""
        return sorted({failure.path for _, failure in self.failures if failure.path and failure.reason == reason})[:10]

    def sample(self, unmapped: Iterable[int]) -> None:
        """Add what a sample of records held beside what the schema names."""
        for attributes in unmapped:
            self.sampled += 1
            self.unmapped += attributes
