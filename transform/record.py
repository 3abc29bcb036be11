"""One record through the steps: change, image, row, scrub, enrich, encode. Pure: same bytes, same outcome.

Every change of an item is a row of its own (BR-10).
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import UNSET

from glue.model import RecordType
from transform import change as changes
from transform.attributes import Image, image_decoder
from transform.enrich import enricher
from transform.mode import Mode
from transform.one_pass import by_hint, one_pass
from transform.outcome import OTHER, UNREADABLE, BadRecord, Delivered, Dropped, Failed, Outcome, our_bug
from transform.parquet_mode import ParquetMode
from transform.row import RowTypes
from transform.scrub import scrubber
from transform.source import arrival_ms, payload_of, sequence_of

Transform: TypeAlias = Callable[[Mapping[str, Any]], Outcome]


class Maker:
    """What makes the rows of one record type. Compiled once, for it runs once per record."""

    def __init__(self, record_type: RecordType, mode: Mode) -> None:
        types = RowTypes(record_type.row, mode.times)
        self.name = record_type.name
        self.decode_at_once = one_pass(record_type)
        self.decode_image = image_decoder(record_type.row)
        self.build = types.build
        self.scrub = scrubber(record_type.row)
        self.enrich = enricher(record_type, types)
        self.encode = mode.encoder(record_type)

    def deliver(self, change: Any, image: Image, at_micros: int, record: Mapping[str, Any]) -> Delivered:
        """The row of a decoded change and image. The image is sound before a deletion overwrites a part of it."""
        row = self.build(image, None)
        if change.eventName == "REMOVE":
            self.scrub(row)
        change_id = None if change.eventID is UNSET else change.eventID
        expired = changes.is_expired(change)
        date = self.enrich(row, change.eventName, change_id, at_micros, sequence_of(record), expired)
        age_ms = arrival_ms(record) - at_micros // 1000
        return Delivered(self.encode(row), self.name, date, age_ms)


def transformer(
    types: Mapping[str, RecordType],
    served: Mapping[str, RecordType],
    *,
    claims: bool,
    on_bug: Callable[[Exception], None],
    mode: Mode | None = None,
) -> Transform:
    """A function from one of an event's records to its outcome; it never raises, but tells `on_bug` of our own errors.

    `types` are all that are archived, `served` those that this function delivers. With `claims` it also answers for
    records with no readable type and counts those of a type that nobody archives; exactly one function does. Rows are
    made and encoded as `mode` has them, Parquet mode by default.
    """
    makers = {name: Maker(record_type, mode or ParquetMode()) for name, record_type in served.items()}
    hinted = by_hint(makers)
    known = {b'{"S":"%s"}' % name.encode(): name for name in types}
    dropped = {name: Dropped(name) for name in types}
    not_mine, other = Dropped(None), Dropped(OTHER if claims else None)

    def transform(record: Mapping[str, Any]) -> Outcome:
        name = None
        try:
            payload = payload_of(record)
            maker = hinted(payload)
            change = maker.decode_at_once(payload) if maker else None
            if maker and change:
                at_micros, name = changes.at_micros(change), maker.name
                return maker.deliver(change, change.dynamodb.image, at_micros, record)
            change, payload = changes.decode(payload)
            at_micros = changes.at_micros(change)
            name = changes.type_of(change, known)
            if name not in makers:
                return dropped.get(name, other)
            image = makers[name].decode_image(changes.image_of(payload))
            return makers[name].deliver(change, image, at_micros, record)
        except BadRecord as bad:  # bad data becomes a value here, and nowhere else
            if bad.reason in UNREADABLE and not claims:
                return not_mine
            return Failed(bad.reason, bad.message, bad.path, name)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other records are sound
            on_bug(error)
            return our_bug(name)

    return transform
