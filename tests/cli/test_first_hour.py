"""docs/local-firehose.md and its example: the page's commands run as they stand, in the order of the page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from firehose.pipeline.up.terraform import provider_mirror, surroundings
from firehose.testing import TestedEndpoint
from tests.terraform import PROJECT, missing, needs_terraform

pytestmark = [pytest.mark.slow, pytest.mark.long]

PAGE = (PROJECT / "docs" / "local-firehose.md").read_text()
EXAMPLE = PROJECT / "docs" / "examples" / "web-orders"


def commands(section: str) -> list[str]:
    """The commands of a section: its lines that are indented by four spaces."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    assert found, section
    return found


def block(section: str) -> str:
    """The output that a section shows."""
    return PAGE.partition(f"\n## {section}\n")[2].partition("```\n")[2].partition("```")[0]


class Shell:
    """A user's shell in a copy of the example."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._folder = folder
        self._variables = variables

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self._folder,
            env=self._variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def all(self, section: str) -> str:
        return "".join(map(self.run, commands(section)))


@pytest.fixture
def shell(tmp_path: Path, firehose_endpoint: TestedEndpoint) -> Shell:
    folder = tmp_path / "web-orders"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return Shell(folder, {**os.environ, **surroundings(firehose_endpoint.environment), "PATH": path})


def test_the_page_leads_from_boto3_to_the_answer_that_it_shows(shell: Shell) -> None:
    shell.all("Make the stream with boto3")

    assert shell.all("Query the Parquet") == block("Query the Parquet")


def test_a_fault_holds_and_is_counted(shell: Shell) -> None:
    shell.all("Make the stream with boto3")

    counts = shell.all("Faults")

    assert '"fault": "s3-denied"' in counts
    assert '"delivered": 100' in counts


def test_the_same_with_terraform_gives_the_same_answer(shell: Shell) -> None:
    terraform, mirror = needs_terraform(), provider_mirror()
    plugins = f" -plugin-dir={mirror}" if mirror else ""
    shell.run("python make_stream.py")  # which the page's reset forgets
    for command in commands("The same with Terraform"):
        run = command.replace("terraform init", f"terraform init{plugins}").replace("terraform ", f"{terraform} ")
        try:
            shell.run(run)
        except AssertionError:
            if "init" in command and mirror is None:
                missing("terraform's AWS provider is neither on this machine (DMD_TERRAFORM_PLUGINS) nor to be had")
            raise

    assert shell.all("Query the Parquet") == block("Query the Parquet")
    shell.run(f"{terraform} plan -detailed-exitcode")


def test_the_examples_own_tests_pass(shell: Shell) -> None:
    shell.run("python -m pytest -q -p no:cacheprovider")


def test_without_a_server_the_same_files_fill_a_folder(shell: Shell) -> None:
    shell.run("""python -c 'import json, put_orders; print(json.dumps(put_orders.order(7)))' > orders.jsonl""")

    printed = shell.all("What differs from AWS, and how sure we are")

    assert "delivered to bucket/orders/day=2026-01-02/shop=oslo/web-orders-1-" in printed
    assert "39.60" in printed


def test_every_file_of_the_example_is_linked_from_the_page() -> None:
    files = {path.name for path in EXAMPLE.iterdir() if path.is_file()}

    assert {name for name in files if f"](examples/web-orders/{name})" not in PAGE} == set()
