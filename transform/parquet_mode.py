"""Parquet mode: rows go back to Firehose as lines of JSON, which it converts by the Glue table's schema."""

from functools import lru_cache
from typing import Any

import msgspec
from pybase64 import b64encode_as_string

from glue.model import RecordType
from transform.mode import Encode, Invocation, Mode, ModeDelivery
from transform.object_store import ObjectStore
from transform.outcome import Delivered, Outcome
from transform.reply import ReplyLimit, row_bytes, without_row
from transform.row import Row
from transform.settings import Settings
from transform.times import Times, day_of_text, of_micros, timestamp

_encode = msgspec.json.Encoder(decimal_format="number").encode  # with all its digits, which text would have, too
# Cached because requestedDateTime and date.requested usually hold the same text.
_timestamp = lru_cache(maxsize=8192)(timestamp)


def mode(_settings: Settings, _store: ObjectStore) -> Mode:
    """Parquet mode, which has nothing to configure and writes no object itself."""
    return ParquetMode()


def json_line(row: Row) -> str:
    """A row in the form of the reply: one line of JSON, in base64."""
    # Firehose puts nothing between records: without the newline two rows would be one unreadable line.
    return b64encode_as_string(_encode(row) + b"\n")  # half of the time that msgspec takes


def result(record_id: str, outcome: Outcome) -> dict[str, Any]:
    """One record's result, with the keys by which Firehose partitions rows.

    Delivered -> {"recordId": "...", "result": "Ok", "data": "...", "metadata": {"partitionKeys": {...}}}
    """
    if type(outcome) is Delivered:
        keys = {"type": outcome.type, "date": outcome.date}
        return {"recordId": record_id, "result": "Ok", "data": outcome.data, "metadata": {"partitionKeys": keys}}
    return without_row(record_id, outcome)


LIMIT = ReplyLimit(result)


class ParquetMode:
    """Sends rows back to Firehose, each as one line of JSON."""

    times = Times(_timestamp, of_micros, day_of_text)
    result = staticmethod(result)

    def encoder(self, _: RecordType) -> Encode:
        """`json_line`, whatever the type."""
        return json_line

    def deliver(self, invocation: Invocation, outcomes: list[Outcome]) -> ModeDelivery:
        """Leave the rows to the reply; those that would push it past Lambda's limit become `too_large`, in place."""
        LIMIT.keep_within_limit(invocation.record_ids, outcomes)
        return ModeDelivery(row_bytes(outcomes))
