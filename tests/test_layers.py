"""Imports point down, cli -> lake -> pipeline -> local -> glue, and what is meant to be light loads no tool."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.modules import ROOT, modules_after

# The rooms, and all that each may import. `local` serves anybody's streams: of glue it knows only the types of Hive and
# Arrow.
TRANSFORM = {"transform", "glue"}
MAY_IMPORT = {
    "glue": {"glue"},
    "transform": TRANSFORM,
    "firehose.local": {"firehose.local", "glue.hive", "glue.arrow"},
    "firehose.pipeline": {"firehose.pipeline", "firehose.local"} | TRANSFORM,
    "firehose.lake": {"firehose.lake", "firehose.pipeline", "firehose.local"} | TRANSFORM,
    "firehose.cli": {"firehose.cli", "firehose.lake", "firehose.pipeline", "firehose.local"} | TRANSFORM,
    "firehose": {"firehose.local"},  # firehose/testing.py, the public face of firehose/local/testing.py
}
OURS = ("glue", "transform", "firehose")
MODULES = sorted(path.relative_to(ROOT) for top in OURS for path in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_down(path: Path) -> None:
    allowed = MAY_IMPORT[room_of(path)]

    wrong = {name for name in imported(ROOT / path) if not any(f"{name}.".startswith(f"{each}.") for each in allowed)}

    assert wrong == set()


def room_of(path: Path) -> str:
    """The room of a file: firehose/local/sinks.py -> "firehose.local"."""
    return max(
        (room for room in MAY_IMPORT if f"{path.as_posix()[:-3]}/".startswith(f"{room.replace('.', '/')}/")), key=len
    )


def imported(path: Path) -> set[str]:
    """The modules of ours that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide their room"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name for name in found if name.partition(".")[0] in OURS}


def test_no_public_class_name_means_two_things() -> None:
    classes = Counter(
        node.name
        for path in MODULES
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert [name for name, count in classes.items() if count > 1] == []


def test_the_local_firehose_loads_nothing_of_ours_and_no_tool_of_the_command_line() -> None:
    loaded = modules_after("import firehose.testing")

    assert {name.partition(".")[0] for name in loaded} & {"transform", "typer", "rich", "duckdb"} == set()


@pytest.mark.parametrize("code", ["import firehose.testing", "import firehose.cli.app"])
def test_nothing_of_iceberg_is_loaded_before_a_stream_needs_it(code: str) -> None:
    assert {name.partition(".")[0] for name in modules_after(code)} & {"pyiceberg", "sqlalchemy", "pydantic"} == set()


def test_the_function_loads_no_tool_and_nothing_before_it_is_needed() -> None:
    tools = {"typer", "rich", "duckdb", "moto", "pytest", "hypothesis", "pyarrow", "firehose"}
    later = {"boto3", "botocore.client", "fastavro"}  # Powertools imports botocore itself, without its parts

    loaded = modules_after("import transform.handler")

    assert loaded & (tools | later) == set()
    assert {"msgspec", "aws_lambda_powertools"} <= loaded
