"""The counts of one invocation, for its metrics and its log line."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from transform.outcome import Delivered, Dropped, Failed, Outcome
from transform.source import arrival_ms


@dataclass(slots=True)
class Tally:
    """What came in, and what became of it.

    Dropped by type, without the records that another function answers for; failed by reason. `oldest_age_ms` is the
    time from change to arrival of the oldest change delivered, None where none was.
    """

    received: int = 0
    received_bytes: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    oldest_age_ms: int | None = None
    sampled: int = 0
    unmapped: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    failed_paths: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome]) -> Self:
        """Count an invocation's records and their outcomes, which stand in the same order."""
        tally = cls(received=len(records))
        # Base64 is 4 characters for 3 bytes: right to two bytes a record, without decoding again.
        tally.received_bytes = sum([len(record["data"]) for record in records]) * 3 // 4
        ages = []
        for record, outcome in zip(records, outcomes, strict=True):
            if type(outcome) is Delivered:
                tally.delivered += 1
                tally.delivered_bytes += outcome.row_bytes
                ages.append(arrival_ms(record) - outcome.at_micros // 1000)
            elif type(outcome) is Dropped:
                if outcome.type is not None:
                    tally.dropped[outcome.type] += 1
            elif type(outcome) is Failed:
                tally.failed[outcome.reason] += 1
                tally.failed_paths.setdefault(outcome.reason, set()).add(outcome.path or "")
        tally.oldest_age_ms = max(ages, default=None)
        return tally

    def sample(self, unmapped: Iterable[int]) -> None:
        """Add what a sample of records held beside what the schema names."""
        for attributes in unmapped:
            self.sampled += 1
            self.unmapped += attributes
