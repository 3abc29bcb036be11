"""The bench's figures: beside their marks, and as a release's line of bench/history.md."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.figures import add_figures, read_figures
from bench.growth import exponent
from bench.history import COLUMNS, HISTORY, heading, line_of, with_line
from bench.processes import Finished
from bench.pythons import environment_of, system_python
from bench.reach import MARKS, OPTIMISED, OWN, report

MEASURED = {
    "pythons": {OWN: "3.11.7", OPTIMISED: "3.11.2"},
    "figures": {OWN: dict.fromkeys(COLUMNS.values(), 1.5), OPTIMISED: {"function / floor, demands": 1.6}},
}


@pytest.mark.parametrize(
    ("figure", "value", "shown"),
    [
        ("function / floor, demands", 1.204, "1.20 "),
        ("function / floor, demands", 1.21, "1.21!"),
        ("idiom / function, demands", 6.9, "6.90!"),
        ("idiom / function, demands", 7.2, "7.20 "),
    ],
)
def test_a_figure_that_misses_its_mark_has_an_exclamation_mark(figure: str, value: float, shown: str) -> None:
    (line,) = [line for line in report({OWN: {figure: value}}).splitlines() if line.startswith(figure)]

    assert shown in line + " "


def test_an_optimised_python_has_marks_of_its_own() -> None:
    text = report({OPTIMISED: {"function / floor, demands": 1.45, "function / floor, corpus": 1.75}})

    assert "1.45!" not in text
    assert "1.75!" in text


def test_figures_are_added_to_those_of_other_measurements(tmp_path: Path) -> None:
    add_figures(tmp_path / "build" / "bench.json", {"a": 1.23456, "b": 2})
    add_figures(tmp_path / "build" / "bench.json", {"b": 3})

    assert read_figures(tmp_path / "build" / "bench.json") == {"a": 1.235, "b": 3.0}


def test_a_releases_line_has_the_columns_of_the_history_and_replaces_an_older_one() -> None:
    line = line_of("1.2.0", "abc1234", "2026-12-01", MEASURED)
    history = with_line(with_line(heading() + "\n| 1.1.0 | x |\n", "1.2.0", "| 1.2.0 | old |"), "1.2.0", line)

    assert history.splitlines()[2:] == ["| 1.1.0 | x |", line]
    assert line.count("|") == heading().splitlines()[0].count("|")
    assert line.startswith("| 1.2.0 | 2026-12-01 | abc1234 | 3.11.7 / 3.11.2 | 1.50 |")
    assert heading() in HISTORY.read_text()


def test_every_column_of_the_history_that_is_a_ratio_has_a_mark_or_is_a_time() -> None:
    assert {figure for figure in COLUMNS.values() if not figure.startswith("us ")} <= {mark.figure for mark in MARKS}


def test_time_that_grows_with_the_square_has_the_exponent_2() -> None:
    few, many = Finished(0, 1.0, 0, b""), Finished(0, 100.0, 0, b"")

    assert exponent((10, few), (100, many)) == pytest.approx(2)


@pytest.mark.skipif(system_python() is None, reason="the system's Python is ours, or of another version")
def test_the_systems_python_imports_the_function() -> None:
    python = system_python()
    assert python
    assert os.path.realpath(python) != os.path.realpath(sys.executable)

    subprocess.run([python, "-c", "import bench.function, orjson, fastavro"], check=True, env=environment_of(python))
