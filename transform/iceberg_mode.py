"""Iceberg mode: rows go back to Firehose as JSON, each with the Iceberg table to which Firehose appends it.

One delivery stream serves all record types. Firehose matches the keys of a row to the columns of the table by name, so
rows have the table's columns and no others: those of the schema, in lower case, and `partition_date`, by which the
tables are partitioned. Times are epoch microseconds at every depth: the only form for which no part of the Firehose
guide ("Supported data types", Apache Iceberg) disagrees with another. Dates are text, decimals too, so that no digit is
lost on the way.

Rows are inserted, never updated or deleted: Firehose does not keep the order of changes, so an update could bring back
an older state. Current state is made from this history.
"""

from functools import lru_cache
from typing import Any

import msgspec
from pybase64 import b64encode_as_string

from glue.layout import PARTITION
from glue.model import RecordType
from transform.mode import Encode, Invocation, Mode, ModeDelivery
from transform.object_store import ObjectStore
from transform.outcome import Delivered, Outcome
from transform.reply import ReplyLimit, row_bytes, without_row
from transform.row import Row
from transform.settings import ConfigurationError, Settings
from transform.times import Times, day_of, epoch_millis

_MICROS_A_DAY = 86_400_000_000

_encode = msgspec.json.Encoder().encode  # decimals as text


def mode(settings: Settings, _store: ObjectStore) -> Mode:
    """Iceberg mode for the tables of the database in the settings.

    Raises:
        ConfigurationError: DATABASE is not set.
    """
    if not settings.database:
        raise ConfigurationError("DATABASE is not set: the database of the Iceberg tables that rows go to")
    return IcebergMode(settings.database)


class IcebergMode:
    """Sends rows back to Firehose, each as one JSON object that names its table in `otfMetadata`."""

    def __init__(self, database: str) -> None:
        self.times = TIMES
        self._database = database
        self._limit = ReplyLimit(self.result)

    def encoder(self, _: RecordType) -> Encode:
        """The encoder of rows as JSON, whatever the type. `deliver` completes them."""
        return _row

    def deliver(self, invocation: Invocation, outcomes: list[Outcome]) -> ModeDelivery:
        """Complete the rows, and leave them to the reply.

        Those that would push it past Lambda's limit become `too_large`, in place.
        """
        for position, outcome in enumerate(outcomes):
            if type(outcome) is Delivered:
                data = b64encode_as_string(b'%b,"%b":"%b"}' % (outcome.data, _PARTITION, outcome.date.encode()))
                outcomes[position] = Delivered(data, outcome.type, outcome.date, outcome.age_ms)
        self._limit.keep_within_limit(invocation.record_ids, outcomes)
        return ModeDelivery(row_bytes(outcomes))

    def result(self, record_id: str, outcome: Outcome) -> dict[str, Any]:
        """One record's result.

        Delivered -> {"recordId": "...", "result": "Ok", "data": "...", "metadata": {"otfMetadata": {...}}}
        """
        if type(outcome) is not Delivered:
            return without_row(record_id, outcome)
        table = {
            "destinationDatabaseName": self._database,
            "destinationTableName": outcome.type.lower(),
            "operation": "insert",
        }
        return {"recordId": record_id, "result": "Ok", "data": outcome.data, "metadata": {"otfMetadata": table}}


_PARTITION = PARTITION.encode()


def _row(row: Row) -> bytes:
    """A row as a JSON object without its closing brace."""
    return _encode(row)[:-1]


# Cached because requestedDateTime and date.requested usually hold the same text.
@lru_cache(maxsize=8192)
def _micros(text: str) -> int | None:
    millis = epoch_millis(text)
    return None if millis is None else millis * 1000


def _truncated(micros: int) -> int:
    """Epoch microseconds, truncated to the millisecond, as in the rows of every mode (BR-12)."""
    return micros - micros % 1000


def _day(micros: int) -> str:
    return day_of(micros // _MICROS_A_DAY)


TIMES = Times(_micros, _truncated, _day)
