"""Run all measurements, one after the other: `make bench`.

    python -m bench [--corpus FILE] [--records N] [--memory]

Each runs in a process of its own and can be run alone: bench.per_record, bench.avro_mode, bench.invocation,
bench.cold_start, bench.backfill, bench.end_to_end. Compare ratios rather than times: in every round all contenders take
turns, on one core except in the backfill. These are measurements, not tests.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--corpus", type=Path, help="a .jsonl or .jsonl.gz of changes; default: the committed sample")
    parser.add_argument(
        "--records", type=int, default=100_000, help="number of sample records end to end, and of items to backfill"
    )
    parser.add_argument(
        "--memory", action="store_true", help="measure the memory of 100,000 and 1,000,000 records, too"
    )
    options = parser.parse_args()
    corpus = ["--corpus", str(options.corpus)] if options.corpus else []
    memory = ["--memory"] if options.memory else []
    _measure("per_record", *corpus)
    _measure("avro_mode", *corpus)
    _measure("invocation", *corpus)
    _measure("cold_start")
    _measure("backfill", "--items", str(options.records))
    _measure("end_to_end", "--records", str(options.records), *corpus, *memory)


def _measure(name: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", f"bench.{name}", *arguments], check=True)


if __name__ == "__main__":
    main()
