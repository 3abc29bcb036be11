"""Compare the function's time per record with the floor, the idiom and the predecessor, as ratios on one batch.

    python -m bench.per_record [--corpus FILE] [--figures JSON]

The function's time includes everything: UTF-8 check, strict tags, validation, outcomes, error documents (to a store
that keeps nothing), metrics, change and reference, reply. The baselines do less: see bench/baselines.py and
bench/predecessor.mjs.
"""

import argparse
from itertools import chain, count, islice
from pathlib import Path
from typing import NamedTuple

from bench import stages
from bench.baselines import floor, idiom, pybase64_floor
from bench.batches import COMMITTED_SAMPLE, Batch, lines_of
from bench.figures import Figures, add_figures, figures_argument
from bench.function import ALL_TYPES, forget, function, run, silenced, well_formed
from bench.predecessor import on_node
from bench.processes import one_core
from bench.rounds import Contender, Results, compare, timed
from bench.tables import table
from firehose.pipeline.sample.records import changes

FUNCTION, FLOOR, IDIOM, PREDECESSOR = "the function", "(a) floor", "(b) idiom", "(c) predecessor, on Node"
FORGETFUL, FAST_FLOOR = "the same, its caches empty", "(a) with pybase64"


class Comparison(NamedTuple):
    """The results on one batch; `missing` says why a contender could not run."""

    batch: Batch
    results: Results
    missing: dict[str, str]


def demand_batch(records: int = 1_000) -> Batch:
    """Return 1,000 sample changes of demands, of about 1.3 KB each."""
    sample = chain.from_iterable(changes(10_000, seed) for seed in count(1))
    demands = (line for line in sample if b'"type":{"S":"demand"}' in line)
    return Batch(f"{records:,} demand changes", list(islice(well_formed(demands, "demand"), records)))


def corpus_batch(source: Path) -> Batch:
    """Return all changes of a file: all four types, invalid ones included."""
    return Batch(source.name, lines_of(source))


def served(batch: Batch, record_types: str, rounds: int) -> Comparison:
    """Measure the function that serves these types against all three baselines."""
    contenders = {FLOOR: timed(lambda: floor(batch.encoded)), **_function(batch, record_types)}
    contenders[FAST_FLOOR] = timed(lambda: pybase64_floor(batch.encoded))
    run_idiom = idiom()
    contenders[IDIOM] = timed(lambda: run_idiom(batch.encoded))
    with on_node(PREDECESSOR, batch) as (node, missing):
        return Comparison(batch, compare({**contenders, **node}, rounds), missing)


def against_floor(batch: Batch, record_type: str, rounds: int) -> Comparison:
    """Measure the function of one type against the floor alone. It drops changes of other types."""
    contenders = {FLOOR: timed(lambda: floor(batch.encoded)), **_function(batch, record_type, claims=False)}
    return Comparison(batch, compare(contenders, rounds), {})


def by_type(corpus: Batch, rounds: int) -> list[Comparison]:
    """Measure the function of each type on the well-formed changes of that type."""
    batches = {name: Batch(name, list(well_formed(corpus.lines, name))) for name in ALL_TYPES.split(",")}
    return [against_floor(batch, name, rounds) for name, batch in batches.items()]


def _function(batch: Batch, record_types: str, *, claims: bool = True) -> dict[str, Contender]:
    """Return the function as two contenders: with warm caches, and with its caches emptied before each round."""
    handler = function(record_types, claims=claims)
    events = batch.events

    def silent() -> int:
        with silenced():
            return run(handler, events)

    return {FUNCTION: timed(silent), FORGETFUL: timed(silent, lambda: forget("parquet"))}


def figures(comparison: Comparison, name: str) -> Figures:
    """Return a comparison's figures by the name of its batch: {"function / floor, demands": 1.19, ...}."""
    batch, results, missing = comparison
    found = {
        f"us a record, {name}": results.seconds(FUNCTION) / len(batch.lines) * 1e6,
        f"function / floor, {name}": results.ratio(FUNCTION, to=FLOOR),
        f"function, caches empty / floor, {name}": results.ratio(FORGETFUL, to=FLOOR),
        f"function / floor with pybase64, {name}": results.ratio(FUNCTION, to=FAST_FLOOR),
        f"idiom / function, {name}": results.ratio(IDIOM, to=FUNCTION),
    }
    if not missing:
        found[f"node / function, {name}"] = results.ratio(PREDECESSOR, to=FUNCTION)
    return found


def report(comparison: Comparison, title: str) -> str:
    """Return a comparison as a table; `refused` counts records that a contender found invalid or does not serve."""
    batch, results, missing = comparison
    rows = [
        [
            name,
            f"{results.seconds(name) / len(batch.lines) * 1e6:.2f}",
            f"{results.ratio(name, to=FLOOR):.2f}",
            f"{results.ratio(name, to=FUNCTION):.2f}",
            str(results.refused(name)),
        ]
        for name in results.rounds
    ]
    rows += [[name, why, "", "", ""] for name, why in missing.items()]
    what = f"{title}: {batch.name}, {len(batch.lines):,} records of {batch.mean_bytes:,} bytes on average"
    names = ["", "us a record", "times the floor", "times the function", "refused"]
    return table(what, names, rows)


def report_types(comparisons: list[Comparison], corpus: str) -> str:
    """Return the comparisons of single types as one table."""
    rows = [
        [
            batch.name,
            f"{len(batch.lines):,}",
            f"{batch.mean_bytes:,}",
            *(f"{results.seconds(name) / len(batch.lines) * 1e6:.2f}" for name in (FLOOR, FUNCTION)),
            f"{results.ratio(FUNCTION, to=FLOOR):.2f}",
        ]
        for batch, results, _ in comparisons
    ]
    names = ["", "records", "bytes", "us, floor", "us, function", "times the floor"]
    return table(f"The function of each type: {corpus}, well-formed", names, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.per_record")
    parser.add_argument("--corpus", type=Path, default=COMMITTED_SAMPLE, help="a .jsonl or .jsonl.gz of changes")
    figures_argument(parser)
    options = parser.parse_args()
    demands, corpus = demand_batch(), corpus_batch(options.corpus)
    with one_core():
        one_type = served(demands, "demand", 15)
        print(report(one_type, "The function of one type"))
        print(stages.report(stages.stages(demands, "demand", 15), len(demands.lines)))
        all_types = served(corpus, ALL_TYPES, 7)
        print(report(all_types, "The function of all types"))
        print(report_types(by_type(corpus, 7), corpus.name))
        others = against_floor(demands, "sale", 15)
        print(report(others, "Foreign records, to the function of sales"))
    ratio = others.results.ratio(FUNCTION, to=FLOOR)
    found = figures(one_type, "demands") | figures(all_types, "corpus") | {"foreign record / floor": ratio}
    add_figures(options.figures, found)


if __name__ == "__main__":
    main()
