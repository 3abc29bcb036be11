"""Compare Avro mode's time per record with the predecessor's Avro steps on Node, as ratios on one batch in one run.

    python -m bench.avro_mode [--corpus FILE] [--figures JSON]

Both decode, validate, enrich, group by type and date, and write a deflated container for each group. The measurement
ends before the put to S3. The predecessor's rows lack `change`, which it did not keep.

The function caches parsed times, dates and numbers, so repeated rounds over one batch hit the cache every time. In a
live batch most times are new, so the function is also measured with its caches emptied before each round.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.batches import COMMITTED_SAMPLE, Batch, lines_of
from bench.figures import Figures, add_figures, figures_argument
from bench.function import ALL_TYPES, Nowhere, forget, function, run, silenced, well_formed
from bench.per_record import FORGETFUL, demand_batch
from bench.predecessor import on_node
from bench.processes import one_core
from bench.rounds import Results, compare, timed
from bench.stages import WHOLE, nothing_refused, report, whole_rows
from bench.tables import table
from glue.model import RecordType
from glue.schema import load
from glue.tables import avro_literal
from transform.avro import MARKER_BYTES, AvroFiles
from transform.avro_mode import AvroMode
from transform.record import CompiledType

FUNCTION, PREDECESSOR = "the function, Avro mode", "predecessor, avsc BlockEncoder"
PLAIN = "the function, Parquet mode"
MARKER = bytes(MARKER_BYTES)


def row_schema(record_type: RecordType) -> dict[str, Any]:
    """Return the schema of the predecessor's rows."""
    schema: dict[str, Any] = json.loads(avro_literal(record_type))
    return schema | {"fields": [field for field in schema["fields"] if field["name"] != "change"]}


def row_schemas() -> dict[str, Any]:
    """Return the schemas of the predecessor's rows by record type."""
    return {name: row_schema(kind) for name, kind in load().items()}


def against_node(batch: Batch, rounds: int) -> tuple[Results, dict[str, str]]:
    """Measure the function of all types in both modes, and the predecessor if it can run here; else say why."""
    contenders = {
        FUNCTION: timed(_whole(batch, "avro")),
        FORGETFUL: timed(_whole(batch, "avro"), lambda: forget("avro")),
        PLAIN: timed(_whole(batch, "parquet")),
    }
    with on_node(PREDECESSOR, batch, row_schemas()) as (node, missing):
        return compare({**contenders, **node}, rounds), missing


def _whole(batch: Batch, mode: str) -> Callable[[], int]:
    handler = function(ALL_TYPES, mode=mode)

    def whole() -> int:
        with silenced():
            run(handler, batch.events)
        return 0

    return whole


def stages(batch: Batch, record_type: str, rounds: int) -> Results:
    """Measure Avro mode's steps after the row is built, for a batch of one type whose rows fill one container."""
    kind = load()[record_type]
    plain, deflated = AvroFiles(kind, "null"), AvroFiles(kind, "deflate")
    rows = whole_rows(CompiledType(kind, AvroMode(Nowhere(), "null")), batch)
    data = [plain.encode(row) for row in rows]
    steps = {
        "Avro data": lambda: list(map(plain.encode, rows)),
        "container": lambda: plain.container(data, MARKER),
        "container, deflated": lambda: deflated.container(data, MARKER),
    }
    return compare(
        {WHOLE: timed(_whole(batch, "avro")), **{n: timed(nothing_refused(s)) for n, s in steps.items()}}, rounds
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.avro_mode")
    parser.add_argument("--corpus", type=Path, default=COMMITTED_SAMPLE, help="a .jsonl or .jsonl.gz of changes")
    figures_argument(parser)
    options = parser.parse_args()
    demands = demand_batch()
    corpus = Batch(f"{options.corpus.name}, well-formed", list(well_formed(lines_of(options.corpus))))
    with one_core():
        for name, batch in (("demands", demands), ("corpus", corpus)):
            results, missing = against_node(batch, 11)
            print(_report(batch, results, missing))
            add_figures(options.figures, figures(batch, results, name))
        print(report(stages(demands, "demand", 11), len(demands.lines), "What Avro mode adds"))


def figures(batch: Batch, results: Results, name: str) -> Figures:
    """Return the figures by the name of the batch."""
    found = {f"us a record, Avro, {name}": results.seconds(FUNCTION) / len(batch.lines) * 1e6}
    if PREDECESSOR in results.rounds:
        found[f"node / function, Avro, {name}"] = results.ratio(PREDECESSOR, to=FUNCTION)
        found[f"node / function, Avro, caches empty, {name}"] = results.ratio(PREDECESSOR, to=FORGETFUL)
    return found


def _report(batch: Batch, results: Results, missing: dict[str, str]) -> str:
    rows = [
        [name, f"{results.seconds(name) / len(batch.lines) * 1e6:.2f}", f"{results.ratio(name, to=FUNCTION):.2f}"]
        for name in results.rounds
    ]
    rows += [[name, why, ""] for name, why in missing.items()]
    what = f"{batch.name}, {len(batch.lines):,} records of {batch.mean_bytes:,} bytes on average"
    return table(what, ["", "us a record", "times the function"], rows)


if __name__ == "__main__":
    main()
