"""The failures that `dmd replay` selects, by its options."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from firehose.lake.errors.error_documents import Explanation
from firehose.lake.errors.failures import UNKNOWN, ExplainedFailure
from firehose.local.user_error import UserError
from transform.outcome import Reason

# All reasons that `dmd errors` may show, but for Firehose's codes, of which Amazon publishes no complete list.
_REASONS = (*sorted(Reason), UNKNOWN)
_FIREHOSE_CODE = re.compile(r"[A-Z]\w*(?:\.\w+)+", re.ASCII).fullmatch
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects by reason or Firehose's code, by record type, and by arrival from `since_ms` up to before `until_ms`."""

    reasons: Collection[str] = ()
    types: Collection[str] = ()
    since_ms: int | None = None
    until_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse a reason that no failure can have: it would select nothing, without a word.

        Raises:
            UserError: neither one of the function's reasons nor the form of an error code of Firehose's.
        """
        for reason in self.reasons:
            if reason not in _REASONS and not _FIREHOSE_CODE(reason):
                known = ", ".join(_REASONS)
                raise UserError(
                    f"unknown reason '{reason}' (choose from {known}, or a code of Firehose's: Lambda.FunctionError)"
                )

    def has(self, failure: ExplainedFailure, explanation: Explanation) -> bool:
        """Return True if a failure is selected; `explanation` may be a newer one, from an earlier replay."""
        arrival_ms = failure.record.arrival_ms
        return (
            (not self.reasons or explanation.code in self.reasons or failure.record.code in self.reasons)
            and (not self.types or failure.type in self.types)
            and (self.since_ms is None or self.since_ms <= arrival_ms)
            and (self.until_ms is None or arrival_ms < self.until_ms)
        )


def since_ms(text: str) -> int:
    """Return a day or time as epoch milliseconds, UTC by default: "2025-01-01", "2025-01-01T10:00:00Z".

    Raises:
        UserError: it is neither.
    """
    return _milliseconds(_moment(text))


def until_ms(text: str) -> int:
    """Return the end of a range: a day includes all of it, so "2025-01-01" is the first moment of the next day.

    Raises:
        UserError: it is neither a day nor a time.
    """
    moment = _moment(text)
    try:
        return _milliseconds(moment + timedelta(days=1) if _DAY(text) else moment)
    except OverflowError:
        raise _no_time(text) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _no_time(text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _no_time(text: str) -> UserError:
    return UserError(f"{text} is neither a day nor a time: 2025-01-01, or 2025-01-01T10:00:00Z")
