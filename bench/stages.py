"""Where the function's time goes: each step of transform/record.py alone, over a whole batch.

What is left of the whole is the rest of an invocation: outcomes, reply, counts, metrics, the log line. Loops of their
own keep caches warmer than the function's single one does, so the rest is rather too large than too small.
"""

from collections.abc import Callable

import msgspec

from bench.batches import Batch
from bench.function import function, run, silenced
from bench.rounds import Results, compare, timed
from bench.tables import table
from glue.schema import load
from transform import change
from transform.attributes import image_decoder
from transform.record import row_maker
from transform.source import payload_of, sequence_of

WHOLE = "the whole"


def stages(batch: Batch, record_type: str, rounds: int) -> Results:
    """The rounds of every step, for well-formed changes of one type in one event."""
    types = load()
    known = {b'{"S":"%s"}' % name.encode(): name for name in types}
    decode_image, make_row = image_decoder(types[record_type].row), row_maker(types[record_type])
    encode, handler = msgspec.json.Encoder().encode, function(record_type)
    (records,) = [event["records"] for event in batch.events]
    payloads = [payload_of(record) for record in records]
    decoded = [change.decode(payload) for payload in payloads]
    images = [change.image_of(one) for one in decoded]
    inputs = list(zip(images, decoded, map(change.at_micros, decoded), map(sequence_of, records), strict=True))
    rows = [make_row(*one)[0] for one in inputs]
    lines = [encode(row) + b"\n" for row in rows]

    def whole() -> int:
        with silenced():
            return run(handler, batch.events)

    steps: dict[str, Callable[[], object]] = {
        "base64 decode": lambda: [payload_of(record) for record in records],
        "change: UTF-8, JSON, frame": lambda: [change.decode(payload) for payload in payloads],
        "time, image, type, sequence": lambda: [_told_apart(*one, known) for one in zip(decoded, records, strict=True)],
        "image: decode and validate": lambda: [decode_image(image) for image in images],
        "row: times, tags, scrub, enrich": lambda: [make_row(*one) for one in inputs],
        "encode the row": lambda: [encode(row) + b"\n" for row in rows],
        "base64 encode": lambda: [msgspec.to_builtins(line) for line in lines],
    }
    return compare(
        {WHOLE: timed(whole), **{name: timed(_nothing_refused(step)) for name, step in steps.items()}}, rounds
    )


def _told_apart(one: change.Change, record: dict[str, object], known: dict[bytes, str]) -> object:
    return change.at_micros(one), change.type_of(change.image_of(one), known), sequence_of(record)


def _nothing_refused(step: Callable[[], object]) -> Callable[[], int]:
    def run_step() -> int:
        step()
        return 0

    return run_step


def report(results: Results, records: int) -> str:
    """The steps and what is left, as a table."""
    micros = {name: results.seconds(name) / records * 1e6 for name in results.rounds}
    micros["row: times, tags, scrub, enrich"] -= micros["image: decode and validate"]  # make_row begins with it
    whole = micros.pop(WHOLE)
    micros["the rest: outcome, reply, counts, metrics"] = whole - sum(micros.values())
    rows = [[name, f"{each:.2f}", f"{each / whole:.0%}"] for name, each in {**micros, WHOLE: whole}.items()]
    return table("Where the function's time goes", ["", "us a record", "share"], rows)
