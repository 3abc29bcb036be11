"""Parquet mode: rows go back to Firehose as lines of JSON, and it converts them by the Glue table's schema."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from glue.model import RecordType
from transform.mode import Delivery, Encode, Invocation
from transform.outcome import Delivered, Outcome
from transform.reply import keep_within_limit, result
from transform.row import Row
from transform.times import Times, of_micros, timestamp

_encode = msgspec.json.Encoder().encode
_base64 = msgspec.to_builtins  # of bytes: three to four times as fast as binascii
# Cached because requestedDateTime and date.requested are most often the same text.
_timestamp = lru_cache(maxsize=8192)(timestamp)


def json_line(row: Row) -> str:
    """A row as the reply holds it: one line of JSON in base64."""
    # Firehose joins records with nothing between them: without the newline two rows are one unreadable line.
    line: str = _base64(_encode(row) + b"\n")
    return line


class ParquetMode:
    """What a function does with its rows where FORMAT is parquet."""

    times = Times(_timestamp, of_micros)
    result = staticmethod(result)

    def encoder(self, _: RecordType) -> Encode:
        """Rows of every type are lines alike."""
        return json_line

    def deliver(self, invocation: Invocation, outcomes: list[Outcome]) -> Delivery:
        """The rows go with the reply: what would push it past Lambda's limit fails, in place."""
        keep_within_limit(invocation.record_ids, outcomes)
        return Delivery(_bytes(outcomes))


def _bytes(outcomes: Sequence[Outcome]) -> int:
    # Base64 is 4 characters for 3 bytes: right to two bytes a row, without decoding again.
    return sum([len(outcome.data) for outcome in outcomes if type(outcome) is Delivered]) * 3 // 4
