"""One record through the steps: change, image, row, scrub, enrich, encode. Pure: same bytes, same outcome."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from glue.model import RecordType
from transform import change as changes
from transform.attributes import image_decoder
from transform.change import Change
from transform.enrich import enricher
from transform.outcome import OTHER, UNREADABLE, BadRecord, Delivered, Dropped, Failed, Outcome
from transform.row import Row, RowTypes
from transform.scrub import scrubber
from transform.source import payload_of, sequence_of

# An image, its change, the change's time and its sequence -> the row and its partition date.
MakeRow: TypeAlias = Callable[[msgspec.Raw, Change, int, str | None], tuple[Row, str]]
Transform: TypeAlias = Callable[[Mapping[str, Any]], Outcome]


def row_maker(record_type: RecordType) -> MakeRow:
    """A function that makes the row of an image of one record type. Compiled once, for it runs once per record.

    The image is validated first, so what a deletion overwrites must still be readable.
    """
    decode = image_decoder(record_type.row)
    types = RowTypes(record_type.row)
    build, scrub, enrich = types.build, scrubber(record_type.row), enricher(record_type, types)

    def make_row(image: msgspec.Raw, change: Change, at_micros: int, sequence: str | None) -> tuple[Row, str]:
        row = build(decode(image), None)
        if change.eventName == "REMOVE":
            scrub(row)
        return row, enrich(row, change, at_micros, sequence)

    return make_row


def transformer(types: Mapping[str, RecordType], served: Mapping[str, RecordType], *, claims: bool) -> Transform:
    """A function from one of an event's records to its outcome; it never raises for bad data.

    `types` are all that are archived, `served` those that this function delivers. With `claims` it also answers for
    records with no readable type and counts those of a type that nobody archives; exactly one function does.
    """
    makers = {name: row_maker(record_type) for name, record_type in served.items()}
    known = {b'{"S":"%s"}' % name.encode(): name for name in types}
    dropped = {name: Dropped(name) for name in types}
    not_mine = Dropped(None)
    other = Dropped(OTHER) if claims else not_mine
    encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode

    def transform(record: Mapping[str, Any]) -> Outcome:
        name = None
        try:
            change = changes.decode(payload_of(record))
            at_micros = changes.at_micros(change)
            image = changes.image_of(change)
            name = changes.type_of(image, known)
            make_row = makers.get(name)
            if make_row is None:
                return dropped.get(name, other)
            row, date = make_row(image, change, at_micros, sequence_of(record))
        except BadRecord as bad:  # bad data becomes a value here, and nowhere else
            if bad.reason in UNREADABLE and not claims:
                return not_mine
            return Failed(bad.reason, bad.message, bad.path, name)
        # Firehose joins records with nothing between them: without the newline two rows are one unreadable line.
        line = encode(row) + b"\n"
        return Delivered(msgspec.to_builtins(line), len(line), name, date, at_micros)

    return transform
