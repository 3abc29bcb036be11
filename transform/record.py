"""One record through the steps: change, image, row, scrub, enrich, encode. Pure: same bytes, same outcome."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET

from glue.model import RecordType
from transform import change as changes
from transform.attributes import image_decoder
from transform.enrich import enricher
from transform.one_pass import one_pass
from transform.outcome import OTHER, UNREADABLE, BadRecord, Delivered, Dropped, Failed, Outcome
from transform.row import RowTypes
from transform.scrub import scrubber
from transform.source import payload_of, sequence_of

Transform: TypeAlias = Callable[[Mapping[str, Any]], Outcome]


class Maker:
    """What makes the rows of one record type. Compiled once, for it runs once per record."""

    def __init__(self, record_type: RecordType) -> None:
        types = RowTypes(record_type.row)
        self.name = record_type.name
        self.decode_at_once = one_pass(record_type)
        self.decode_image = image_decoder(record_type.row)
        self.build = types.build
        self.scrub = scrubber(record_type.row)
        self.enrich = enricher(record_type, types)


def transformer(types: Mapping[str, RecordType], served: Mapping[str, RecordType], *, claims: bool) -> Transform:
    """A function from one of an event's records to its outcome; it never raises for bad data.

    `types` are all that are archived, `served` those that this function delivers. With `claims` it also answers for
    records with no readable type and counts those of a type that nobody archives; exactly one function does.
    """
    makers = {name: Maker(record_type) for name, record_type in served.items()}
    likely = tuple(makers.values())
    known = {b'{"S":"%s"}' % name.encode(): name for name in types}
    dropped = {name: Dropped(name) for name in types}
    not_mine = Dropped(None)
    other = Dropped(OTHER) if claims else not_mine
    encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode

    def transform(record: Mapping[str, Any]) -> Outcome:
        name = None
        try:
            payload = payload_of(record)
            for maker in likely:
                change = maker.decode_at_once(payload)
                if change is not None:
                    at_micros, image, name = changes.at_micros(change), change.dynamodb.image, maker.name
                    break
            else:
                change, payload = changes.decode(payload)
                at_micros = changes.at_micros(change)
                name = changes.type_of(change, known)
                if name not in makers:
                    return dropped.get(name, other)
                maker = makers[name]
                image = maker.decode_image(changes.image_of(payload))
            row = maker.build(image, None)
            if change.eventName == "REMOVE":
                maker.scrub(row)
            change_id = None if change.eventID is UNSET else change.eventID
            expired = changes.is_expired(change)
            date = maker.enrich(row, change.eventName, change_id, at_micros, sequence_of(record), expired)
        except BadRecord as bad:  # bad data becomes a value here, and nowhere else
            if bad.reason in UNREADABLE and not claims:
                return not_mine
            return Failed(bad.reason, bad.message, bad.path, name)
        # Firehose joins records with nothing between them: without the newline two rows are one unreadable line.
        line = encode(row) + b"\n"
        return Delivered(msgspec.to_builtins(line), len(line), name, date, at_micros)

    return transform
