"""`make run` makes its lake anew, and removes no folder that it did not make."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DMD = """#!/bin/sh
if [ "$1" = run ]; then mkdir -p "$4/data-pipeline" && date +%N > "$4/data-pipeline/object"; fi
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a `dmd` that only writes an object."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    dmd = tmp_path / ".venv/bin/dmd"
    dmd.parent.mkdir(parents=True)
    dmd.write_text(DMD)
    dmd.chmod(0o755)
    return tmp_path


def make_run(checkout: Path, *arguments: str, **exported: str) -> None:
    """`make run`, with what `make setup` installs taken as it is."""
    command = ["make", "--silent", "--old-file=setup", "run", *arguments]
    subprocess.run(command, cwd=checkout, env=os.environ | exported, check=True)


def test_a_second_run_makes_the_lake_anew(checkout: Path) -> None:
    make_run(checkout)
    stale = checkout / ".local/lake/data-pipeline/stale"
    stale.touch()

    make_run(checkout)

    assert not stale.exists()
    assert (checkout / ".local/lake/data-pipeline/object").exists()


@pytest.mark.parametrize("lake", [".local/lake", "another"])
def test_a_folder_that_it_did_not_make_is_written_into_and_kept(checkout: Path, lake: str) -> None:
    own = checkout / lake / "own"
    own.parent.mkdir(parents=True)
    own.touch()

    for _ in range(2):
        make_run(checkout, *(() if lake == ".local/lake" else (f"LAKE={lake}",)))

    assert own.exists()
    assert (checkout / lake / "data-pipeline/object").exists()


def test_an_exported_lake_is_not_its_lake(checkout: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()

    make_run(checkout, LAKE=str(precious))

    assert list(precious.iterdir()) == []
    assert (checkout / ".local/lake/data-pipeline/object").exists()


def test_what_is_installed_is_said_before_it_takes_its_minute(checkout: Path) -> None:
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)

    done = subprocess.run(["make", "PYTHON=false", "setup"], cwd=checkout, check=False, capture_output=True, text=True)

    packages = len(re.findall(r"^[a-z].*==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert done.stderr.startswith(f"installing {packages} packages into .venv")
    assert f"installs {packages} packages" in (ROOT / "README.md").read_text()
