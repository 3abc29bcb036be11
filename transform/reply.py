"""The reply to Firehose: one result per record, in order, within the size that Lambda can answer."""

import json
from collections.abc import Sequence
from typing import Any

from transform.outcome import Delivered, Dropped, Failed, Outcome, Reason

# The limit of Lambda's answer, 6 MB as the runtime serialises it (Firehose guide, "Transform data"). A larger one fails
# the whole batch, on every retry.
LAMBDA_PAYLOAD_BYTES = 6_291_456

TOO_LARGE = Failed(Reason.TOO_LARGE, f"the reply would pass {LAMBDA_PAYLOAD_BYTES:,} bytes, Lambda's limit")


def result(record_id: str, outcome: Outcome) -> dict[str, Any]:
    """One record's result. Every result has `data`, if only empty: the guide requires it.

    Delivered -> {"recordId": "...", "result": "Ok", "data": "...", "metadata": {"partitionKeys": {...}}}
    """
    if type(outcome) is Dropped:
        return {"recordId": record_id, "result": "Dropped", "data": ""}
    if type(outcome) is Delivered:
        keys = {"type": outcome.type, "date": outcome.date}
        return {"recordId": record_id, "result": "Ok", "data": outcome.data, "metadata": {"partitionKeys": keys}}
    return {"recordId": record_id, "result": "ProcessingFailed", "data": ""}


def _serialised_bytes(outcome: Outcome) -> int:
    return len(json.dumps(result("", outcome))) + len(", ")


_OK_BYTES = _serialised_bytes(Delivered("", "", "", 0))
_DROPPED_BYTES = _serialised_bytes(Dropped(None))
_FAILED_BYTES = _serialised_bytes(TOO_LARGE)
_FRAME_BYTES = len(json.dumps({"records": []})) - len(", ")  # there is no comma after the last result


def size_bytes(record_ids: Sequence[str], outcomes: Sequence[Outcome]) -> int:
    """The size of the reply as `json.dumps` would write it."""
    return _FRAME_BYTES + _ids_bytes(record_ids) + sum([_bytes(outcome) for outcome in outcomes])


def _bytes(outcome: Outcome) -> int:
    if type(outcome) is Delivered:
        return _OK_BYTES + len(outcome.data) + len(outcome.type) + len(outcome.date)
    return _DROPPED_BYTES if type(outcome) is Dropped else _FAILED_BYTES


def _ids_bytes(record_ids: Sequence[str]) -> int:
    return sum(len(json.dumps(record_id)) - 2 for record_id in record_ids)


def _at_most_bytes(record_ids: Sequence[str], outcomes: Sequence[Outcome]) -> int:
    """An upper bound of the size: a character is at most 12 bytes, a type's name 255 (Glue's limit for a table's)."""
    data = sum([len(outcome.data) for outcome in outcomes if type(outcome) is Delivered])
    return data + len(outcomes) * (_OK_BYTES + 10 + 255) + 12 * sum(map(len, record_ids))


def keep_within_limit(record_ids: Sequence[str], outcomes: list[Outcome]) -> None:
    """Replace the rows that would push the reply past the limit by `too_large`: first come, first served."""
    if _at_most_bytes(record_ids, outcomes) <= LAMBDA_PAYLOAD_BYTES:  # nearly always; the size takes four times as long
        return
    over = size_bytes(record_ids, outcomes) - LAMBDA_PAYLOAD_BYTES
    if over <= 0:
        return
    gains = [_bytes(outcome) - _FAILED_BYTES if type(outcome) is Delivered else 0 for outcome in outcomes]
    room = sum(gains) - over
    for position, outcome in enumerate(outcomes):
        if type(outcome) is not Delivered:
            continue
        if gains[position] <= room:
            room -= gains[position]
        else:
            outcomes[position] = Failed(TOO_LARGE.reason, TOO_LARGE.message, None, outcome.type)
