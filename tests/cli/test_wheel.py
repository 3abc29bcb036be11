"""The wheel in an environment of its own, with what an extra brings and nothing else, and no checkout around."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.terraform import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.long]

TOPS = ("firehose", "glue", "transform")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: setuptools leaves folders beside the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in TOPS:
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", source)
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(out), str(source))
    (found,) = out.glob("*.whl")
    return found


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_holds_every_file_of_ours_and_no_other_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    ours = {
        path.relative_to(PROJECT).as_posix()
        for top in TOPS
        for path in (PROJECT / top).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert ours - names == set()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == set(TOPS)


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, what its extra `local` requires, and pytest."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    found = folder / "bin" / "python"
    pip("--python", str(found), "install", "--no-deps", "--no-index", str(wheel))
    (site,) = folder.glob("lib/python*/site-packages")
    (metadata,) = site.glob("dmd_pipeline-*.dist-info")
    for name in {*required(Distribution.at(metadata), "local"), *required(distribution("pytest"), ""), "pytest"}:
        _link(distribution(name), site)
    return found


def required(by: Distribution, extra: str) -> set[str]:
    """The names of the distributions that one requires with an extra, and of all that those require."""
    found: set[tuple[str, str]] = set()
    waiting = [(by, extra)]
    while waiting:
        one, extra = waiting.pop()
        for needed in map(Requirement, one.requires or []):
            if needed.marker is not None and not needed.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(needed.name)
            new = {(name, wanted) for wanted in ("", *needed.extras)} - found
            found |= new
            waiting += [(distribution(name), wanted) for name, wanted in new]
    return {name for name, _ in found}


def _link(found: Distribution, site: Path) -> None:
    """Link the files and folders of a distribution that lie in its site-packages."""
    for top in {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "__pycache__")}:
        if not (site / top).exists():
            (site / top).symlink_to(Path(str(found.locate_file(top))))


def test_a_strangers_project_runs_with_both_fixtures(python: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "docs" / "examples" / "web-orders", project, ignore=shutil.ignore_patterns("__pycache__"))

    done = run(python, project, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_nothing_but_the_extra_is_there_and_all_of_it_is_the_wheels(python: Path, tmp_path: Path) -> None:
    code = (
        "import firehose, glue, importlib.util as u, transform; "
        "print(*[m.__file__ for m in (firehose, glue, transform)], sep='\\n'); "
        "print([n for n in ('duckdb', 'hypothesis', 'rich', 'typer', 'pyiceberg') if u.find_spec(n)])"
    )

    *files, tools = run(python, tmp_path, "-c", code).stdout.splitlines()

    assert {str(Path(file).parents[1]) for file in files} == {str(next(python.parents[1].glob("lib/*/site-packages")))}
    assert tools == "[]"


def run(python: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    return subprocess.run([str(python), *arguments], cwd=folder, env=kept, capture_output=True, text=True, check=False)
