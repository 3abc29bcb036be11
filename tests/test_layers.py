"""Imports point down, glue <- transform <- firehose, and the function loads no tool."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.given import environment

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {"glue": {"glue"}, "transform": {"glue", "transform"}, "firehose": {"glue", "transform", "firehose"}}
MODULES = sorted(path for layer in MAY_IMPORT for path in (ROOT / layer).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]

    assert imported(path) & set(MAY_IMPORT) <= MAY_IMPORT[layer]


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide their layer"
            found.add(str(node.module).partition(".")[0])
    return found


def test_the_function_loads_no_tool_and_nothing_before_it_is_needed() -> None:
    tools = {"typer", "rich", "duckdb", "moto", "pytest", "hypothesis", "pyarrow", "firehose"}
    later = {"boto3", "botocore.client", "fastavro"}  # Powertools imports botocore itself, without its parts

    loaded = modules_after("import transform.handler")

    assert loaded & (tools | later) == set()
    assert {"msgspec", "aws_lambda_powertools"} <= loaded


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement, with a function's environment."""
    code = f"import sys; {statement}; print(*sys.modules)"
    variables = os.environ | environment("demand", claims=True)
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=variables, cwd=ROOT
    )
    return set(printed.stdout.split())
