"""Measure each step of transform/record.py alone, over a whole batch, to show how the function spends its time.

"the rest" is the remainder of an invocation: outcomes, reply, counts, metrics, the log line. It is approximate, because
here each step runs over the whole batch, and in the function over one record or block at a time.
"""

from collections.abc import Callable

import msgspec
from pybase64 import b64encode_as_string

from bench.batches import Batch
from bench.function import function, run, silenced
from bench.rounds import Results, compare, timed
from bench.tables import table
from glue.schema import load
from transform import change
from transform.event_record import payload_of, sequence_of
from transform.fast_path import TypedChange
from transform.item import item_of
from transform.parquet_mode import ParquetMode
from transform.record import CompiledType
from transform.row import Row

WHOLE = "the whole"


def stages(batch: Batch, record_type: str, rounds: int) -> Results:
    """Return the rounds of every step, for well-formed changes of one type in one event."""
    compiled = CompiledType(load()[record_type], ParquetMode())
    encode, handler = msgspec.json.Encoder().encode, function(record_type)
    (records,) = [event["records"] for event in batch.events]
    payloads = [payload_of(record) for record in records]
    decoded: list[TypedChange] = [compiled.decode_fast(payload) for payload in payloads]
    built = [compiled.build(one.dynamodb.image, None) for one in decoded]
    items = [item_of(one.dynamodb.Keys) for one in decoded]
    rows = whole_rows(compiled, batch)
    lines = [encode(row) + b"\n" for row in rows]

    def whole() -> int:
        with silenced():
            return run(handler, batch.events)

    steps: dict[str, Callable[[], object]] = {
        "base64 decode": lambda: [payload_of(record) for record in records],
        "UTF-8, JSON, change and image": lambda: [compiled.decode_fast(payload) for payload in payloads],
        "row: tags, times, scrub": lambda: [compiled.build(one.dynamodb.image, None) for one in decoded],
        "item: the digest of the keys": lambda: [item_of(one.dynamodb.Keys) for one in decoded],
        "change, reference, partition": lambda: [
            _complete(compiled, *one) for one in zip(built, decoded, records, items, strict=True)
        ],
        "encode the row": lambda: [encode(row) + b"\n" for row in rows],
        "base64 encode": lambda: [b64encode_as_string(line) for line in lines],
    }
    return compare(
        {WHOLE: timed(whole), **{name: timed(nothing_refused(step)) for name, step in steps.items()}}, rounds
    )


def whole_rows(compiled: CompiledType, batch: Batch) -> list[Row]:
    """Return the rows of a batch of well-formed changes of one type, ready to be encoded."""
    rows = []
    for record in (record for event in batch.events for record in event["records"]):
        one = compiled.decode_fast(payload_of(record))
        if one is not None:
            rows.append(compiled.build(one.dynamodb.image, None))
            _complete(compiled, rows[-1], one, record, item_of(one.dynamodb.Keys))
    return rows


def _complete(
    compiled: CompiledType, row: Row, one: TypedChange, record: dict[str, object], item: str | None
) -> object:
    return compiled.enrich(row, one, change.at_micros(one), sequence_of(record), item)


def nothing_refused(step: Callable[[], object]) -> Callable[[], int]:
    def run_step() -> int:
        step()
        return 0

    return run_step


def report(results: Results, records: int, title: str = "Where the function's time goes") -> str:
    """Return the steps, and the remaining time, as a table."""
    micros = {name: results.seconds(name) / records * 1e6 for name in results.rounds}
    whole = micros.pop(WHOLE)
    micros["the rest"] = whole - sum(micros.values())
    rows = [[name, f"{each:.2f}", f"{each / whole:.0%}"] for name, each in {**micros, WHOLE: whole}.items()]
    return table(title, ["", "us a record", "share"], rows)
