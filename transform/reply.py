"""The reply to Firehose: one result per record, in order, within the size that Lambda can answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from transform.outcome import Delivered, Dropped, Failed, Outcome, Reason

# The limit of Lambda's answer, 6 MB as the runtime serialises it (Firehose guide, "Transform data"). A larger one fails
# the whole batch, on every retry.
LAMBDA_PAYLOAD_BYTES = 6_291_456

TOO_LARGE = Failed(Reason.TOO_LARGE, f"the reply would pass {LAMBDA_PAYLOAD_BYTES:,} bytes, Lambda's limit")

# Glue's limit for a table's name, which a type's is.
_LONGEST_TYPE = "x" * 255
_DATE = "2025-01-01"


def without_row(record_id: str, outcome: Outcome) -> dict[str, Any]:
    """The result of a record that fails or is dropped. Even these have `data`, if only empty: the guide requires it.

    Dropped -> {"recordId": "...", "result": "Dropped", "data": ""}
    """
    word = "Dropped" if type(outcome) is Dropped else "ProcessingFailed"
    return {"recordId": record_id, "result": word, "data": ""}


class ReplyLimit:
    """Holds the replies of a mode within Lambda's limit. `result` makes one record's result, rows included."""

    def __init__(self, result: Callable[[str, Outcome], dict[str, Any]]) -> None:
        self._frame_bytes = lru_cache(maxsize=1024)(
            lambda record_type, date: _serialised_bytes(result("", Delivered("", record_type, date, 0)))
        )
        self._frame_at_most_bytes = self._frame_bytes(_LONGEST_TYPE, _DATE)

    def size_bytes(self, record_ids: Sequence[str], outcomes: Sequence[Outcome]) -> int:
        """The size of the reply as `json.dumps` would write it."""
        return _FRAME_BYTES + _ids_bytes(record_ids) + sum([self._bytes(outcome) for outcome in outcomes])

    def keep_within_limit(self, record_ids: Sequence[str], outcomes: list[Outcome]) -> None:
        """Replace the rows that would push the reply past the limit by `too_large`: first come, first served."""
        if self._at_most_bytes(record_ids, outcomes) <= LAMBDA_PAYLOAD_BYTES:  # nearly always; a quarter of the time
            return
        over = self.size_bytes(record_ids, outcomes) - LAMBDA_PAYLOAD_BYTES
        if over <= 0:
            return
        gains = [self._bytes(outcome) - _FAILED_BYTES if type(outcome) is Delivered else 0 for outcome in outcomes]
        room = sum(gains) - over
        for position, outcome in enumerate(outcomes):
            if type(outcome) is not Delivered:
                continue
            if gains[position] <= room:
                room -= gains[position]
            else:
                outcomes[position] = Failed(TOO_LARGE.reason, TOO_LARGE.message, None, outcome.type)

    def _bytes(self, outcome: Outcome) -> int:
        if type(outcome) is Delivered:
            return self._frame_bytes(outcome.type, outcome.date) + len(outcome.data)
        return _DROPPED_BYTES if type(outcome) is Dropped else _FAILED_BYTES

    def _at_most_bytes(self, record_ids: Sequence[str], outcomes: Sequence[Outcome]) -> int:
        """An upper bound of the size: a character of a record id is at most 12 bytes."""
        data = sum([len(outcome.data) for outcome in outcomes if type(outcome) is Delivered])
        return data + len(outcomes) * self._frame_at_most_bytes + 12 * sum(map(len, record_ids))


def row_bytes(outcomes: Sequence[Outcome]) -> int:
    """The bytes of the rows that are in the reply in base64."""
    # Base64 is 4 characters for 3 bytes: exact but for two bytes per row, without decoding.
    return sum([len(outcome.data) for outcome in outcomes if type(outcome) is Delivered]) * 3 // 4


def _ids_bytes(record_ids: Sequence[str]) -> int:
    return sum(len(json.dumps(record_id)) - 2 for record_id in record_ids)


def _serialised_bytes(answered: Mapping[str, Any]) -> int:
    return len(json.dumps(answered)) + len(", ")


_DROPPED_BYTES = _serialised_bytes(without_row("", Dropped(None)))
_FAILED_BYTES = _serialised_bytes(without_row("", TOO_LARGE))
_FRAME_BYTES = len(json.dumps({"records": []})) - len(", ")  # there is no comma after the last result
