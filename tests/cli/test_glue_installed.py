"""`dmd glue` of an installed package: it writes nothing among installed packages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
DMD = "import glue; print(glue.__file__); from firehose.cli import main; main()"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as they lie in site-packages, with one generated file that no schema gives."""
    folder = tmp_path_factory.mktemp("site-packages")
    for package in ("glue", "transform", "firehose"):
        shutil.copytree(PROJECT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "glue" / "tables" / "old.json").write_text("{}")
    return folder


def dmd(installed: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-P", "-B", "-c", DMD, *arguments]
    variables = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, cwd=installed)
    assert done.stdout.startswith(str(installed)), done.stderr
    return done


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("command", ["build", "check"])
def test_without_a_folder_to_write_to_it_refuses(installed: Path, command: str) -> None:
    before = files(installed)

    done = dmd(installed, "glue", command)

    assert done.returncode == 2
    assert done.stderr.startswith(f"dmd: {installed} is an installed package, not a checkout of the project")
    assert "--out" in done.stderr
    assert files(installed) == before


def test_into_a_folder_it_builds(installed: Path, tmp_path: Path) -> None:
    before = files(installed)

    done = dmd(installed, "glue", "build", "--out", str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "glue" / "tables" / "sale.json").is_file()
    assert files(installed) == before
