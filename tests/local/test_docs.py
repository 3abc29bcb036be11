"""docs/firehose.md says what there is: each specification that it names, each switch, each fault, each option."""

import re
from pathlib import Path

import pytest
import typer

from firehose.cli.app import app
from firehose.local.behaviour import SWITCHES
from firehose.local.faults import Fault

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "firehose.md").read_text()
SOURCES = {path: path.read_text() for path in TESTS.rglob("test_*.py")}
NAMED = sorted(set(re.findall(r"`(test_\w+)(?:\[([^`]+)\])?`", PAGE)))


@pytest.mark.parametrize(("name", "case"), NAMED, ids=lambda part: part)
def test_every_specification_that_the_page_names_is_there(name: str, case: str) -> None:
    holding = [source for source in SOURCES.values() if re.search(rf"^def {name}\(", source, re.MULTILINE)]

    assert holding
    assert all(case in source for source in holding)


def test_every_behaviour_has_a_specification_and_a_source() -> None:
    tables = PAGE[PAGE.index("## Behaviours") : PAGE.index("## Other projects' test suites")]
    rows = [row.split(" | ") for row in tables.splitlines() if row.startswith("| ")]

    named = [row for row in rows if len(row) == 4 and row[0] not in ("| behaviour", "| ---")]
    assert len(named) > 150
    assert [row[0] for row in named if "`test_" not in row[2] and row[2] != "none"] == []
    assert [row[0] for row in named if not row[1].strip()] == []


def test_every_switch_is_there_with_its_values_the_default_first() -> None:
    for name, default in SWITCHES.items():
        values = [default, *(value for value in type(default) if value != default)]
        assert f"| `{name}` | {', '.join(f'`{value}`' for value in values)} |" in PAGE


def test_every_fault_and_every_option_is_there() -> None:
    command = typer.main.get_command(app).commands["firehose"].commands["run"]  # type: ignore[attr-defined]
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]

    assert [each for each in [*Fault, *options] if f"`{each}" not in PAGE] == []
