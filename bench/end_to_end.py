"""Compare `dmd run` as a whole process with DuckDB, which writes the same columns unchecked; measure its memory.

    python -m bench.end_to_end --records 100000 [--corpus FILE] [--rounds 3] [--memory] [--figures JSON]

Times are of the processor: on one core that nobody else uses, they are the wall times. Run this in a process of its
own: the peak memory of a child process starts at its parent's (see bench/processes.py).
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench import duckdb_baseline
from bench.batches import lines_of
from bench.figures import Figures, add_figures, figures_argument
from bench.function import well_formed
from bench.processes import Finished, finish, one_core
from bench.rounds import Results, Round, compare
from bench.tables import table
from firehose.pipeline.sample.records import changes

DUCKDB, DMD = "DuckDB, no validation", "dmd run"
_DMD_PROGRAM = Path(sys.executable).parent / "dmd"
_RUN_DUCKDB = "import sys, duckdb; duckdb.execute(sys.stdin.read())"


class EndToEnd(NamedTuple):
    """The processor times of both contenders by round, and their peak memory."""

    records: int
    megabytes: float
    times: Results
    peak_bytes: dict[str, int]


def against_duckdb(lines: Iterable[bytes], rounds: int) -> EndToEnd:
    """Run both on one file with the well-formed of these changes, each run into a new folder."""
    peak_bytes = {DUCKDB: 0, DMD: 0}
    with TemporaryDirectory() as folder:
        source = Path(folder, "changes.jsonl")
        records = _write(source, well_formed(lines))

        def duckdb() -> Round:
            with TemporaryDirectory(dir=folder) as lake:
                script = duckdb_baseline.script(source, Path(lake)).encode()
                return measured(DUCKDB, finish([sys.executable, "-c", _RUN_DUCKDB], stdin=script))

        def dmd() -> Round:
            process = _run(source)
            rows = sum(one["rows"] for one in json.loads(process.stdout)["delivered"])
            if rows != records:
                raise SystemExit(f"dmd run delivered {rows:,} of {records:,} well-formed changes: nothing to compare")
            return measured(DMD, process)

        def measured(name: str, process: Finished) -> Round:
            peak_bytes[name] = max(peak_bytes[name], process.peak_bytes)
            return Round(process.cpu_seconds, 0)

        times = compare({DUCKDB: duckdb, DMD: dmd}, rounds)
        return EndToEnd(records, source.stat().st_size / 1e6, times, peak_bytes)


def peak_memory(records: int) -> Finished:
    """Return the peak memory of `dmd run` on so many sample changes, broken ones included."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "changes.jsonl")
        _write(source, changes(records, seed=1))
        return _run(source)


def report(measured: EndToEnd, source: str) -> str:
    """Return the processor times and memory peaks as a table."""
    rows = [
        [
            name,
            f"{measured.times.seconds(name):.2f}",
            f"{measured.times.ratio(name, to=DUCKDB):.2f}",
            f"{measured.records / measured.times.seconds(name):,.0f}",
            f"{measured.peak_bytes[name] / 1e6:,.0f}",
        ]
        for name in measured.times.rounds
    ]
    title = f"End to end, one core: {source}, {measured.records:,} well-formed changes, {measured.megabytes:,.0f} MB"
    names = ["", "CPU, s", "times DuckDB", "records a second", "peak memory, MB"]
    return table(title, names, rows)


def figures(measured: EndToEnd) -> Figures:
    """Return the ratio of both, and what a record takes of each."""
    each = {name: measured.times.seconds(name) / measured.records * 1e6 for name in measured.times.rounds}
    return {
        "dmd run / DuckDB, CPU": measured.times.ratio(DMD, to=DUCKDB),
        "us a record, dmd run": each[DMD],
        "us a record, DuckDB": each[DUCKDB],
        "dmd run, MB": measured.peak_bytes[DMD] / 1e6,
    }


def report_memory(few: int, many: int) -> str:
    """Return the memory peaks of the two runs as a table."""
    peaks = {records: peak_memory(records).peak_bytes for records in (few, many)}
    rows = [[f"{records:,}", f"{peak / 1e6:,.0f}", f"{peak / peaks[few]:.2f}"] for records, peak in peaks.items()]
    names = ["sample records", "peak memory, MB", f"times that of {few:,}"]
    return f"{table('Memory of dmd run', names, rows)}\nreach: at most 1.3 times, and under 500 MB"


def _run(source: Path) -> Finished:
    with TemporaryDirectory(dir=source.parent) as lake:
        return finish([str(_DMD_PROGRAM), "run", str(source), "--lake", lake, "--json"])


def _write(target: Path, lines: Iterable[bytes]) -> int:
    count = 0
    with target.open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
            count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.end_to_end")
    parser.add_argument("--records", type=int, default=100_000, help="number of sample records")
    parser.add_argument("--corpus", type=Path, help="also measure a .jsonl or .jsonl.gz of changes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--memory", action="store_true", help="measure the memory of 100,000 and 1,000,000 records, too"
    )
    figures_argument(parser)
    options = parser.parse_args()
    with one_core():
        sample = against_duckdb(changes(options.records, seed=1), options.rounds)
        print(report(sample, "the sample"))
        add_figures(options.figures, figures(sample))
        if options.corpus:
            print(report(against_duckdb(lines_of(options.corpus), options.rounds), options.corpus.name))
        if options.memory:
            print(report_memory(100_000, 1_000_000))


if __name__ == "__main__":
    main()
