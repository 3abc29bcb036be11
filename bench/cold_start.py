"""Compare the import time of the handler in fresh processes with that of the libraries that it needs.

python -m bench.cold_start
"""

import argparse
import json
import os
import sys
from typing import NamedTuple

from bench.figures import add_figures, figures_argument
from bench.function import environment
from bench.processes import finish, one_core
from bench.rounds import Contender, Results, Round, compare
from bench.tables import table

INTERPRETER, LIBRARIES, HANDLER = "python alone", "msgspec, Logger, Metrics", "transform.handler"
NOT_YET_NEEDED = {"boto3", "fastavro", "pyarrow"}

_IMPORTS = {
    INTERPRETER: "pass",
    LIBRARIES: "import msgspec; from aws_lambda_powertools import Logger, Metrics",
    HANDLER: "import transform.handler",
}
# Timed inside the process too, to leave out the interpreter's own start.
_SCRIPT = """
import json, sys, time
start = time.perf_counter()
{imports}
seconds = time.perf_counter() - start
print(json.dumps([seconds, sorted(sys.modules)]))
"""


class ColdStart(NamedTuple):
    """The times of whole processes and of their imports alone, and the modules that were loaded too early."""

    processes: Results
    imports: Results
    too_early: set[str]


def cold_start(rounds: int = 15) -> ColdStart:
    """Start the three kinds of process in turn, `rounds` times."""
    imports: dict[str, list[Round]] = {name: [] for name in _IMPORTS}
    modules: dict[str, set[str]] = {}

    def contender(name: str) -> Contender:
        def start() -> Round:
            process = finish([sys.executable, "-c", _SCRIPT.format(imports=_IMPORTS[name])], environment=_environment())
            seconds, loaded = json.loads(process.stdout)
            imports[name].append(Round(seconds, 0))
            modules[name] = set(loaded)
            return Round(process.wall_seconds, 0)

        return start

    processes = compare({name: contender(name) for name in _IMPORTS}, rounds)
    counted = Results({name: each[1:] for name, each in imports.items()})
    return ColdStart(processes, counted, NOT_YET_NEEDED & modules[HANDLER])


def _environment() -> dict[str, str]:
    return {**os.environ, **environment("demand"), "AWS_DEFAULT_REGION": "us-east-1"}


def report(measured: ColdStart) -> str:
    """Return both kinds of times as one table."""
    rows = [
        [
            name,
            f"{measured.imports.seconds(name) * 1000:.1f}",
            f"{measured.imports.ratio(name, to=LIBRARIES):.2f}",
            f"{measured.processes.seconds(name) * 1000:.1f}",
            f"{measured.processes.ratio(name, to=LIBRARIES):.2f}",
        ]
        for name in measured.imports.rounds
    ]
    names = ["", "import, ms", "times the libraries", "whole process, ms", "times the libraries"]
    loaded = ", ".join(sorted(measured.too_early)) or "none"
    return (
        f"{table('Cold start', names, rows)}\n"
        f"loaded before they are needed, of {', '.join(sorted(NOT_YET_NEEDED))}: {loaded}; reach: none"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start")
    figures_argument(parser)
    options = parser.parse_args()
    with one_core():
        measured = cold_start()
    print(report(measured))
    ratio = measured.imports.ratio(HANDLER, to=LIBRARIES)
    milliseconds = measured.imports.seconds(HANDLER) * 1000
    add_figures(options.figures, {"cold start / its libraries": ratio, "cold start, ms": milliseconds})


if __name__ == "__main__":
    main()
