"""Measure the backfill of a local full export into a lake: the rate of two processes as a ratio to that of one.

    python -m bench.backfill [--items N] [--rounds R]

The export is made once, under .local/bench/. The times are those of whole commands, startup included, in turns.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.figures import add_figures, figures_argument
from bench.processes import finish
from bench.tables import table
from firehose.pipeline.sample.export import write_export

EXPORTS = Path(__file__).parent.parent / ".local" / "bench"
FILES = 16
PROCESSES = (1, 2)
DMD = Path(sys.executable).parent / "dmd"


def export_of(items: int) -> Path:
    """Return the folder of an export with so many sample items; make it if it is missing."""
    folder = EXPORTS / f"{items}"
    if not any(folder.glob("AWSDynamoDB/*/manifest-summary.json")):
        shutil.rmtree(folder, ignore_errors=True)
        write_export(folder, items, seed=1, files=FILES)
    return folder


def items_per_second(export: Path, items: int, processes: int) -> float:
    """Return the rate of one backfill into a new lake."""
    with TemporaryDirectory(dir=EXPORTS) as scratch:
        command = [str(DMD), "backfill", "--export", str(export), "--json"]
        command += ["--lake", f"{scratch}/lake", "--state", f"{scratch}/state", "--processes", str(processes)]
        done = finish(command)
    assert sum(json.loads(done.stdout)["delivered"].values()) == items, "an item was not delivered"  # noqa: S101
    return items / done.wall_seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.backfill")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    figures_argument(parser)
    options = parser.parse_args()
    export = export_of(options.items)
    rounds = [
        {number: items_per_second(export, options.items, number) for number in PROCESSES} for _ in range(options.rounds)
    ]
    rates = [[f"{number}", f"{median(one[number] for one in rounds):,.0f}"] for number in PROCESSES]
    print(table(f"Backfill of {options.items:,} items", ["processes", "items a second"], rates))
    ratio = median(one[2] / one[1] for one in rounds)
    print(f"two at {ratio:.2f} times the rate of one")
    add_figures(options.figures, {"two processes / one, items a second": ratio})


if __name__ == "__main__":
    main()
