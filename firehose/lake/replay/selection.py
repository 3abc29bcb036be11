"""The failures that `dmd replay` selects, by its options."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from firehose.lake.errors.error_documents import Explanation
from firehose.lake.errors.failures import UNKNOWN, ExplainedFailure
from firehose.local.user_error import UserError
from transform.outcome import Reason

_FIREHOSE_CODE = re.compile(r"[A-Z]\w*(\.\w+)+", re.ASCII).fullmatch
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects by reason or Firehose's code, by record type, and by arrival from `since_ms` up to before `until_ms`."""

    reasons: Collection[str] = ()
    types: Collection[str] = ()
    since_ms: int | None = None
    until_ms: int | None = None

    def has(self, failure: ExplainedFailure, explanation: Explanation) -> bool:
        """Return whether a failure is selected; `explanation` may be newer, from an earlier replay."""
        arrival_ms = failure.record.arrival_ms
        return (
            (not self.reasons or explanation.code in self.reasons or failure.record.code in self.reasons)
            and (not self.types or failure.type in self.types)
            and (self.since_ms is None or self.since_ms <= arrival_ms)
            and (self.until_ms is None or arrival_ms < self.until_ms)
        )


def check_reasons(names: Iterable[str]) -> None:
    """Refuse names that no failure can have as its reason: neither the function's nor Firehose's, which have a dot.

    Raises:
        UserError: `unknown reason 'x' (choose from not_json, ..., or a code of Firehose's, Lambda.FunctionError)`.
    """
    own = [*Reason, UNKNOWN]
    for name in names:
        if name not in own and not _FIREHOSE_CODE(name):
            raise UserError(
                f"unknown reason '{name}' (choose from {', '.join(own)}, or a code of Firehose's, Lambda.FunctionError)"
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
