"""Measure whole invocations as Lambda's Python runtime makes them: the event's JSON in, the reply's JSON out.

    python -m bench.invocation [--corpus FILE]

The runtime, awslambdaric, decodes the event, calls the handler, and encodes its reply, unless the reply is bytes, which
it passes on: so does the function if REPLY is `json`. It uses simplejson, whose C code is that of Python's json, which
stands in for it. The predecessor is not compared here: bench.per_record and bench.avro_mode measure its steps.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.batches import COMMITTED_SAMPLE, Batch, lines_of
from bench.function import ALL_TYPES, Context, forget, function, silenced, well_formed
from bench.per_record import demand_batch
from bench.processes import one_core
from bench.rounds import Results, compare, timed
from bench.tables import table
from transform.function import LambdaHandler, as_lambda_calls_it

FUNCTION, RUNTIME = "the function alone", "the runtime's JSON alone"
AS_OBJECT, AS_JSON = "whole invocations", "whole invocations, REPLY=json"
MODES = ("parquet", "avro")


def invocations(batch: Batch, mode: str, rounds: int) -> Results:
    """Measure whole invocations with either form of the reply, and their parts. Caches are emptied before each.

    Times are of CPU: on one core, with nothing to wait for, they are what Lambda bills.
    """
    handler = function(ALL_TYPES, mode=mode)
    ready = as_lambda_calls_it(handler, {"REPLY": "json"})
    bodies = [json.dumps(event).encode() for event in batch.events]
    with silenced():
        replies = [handler(event, Context()) for event in batch.events]

    def runtime() -> None:
        for body, reply in zip(bodies, replies, strict=True):
            json.loads(body)
            json.dumps(reply).encode()

    def alone() -> None:
        for event in batch.events:
            handler(event, Context())

    contenders: dict[str, Callable[[], None]] = {
        AS_OBJECT: lambda: _invoke(handler, bodies),
        AS_JSON: lambda: _invoke(ready, bodies),
        FUNCTION: alone,
        RUNTIME: runtime,
    }
    measured = {name: timed(_quietly(run), lambda: forget(mode), time.process_time) for name, run in contenders.items()}
    return compare(measured, rounds)


def _invoke(handler: LambdaHandler, bodies: list[bytes]) -> None:
    for body in bodies:
        reply: Any = handler(json.loads(body), Context())
        if not isinstance(reply, bytes):
            json.dumps(reply).encode()


def _quietly(run: Callable[[], None]) -> Callable[[], int]:
    def quiet() -> int:
        with silenced():
            run()
        return 0

    return quiet


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.invocation")
    parser.add_argument("--corpus", type=Path, default=COMMITTED_SAMPLE, help="a .jsonl or .jsonl.gz of changes")
    source = parser.parse_args().corpus
    corpus = Batch(f"{source.name}, well-formed", list(well_formed(lines_of(source))))
    with one_core():
        for batch in (demand_batch(), corpus):
            for mode in MODES:
                print(_report(batch, mode, invocations(batch, mode, 11)))


def _report(batch: Batch, mode: str, results: Results) -> str:
    rows = [
        [name, f"{results.seconds(name) / len(batch.lines) * 1e6:.2f}", f"{results.ratio(name, to=AS_OBJECT):.2f}"]
        for name in results.rounds
    ]
    return table(f"{batch.name}, {mode}, caches emptied", ["", "us a record", "times a whole invocation"], rows)


if __name__ == "__main__":
    main()
