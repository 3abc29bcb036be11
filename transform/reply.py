"""The reply to Firehose: one result a record, in order, within what Lambda can answer."""

import json
from collections.abc import Sequence
from typing import Any

from transform.outcome import Delivered, Dropped, Failed, Outcome, Reason

# Lambda's answer may not pass 6 MB (Firehose guide, "Transform data": 6,291,456 bytes as the runtime serialises it).
# Past it the whole batch would fail, after every retry.
LIMIT_BYTES = 6_291_456

TOO_LARGE = Failed(Reason.TOO_LARGE, f"the reply would pass {LIMIT_BYTES:,} bytes, Lambda's limit")


def result(record_id: str, outcome: Outcome) -> dict[str, Any]:
    """One record's result (firehose-facts 1.3). `data` is there, though empty, for every record: the guide asks for it.

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
_FRAME_BYTES = len(json.dumps({"records": []})) - len(", ")  # the last result has no comma behind it


def size_bytes(record_ids: Sequence[str], outcomes: Sequence[Outcome]) -> int:
    """The length of the reply as `json.dumps` writes it, without writing it."""
    return _FRAME_BYTES + _ids_bytes(record_ids) + sum([_bytes(outcome) for outcome in outcomes])


def _bytes(outcome: Outcome) -> int:
    if type(outcome) is Delivered:
        return _OK_BYTES + len(outcome.data) + len(outcome.type) + len(outcome.date)
    return _DROPPED_BYTES if type(outcome) is Dropped else _FAILED_BYTES


def _ids_bytes(record_ids: Sequence[str]) -> int:
    return sum(len(json.dumps(record_id)) - 2 for record_id in record_ids)


def _at_most_bytes(record_ids: Sequence[str], outcomes: Sequence[Outcome]) -> int:
    """More than the reply can take: a character is 12 bytes at most, a type's name 255, Glue's limit for a table's."""
    data = sum([len(outcome.data) for outcome in outcomes if type(outcome) is Delivered])
    return data + len(outcomes) * (_OK_BYTES + 10 + 255) + 12 * sum(map(len, record_ids))


def keep_within_limit(record_ids: Sequence[str], outcomes: list[Outcome]) -> None:
    """Turn what would push the reply past the limit into `too_large`, in place: first come, first served."""
    if _at_most_bytes(record_ids, outcomes) <= LIMIT_BYTES:  # nearly always, and four times cheaper to know
        return
    over = size_bytes(record_ids, outcomes) - LIMIT_BYTES
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
