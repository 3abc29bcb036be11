"""Parquet mode: rows go back to Firehose as lines of JSON, which it converts by the Glue table's schema."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
from pybase64 import b64encode_as_string

from glue.model import RecordType
from transform.mode import Encode, Invocation, Mode, ModeDelivery
from transform.object_store import ObjectStore
from transform.outcome import Delivered, Outcome
from transform.reply import keep_within_limit, result
from transform.row import Row
from transform.settings import Settings
from transform.times import Times, of_micros, timestamp

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


class ParquetMode:
    """Sends rows back to Firehose, each as one line of JSON."""

    times = Times(_timestamp, of_micros)
    result = staticmethod(result)

    def encoder(self, _: RecordType) -> Encode:
        """`json_line`, whatever the type."""
        return json_line

    def deliver(self, invocation: Invocation, outcomes: list[Outcome]) -> ModeDelivery:
        """Leave the rows to the reply; those that would push it past Lambda's limit become `too_large`, in place."""
        keep_within_limit(invocation.record_ids, outcomes)
        return ModeDelivery(_bytes(outcomes))


def _bytes(outcomes: Sequence[Outcome]) -> int:
    # Base64 is 4 characters for 3 bytes: exact but for two bytes per row, without decoding.
    return sum([len(outcome.data) for outcome in outcomes if type(outcome) is Delivered]) * 3 // 4
