"""Measure how commands grow with what they are given: the table of docs/scale.md.

    python -m bench.growth [--scale 0.1] [--only errors] [--through "nice -n 5"]

Each command is a process of its own; its figures are its processor time (user and system) and its peak memory. The
exponent says how the time grew since the size before: 1 is in proportion, and less is better. A command's start, half a
second, makes it small at small sizes. At full size all of it takes an hour.
"""

import argparse
import math
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeAlias

from bench.processes import Finished, finish, make

DMD = Path(sys.executable).parent / "dmd"
LATEST = """
    SELECT (SELECT count(*) FROM latest_demand) + (SELECT count(*) FROM latest_event)
        + (SELECT count(*) FROM latest_notification) + (SELECT count(*) FROM latest_sale)
"""
RECORDS_OF_DATES = 20_000

# The finished processes of one size, by what the table calls them.
Measured: TypeAlias = dict[str, Finished]


class Runner(NamedTuple):
    """Runs commands to their end, each through another one, such as `nice`, if that is given."""

    through: Sequence[str]

    def dmd(self, *arguments: str) -> Finished:
        """Run `dmd`."""
        return finish([*self.through, str(DMD), *arguments])

    def make(self, kind: str, path: Path, *numbers: int) -> None:
        """Make what is measured on."""
        make(kind, path, *numbers, through=self.through)


class Series(NamedTuple):
    """Commands that are measured over several sizes of what `of` names."""

    of: str
    sizes: Sequence[int]
    measure: Callable[[Runner, Path, int], Measured]


def _records(run: Runner, folder: Path, records: int) -> Measured:
    run.make("changes", folder / "changes.jsonl", records)
    lake = str(folder / "lake")
    ran = run.dmd("run", str(folder / "changes.jsonl"), "--lake", lake, "--json")
    (folder / "changes.jsonl").unlink()
    return {"dmd run": ran, "dmd query, all four latest_*": run.dmd("query", LATEST, "--lake", lake)}


def _dates(run: Runner, folder: Path, dates: int) -> Measured:
    run.make("dates", folder / "changes.jsonl", RECORDS_OF_DATES, dates)
    lake = str(folder / "lake")
    return {
        f"dmd run, {RECORDS_OF_DATES:,} records": run.dmd(
            "run", str(folder / "changes.jsonl"), "--lake", lake, "--json"
        )
    }


def _files(run: Runner, folder: Path, files: int) -> Measured:
    run.make("files", folder / "lake", files)
    query = ("query", "--lake", str(folder / "lake"))
    return {
        "dmd query, count(*)": run.dmd(*query, "SELECT count(*) FROM demand"),
        "dmd query, a column": run.dmd(*query, "SELECT count(DISTINCT fanid) FROM demand"),
    }


def _errors(run: Runner, folder: Path, objects: int) -> Measured:
    lake = str(folder / "lake")
    run.make("errors", folder / "lake", objects)
    return {
        "dmd errors": run.dmd("errors", "--lake", lake, "--json"),
        "dmd replay": run.dmd("replay", "--lake", lake, "--json"),
    }


SERIES = {
    "records": Series("records", (10_000, 100_000, 1_000_000), _records),
    "dates": Series("dates", (10, 100, 1_000, 5_000), _dates),
    "files": Series("files of 25 rows", (50, 500, 5_000), _files),
    "errors": Series("error objects", (10, 100, 1_000, 10_000, 100_000), _errors),
}


def rows_of(series: Series, sizes: Sequence[int], measured: Sequence[Measured]) -> Iterator[str]:
    """Yield the series' rows of the table, one a command and size."""
    for name in measured[0]:
        before: tuple[int, Finished] | None = None
        for size, commands in zip(sizes, measured, strict=True):
            run = commands[name]
            growth = f"{exponent(before, (size, run)):.2f}" if before else ""
            yield f"| {name} | {size:,} {series.of} | {run.cpu_seconds:.1f} | {run.peak_bytes / 1e6:,.0f} | {growth} |"
            before = size, run


def exponent(before: tuple[int, Finished], after: tuple[int, Finished]) -> float:
    """Return how the time grew between two sizes: 1 if in proportion, 2 if with the square."""
    return math.log(after[1].cpu_seconds / before[1].cpu_seconds) / math.log(after[0] / before[0])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the sizes: 0.1 for a tenth")
    parser.add_argument("--only", choices=SERIES, action="append", help="only this series; repeatable")
    parser.add_argument("--through", type=shlex.split, default=[], help="a command that runs the measured ones")
    options = parser.parse_args()

    runner = Runner(options.through)
    print("| command | of | CPU seconds | MB | exponent |\n| --- | ---: | ---: | ---: | ---: |")
    for name in options.only or SERIES:
        series, measured = SERIES[name], []
        sizes = list(dict.fromkeys(max(2, round(size * options.scale)) for size in series.sizes))
        for size in sizes:
            with TemporaryDirectory() as folder:
                measured.append(series.measure(runner, Path(folder), size))
            for command, run in measured[-1].items():
                print(f"{command}, {size:,} {series.of}: {run.cpu_seconds:.1f} s", file=sys.stderr, flush=True)
        print("\n".join(rows_of(series, sizes, measured)), flush=True)


if __name__ == "__main__":
    main()
