"""`dmd` starts light: help loads no command, a command loads what it needs, and help ends in a command to paste."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from firehose.cli.app import COMMANDS, app
from tests.modules import modules_after

pytestmark = pytest.mark.slow

OURS = ("firehose", "glue", "transform")
LIBRARIES = {"aws_lambda_powertools", "boto3", "duckdb", "fastavro", "jq", "msgspec", "pyarrow", "rich"}


def loaded_by(*arguments: str) -> set[str]:
    return modules_after(f"sys.argv = ['dmd', *{arguments}]; from firehose.cli import run_dmd; run_dmd()")


def help_of(command: str) -> list[str]:
    result = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="dmd", catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout.splitlines()


def test_help_loads_no_command_and_no_library_but_typer() -> None:
    loaded = loaded_by("--help")

    assert {name for name in loaded if name.partition(".")[0] in OURS} == {
        "firehose",
        "firehose.cli",
        "firehose.cli.app",
        "firehose.cli.plain_help",
        "firehose.local",
        "firehose.local.os_errors",
        "firehose.local.private_files",
        "firehose.local.user_error",
    }
    assert "typer" in loaded
    assert loaded & LIBRARIES == set()


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (("run", "--help"), {"boto3", "duckdb"}),
        (("sample", "1"), {"boto3", "duckdb", "pyarrow", "rich"}),
        (("errors", "--help"), {"boto3", "duckdb", "pyarrow", "rich"}),
        (("report", "--help"), {"boto3", "duckdb", "pyarrow", "vl_convert"}),
        (("glue", "ddl"), {"boto3", "duckdb", "pyarrow", "rich"}),
    ],
    ids=lambda part: " ".join(sorted(part)) if isinstance(part, set) else part[0],
)
def test_a_command_loads_no_library_that_others_need(arguments: tuple[str, ...], without: set[str]) -> None:
    loaded = loaded_by(*arguments)

    assert f"firehose.cli.{arguments[0]}" in loaded
    assert loaded & without == set()


@pytest.mark.parametrize(("sql", "reads"), [("SELECT 1", False), ("SELECT count(*) FROM demand", True)])
def test_a_query_loads_no_prompt_and_no_reader_of_tables_before_it_names_one(
    tmp_path: Path, sql: str, reads: bool
) -> None:
    (tmp_path / "data-pipeline").mkdir()

    loaded = loaded_by("query", sql, "--lake", str(tmp_path))

    assert "duckdb" in loaded
    assert ("pyarrow" in loaded) is reads
    assert loaded & {"boto3", "prompt_toolkit", "rich"} == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_list_of_commands_shows_the_first_sentence_of_the_help_of_each(command: str) -> None:
    shown = " ".join(" ".join(help_of(command)).split())

    assert f" {COMMANDS[command]} " in shown


@pytest.mark.parametrize(
    "command", ["", *COMMANDS, "firehose run", "glue build", "glue check", "glue ddl"], ids=lambda name: name or "dmd"
)
def test_help_ends_in_a_command_to_paste(command: str) -> None:
    *_, before, last = help_of(command)

    assert before == ""
    assert shlex.split(last)[: 1 + len(command.split())] == ["dmd", *command.split()]


def test_an_unknown_command_is_refused_and_the_nearest_is_named() -> None:
    result = CliRunner().invoke(app, ["quarry"], prog_name="dmd")

    assert result.exit_code == 2
    assert "No such command 'quarry'" in result.stderr
    assert "query" in result.stderr


@pytest.mark.parametrize("command", [*COMMANDS, "firehose run", "glue build", "glue check", "glue ddl"])
def test_no_option_is_described_by_a_type_of_pythons(command: str) -> None:
    options = [line for line in help_of(command) if line.startswith("  --")]

    assert options
    assert [line for line in options if re.search(r"<(str|int|float|path|list)\b|\bTEXT\b", line)] == []


@pytest.mark.parametrize(("arguments", "code"), [("'--help'", 0), ("'query', 'SELECT 1'", 2)])
def test_a_process_ends_after_its_last_handler_before_a_thread_can_abort_it(arguments: str, code: int) -> None:
    program = (
        "import sys, atexit; import firehose.cli as cli; sys.argv = ['dmd', *ARGUMENTS]\n"
        "class Kept:\n    def __del__(self): print('Python took itself down')\n"
        "sys.kept = Kept()\n"
        "run_dmd = cli.run_dmd\n"
        "cli.run_dmd = lambda: (atexit.register(print, 'the last handler'), run_dmd())\n"
        "cli.main()"
    ).replace("ARGUMENTS", f"[{arguments}]")

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert "the last handler\n" in done.stdout
    assert "took itself down" not in done.stdout
