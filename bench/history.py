"""Add a release's line to bench/history.md, from the figures of the last `make bench`.

    python -m bench.history 1.2.0 [--figures build/bench.json]

A line of the same release is replaced. The line says which commit and which Pythons were measured.
"""

import argparse
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.__main__ import FIGURES
from bench.pythons import PROJECT
from bench.reach import OPTIMISED, OWN

HISTORY = Path(__file__).parent / "history.md"

# The columns: their names, and the figures whose values stand in them.
COLUMNS = {
    "us a demand": "us a record, demands",
    "us a demand, invoked": "us a record, whole invocations, demands",
    "function / floor": "function / floor, demands",
    "the same, corpus": "function / floor, corpus",
    "Node / function": "node / function, demands",
    "the same, invoked": "node / function, whole invocations, demands",
    "Node / Avro mode": "node / function, Avro, demands",
    "idiom / function": "idiom / function, demands",
    "cold start / libraries": "cold start / its libraries",
    "dmd run / DuckDB": "dmd run / DuckDB, CPU",
    "count(*), s": "count(*) over 5,000 files, CPU seconds",
}


def line_of(release: str, commit: str, day: str, measured: dict[str, Any]) -> str:
    """Return a release's line: each figure on our Python, and behind a slash on the optimised one, if it was measured.

    | 1.2.0 | 2026-12-01 | 553e303 | 3.11.7 / 3.11.2 | 12.4 / 11.1 | ... |
    """
    pythons = [python for python in (OWN, OPTIMISED) if python in measured["figures"]]
    cells = [" / ".join(measured["pythons"][python] for python in pythons)]
    for figure in COLUMNS.values():
        values = [measured["figures"][python].get(figure) for python in pythons]
        cells.append(" / ".join(f"{value:.2f}" for value in values if value is not None))
    return f"| {' | '.join([release, day, commit, *cells])} |"


def with_line(history: str, release: str, line: str) -> str:
    """Return the text of the history with the line of a release: in the place of an older one, else at the end."""
    lines = history.splitlines()
    places = [place for place, each in enumerate(lines) if each.startswith(f"| {release} |")]
    if places:
        lines[places[0]] = line
    else:
        lines.append(line)
    return "\n".join(lines) + "\n"


def heading() -> str:
    """Return the names of the columns, and the line below them."""
    names = ["release", "day", "commit", "Python / optimised", *COLUMNS]
    return f"| {' | '.join(names)} |\n|{' --- |' * 4}{' ---: |' * len(COLUMNS)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.history")
    parser.add_argument("release")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="the JSON of a run of the bench")
    options = parser.parse_args()
    measured = json.loads(options.figures.read_text())
    git = ["git", "-C", str(PROJECT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
    line = line_of(options.release, commit, str(datetime.now(UTC).date()), measured)
    HISTORY.write_text(with_line(HISTORY.read_text(), options.release, line))
    print(line)


if __name__ == "__main__":
    main()
