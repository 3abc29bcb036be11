"""Measure `dmd query` over many small Parquet files, each query in a process of its own.

python -m bench.queries [--files 5000] [--rounds 3] [--figures JSON]
"""

import argparse
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.figures import add_figures, figures_argument
from bench.processes import Finished, finish, make
from bench.tables import table

DMD = Path(sys.executable).parent / "dmd"
QUERIES = {"count(*)": "SELECT count(*) FROM demand", "a column": "SELECT count(DISTINCT fanid) FROM demand"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.queries")
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    figures_argument(parser)
    options = parser.parse_args()
    with TemporaryDirectory() as lake:
        make("files", Path(lake), options.files)
        rounds = [{name: query(lake, sql) for name, sql in QUERIES.items()} for _ in range(options.rounds)]
    rows = []
    for query_name in QUERIES:
        seconds = median(one[query_name].cpu_seconds for one in rounds)
        megabytes = max(one[query_name].peak_bytes for one in rounds) / 1e6
        rows.append([query_name, f"{seconds:.2f}", f"{megabytes:,.0f}"])
        name = f"{query_name} over {options.files:,} files"
        add_figures(options.figures, {f"{name}, CPU seconds": seconds, f"{name}, MB": megabytes})
    print(table(f"dmd query over {options.files:,} files of 25 rows", ["", "CPU, s", "MB"], rows))


def query(lake: str, sql: str) -> Finished:
    """Return the finished process of one query."""
    return finish([str(DMD), "query", sql, "--lake", lake])


if __name__ == "__main__":
    main()
