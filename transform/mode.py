"""The interface of a mode: how rows are encoded, how they are delivered, and what Firehose is answered.

A mode is a module transform/<format>_mode.py, where <format> is one of glue/layout.py's Format, with a function

    mode(settings: Settings, store: ObjectStore) -> Mode

transform/function.py finds it by that name.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from glue.model import RecordType
from transform.outcome import Outcome
from transform.row import Row
from transform.times import Times

Encode: TypeAlias = Callable[[Row], Any]


class Invocation(msgspec.Struct, frozen=True):
    """One call of the function.

    `seconds_left` returns the seconds until Lambda stops the function, None where that is unknown.
    """

    stream: str
    record_ids: Sequence[str]
    seconds_left: Callable[[], float | None]


class Written(msgspec.Struct):
    """The rows of one record type that the function itself wrote to its store."""

    type: str
    records: int = 0
    objects: int = 0
    bytes: int = 0


class ModeDelivery(msgspec.Struct, frozen=True):
    """The number of bytes delivered, and what the function itself wrote, by type."""

    bytes: int
    written: Sequence[Written] = ()


class Mode(Protocol):
    """Encodes rows, delivers them, and answers Firehose. `times` says how its rows hold times."""

    times: Times

    def encoder(self, record_type: RecordType, /) -> Encode:
        """The function that makes `Delivered.data` of a row of this type."""

    def deliver(self, invocation: Invocation, outcomes: list[Outcome]) -> ModeDelivery:
        """Deliver every row that is Delivered; replace in `outcomes` those that could not be by Failed."""

    def result(self, record_id: str, outcome: Outcome, /) -> dict[str, Any]:
        """One record's result in the reply."""
