"""Records through the steps: change, image, row, scrub, enrich, encode. Pure: same bytes, same outcome.

Every change of an item is a row of its own (BR-10).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import UNSET

from glue.model import RecordType
from transform import change as changes
from transform.attributes import Image, image_decoder
from transform.enrich import enricher
from transform.mode import Mode
from transform.one_pass import hinted_type, one_pass
from transform.outcome import OTHER, UNREADABLE, BadRecord, Delivered, Dropped, Failed, Outcome, our_bug
from transform.parquet_mode import ParquetMode
from transform.row import Row, RowTypes
from transform.scrub import scrubber
from transform.source import arrival_ms, payload_of, sequence_of

# Each step runs over so many records before the next one does, for the interpreter's work for a step is then in the
# processor's caches: a fifth faster than each record through all steps. 16 to 256 measured alike, and what a record is
# decoded to waits for the rest of its block.
BLOCK_RECORDS = 32


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


class Sound(msgspec.Struct, gc=False):
    """A change with an image of a served type, which goes as soon as the row is there."""

    maker: Maker
    record: Mapping[str, Any]
    name: str
    change_id: str | None
    at_micros: int
    expired: bool
    image: Image
    row: Row = None
    date: str = ""


class Transformer:
    """Decides what becomes of an event's records, in their order. It never raises.

    `types` are all that are archived, `served` those that this function delivers. With `claims` it also answers for
    records with no readable type and counts those of a type that nobody archives; exactly one function does. Rows are
    made and encoded as `mode` has them, Parquet mode by default. `on_bug` is told of our own errors.
    """

    def __init__(
        self,
        types: Mapping[str, RecordType],
        served: Mapping[str, RecordType],
        *,
        claims: bool,
        on_bug: Callable[[Exception], None],
        mode: Mode | None = None,
    ) -> None:
        self._makers = {name: Maker(record_type, mode or ParquetMode()) for name, record_type in served.items()}
        self._hinted = {name.encode(): maker for name, maker in self._makers.items()}
        self._known = {b'{"S":"%s"}' % name.encode(): name for name in types}
        self._dropped = {name: Dropped(name) for name in types}
        self._claims = claims
        self._other = Dropped(OTHER if claims else None)
        self._on_bug = on_bug

    def __call__(self, records: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """The outcome of each."""
        outcomes: list[Outcome] = []
        for start in range(0, len(records), BLOCK_RECORDS):
            block = list(map(self._read, records[start : start + BLOCK_RECORDS]))
            for step in (_build, _enrich, _encode):
                block = self._each(step, block)
            outcomes += cast(list[Outcome], block)  # no record is on its way after the last step
        return outcomes

    def _read(self, record: Mapping[str, Any]) -> Sound | Outcome:
        name = None
        try:
            payload = payload_of(record)
            maker = self._hinted.get(hinted_type(payload))
            change = maker.decode_at_once(payload) if maker else None
            if maker and change:
                return _sound(maker, record, change, changes.at_micros(change), change.dynamodb.image)
            change, payload = changes.decode(payload)
            at_micros = changes.at_micros(change)
            name = changes.type_of(change, self._known)
            maker = self._makers.get(name)
            if maker is None:
                return self._dropped.get(name, self._other)
            return _sound(maker, record, change, at_micros, maker.decode_image(changes.image_of(payload)))
        except BadRecord as bad:
            return self._failed(bad, name)
        except Exception as error:  # noqa: BLE001 - whatever it was, the other records are sound
            return self._bug(error, name)

    def _each(self, step: Callable[[Sound], Sound | Outcome], block: list[Sound | Outcome]) -> list[Sound | Outcome]:
        """The step over those of a block that are still on their way."""
        done: list[Sound | Outcome] = []
        for item in block:
            if type(item) is not Sound:
                done.append(item)
                continue
            try:
                done.append(step(item))
            except BadRecord as bad:
                done.append(self._failed(bad, item.maker.name))
            except Exception as error:  # noqa: BLE001 - as above
                done.append(self._bug(error, item.maker.name))
        return done

    def _failed(self, bad: BadRecord, name: str | None) -> Outcome:
        """Bad data becomes a value here, and nowhere else."""
        if bad.reason in UNREADABLE and not self._claims:
            return Dropped(None)
        return Failed(bad.reason, bad.message, bad.path, name)

    def _bug(self, error: Exception, name: str | None) -> Outcome:
        self._on_bug(error)
        return our_bug(name)


def _sound(maker: Maker, record: Mapping[str, Any], change: Any, at_micros: int, image: Image) -> Sound:
    change_id = None if change.eventID is UNSET else change.eventID
    return Sound(maker, record, change.eventName, change_id, at_micros, changes.is_expired(change), image)


def _build(sound: Sound) -> Sound:
    """The image is sound before a deletion overwrites a part of it."""
    row = sound.row = sound.maker.build(sound.image, None)
    sound.image = None  # the largest of them: a block would hold all of its images
    if sound.name == "REMOVE":
        sound.maker.scrub(row)
    return sound


def _enrich(sound: Sound) -> Sound:
    sequence = sequence_of(sound.record)
    sound.date = sound.maker.enrich(sound.row, sound.name, sound.change_id, sound.at_micros, sequence, sound.expired)
    return sound


def _encode(sound: Sound) -> Delivered:
    maker = sound.maker
    age_ms = arrival_ms(sound.record) - sound.at_micros // 1000
    return Delivered(maker.encode(sound.row), maker.name, sound.date, age_ms)
