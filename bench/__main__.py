"""Run all measurements, one after the other: `make bench`.

    python -m bench [--corpus FILE] [--records N] [--memory] [--figures JSON] [--python PYTHON]

Each runs in a process of its own and can be run alone: bench.per_record, bench.avro_mode, bench.invocation,
bench.cold_start, bench.backfill, bench.end_to_end, bench.queries. Compare ratios rather than times: in every round all
contenders take turns, on one core except in the backfill, and a figure is the median of the rounds. The function is
measured on the system's Python, too, if that is another than ours (bench/pythons.py). In the end stand the marks of
bench/reach.py; build/bench.json has the figures, of which bench.history makes a release's line. These are measurements,
not tests.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figures, read_figures
from bench.pythons import PROJECT, environment_of, system_python, version_of
from bench.reach import OPTIMISED, OWN, report

FIGURES = PROJECT / "build" / "bench.json"


def main() -> None:
    options = _options()
    corpus = ["--corpus", str(options.corpus)] if options.corpus else []
    memory = ["--memory"] if options.memory else []
    records = str(options.records)
    function = {"per_record": corpus, "avro_mode": corpus, "invocation": corpus, "cold_start": []}
    rest = {
        "backfill": ["--items", records],
        "end_to_end": ["--records", records, *corpus, *memory],
        "queries": [],
    }
    began = time.monotonic()
    figures = {OWN: _measure(sys.executable, function | rest, options.figures)}
    pythons = {OWN: version_of(sys.executable)}
    if options.python:
        print(f"\n\nThe function on {options.python}, {version_of(options.python)}")
        figures[OPTIMISED] = _measure(options.python, function, options.figures)
        pythons[OPTIMISED] = version_of(options.python)
    options.figures.write_text(json.dumps({"pythons": pythons, "figures": figures}, indent=1) + "\n")
    print(report(figures))
    print(f"{time.monotonic() - began:.0f} s; the figures are in {options.figures}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--corpus", type=Path, help="a .jsonl or .jsonl.gz of changes; default: the committed sample")
    parser.add_argument(
        "--records", type=int, default=100_000, help="number of sample records end to end, and of items to backfill"
    )
    parser.add_argument(
        "--memory", action="store_true", help="measure the memory of 100,000 and 1,000,000 records, too"
    )
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where the JSON of the figures goes")
    parser.add_argument("--python", default=system_python(), help="another Python, built with its profile; empty: none")
    return parser.parse_args()


def _measure(python: str, measurements: dict[str, list[str]], figures: Path) -> Figures:
    figures.parent.mkdir(parents=True, exist_ok=True)
    figures.unlink(missing_ok=True)
    for name, arguments in measurements.items():
        command = [python, "-m", f"bench.{name}", *arguments, "--figures", str(figures)]
        subprocess.run(command, check=True, cwd=PROJECT, env=environment_of(python))
    return read_figures(figures)


if __name__ == "__main__":
    main()
