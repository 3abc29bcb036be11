"""What differs between Parquet mode and Avro mode: how a row is encoded, how it is delivered, what Firehose is told."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from glue.model import RecordType
from transform.outcome import Outcome
from transform.row import Row
from transform.times import Times

Encode: TypeAlias = Callable[[Row], Any]


class Invocation(msgspec.Struct, frozen=True):
    """What the delivery of an invocation's rows depends on.

    `seconds_left` is what Lambda gives the function until it is cut off, None where nobody says.
    """

    stream: str
    record_ids: Sequence[str]
    seconds_left: Callable[[], float | None]


class Written(msgspec.Struct):
    """What the function itself put of one record type."""

    type: str
    records: int = 0
    objects: int = 0
    bytes: int = 0


class Delivery(msgspec.Struct, frozen=True):
    """The bytes delivered, and by type what the function itself put."""

    bytes: int
    written: Sequence[Written] = ()


class Mode(Protocol):
    """One of the two. `times` says how its rows hold times."""

    times: Times

    def encoder(self, record_type: RecordType, /) -> Encode:
        """What makes `Delivered.data` of a row of this type."""

    def deliver(self, invocation: Invocation, outcomes: list[Outcome]) -> Delivery:
        """Delivers what is Delivered, and turns what could not be into Failed, in place."""

    def result(self, record_id: str, outcome: Outcome, /) -> dict[str, Any]:
        """One record's result in the reply (firehose-facts 1.3)."""
