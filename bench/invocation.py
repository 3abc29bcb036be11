"""Measure whole invocations as Lambda's Python runtime makes them: the event's JSON in, the reply's JSON out.

    python -m bench.invocation [--corpus FILE] [--figures JSON]

The runtime, awslambdaric, decodes the event, calls the handler, and encodes its reply, unless the reply is bytes, which
it passes on: so does the function if REPLY is `json`. It uses simplejson, whose C code is that of Python's json, which
stands in for it. Node's runtime does the same with JSON.parse and JSON.stringify around the predecessor.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.avro_mode import row_schemas
from bench.batches import COMMITTED_SAMPLE, Batch, lines_of
from bench.figures import Figures, add_figures, figures_argument
from bench.function import ALL_TYPES, Context, forget, function, silenced, well_formed
from bench.per_record import demand_batch
from bench.predecessor import on_node
from bench.processes import one_core
from bench.rounds import Results, compare, timed
from bench.tables import table
from transform.function import LambdaHandler, as_lambda_calls_it

FUNCTION, RUNTIME = "the function alone", "the runtime's JSON alone"
AS_OBJECT, AS_JSON = "whole invocations", "whole invocations, REPLY=json"
PREDECESSOR = "predecessor's, on Node"
ROW_SCHEMAS = {"parquet": dict, "avro": row_schemas}


def invocations(batch: Batch, mode: str, rounds: int) -> tuple[Results, dict[str, str]]:
    """Measure whole invocations with either form of the reply, their parts, and Node's. Caches are emptied before each.

    Also return why Node cannot run here, if it cannot.
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
    measured = {name: timed(_quietly(run), lambda: forget(mode)) for name, run in contenders.items()}
    with on_node(PREDECESSOR, batch, ROW_SCHEMAS[mode](), bodies) as (node, missing):
        return compare({**measured, **node}, rounds), missing


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


def figures(batch: Batch, results: Results, name: str) -> Figures:
    """Return the figures by the name of the batch, and of the mode if it is not Parquet."""
    each = {run: results.seconds(run) / len(batch.lines) * 1e6 for run in (AS_OBJECT, AS_JSON)}
    found = {f"us a record, whole invocations, {name}": each[AS_OBJECT]}
    found[f"us a record, whole invocations, REPLY=json, {name}"] = each[AS_JSON]
    if PREDECESSOR in results.rounds:
        found[f"node / function, whole invocations, {name}"] = results.ratio(PREDECESSOR, to=AS_OBJECT)
        found[f"node / function, whole invocations, REPLY=json, {name}"] = results.ratio(PREDECESSOR, to=AS_JSON)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.invocation")
    parser.add_argument("--corpus", type=Path, default=COMMITTED_SAMPLE, help="a .jsonl or .jsonl.gz of changes")
    figures_argument(parser)
    options = parser.parse_args()
    corpus = Batch(f"{options.corpus.name}, well-formed", list(well_formed(lines_of(options.corpus))))
    with one_core():
        for name, batch in {"demands": demand_batch(), "corpus": corpus}.items():
            for mode in ROW_SCHEMAS:
                results, missing = invocations(batch, mode, 7)
                print(_report(batch, mode, results, missing))
                short = name if mode == "parquet" else f"Avro, {name}"
                add_figures(options.figures, figures(batch, results, short))


def _report(batch: Batch, mode: str, results: Results, missing: dict[str, str]) -> str:
    rows = [
        [name, f"{results.seconds(name) / len(batch.lines) * 1e6:.2f}", f"{results.ratio(name, to=AS_OBJECT):.2f}"]
        for name in results.rounds
    ]
    rows += [[name, why, ""] for name, why in missing.items()]
    return table(f"{batch.name}, {mode}, caches emptied", ["", "us a record", "times a whole invocation"], rows)


if __name__ == "__main__":
    main()
