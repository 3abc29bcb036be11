"""A disk that is full: one sentence that names the file, exit code 1, and nothing of the part that was written."""

import os
import resource
import subprocess
from pathlib import Path
from typing import IO, Any

import pytest

from tests.commands import DMD, SAMPLE
from tests.exports import demand, full_export

pytestmark = pytest.mark.slow

FULL = Path("/dev/full")


def run(*arguments: str, stdout: int | IO[Any] = subprocess.PIPE, most_bytes: int = -1) -> tuple[int, str]:
    """Exit code and standard error of a process that may not write files above a size, as on a full disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    done = subprocess.run(
        [*DMD, *arguments],
        check=False,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
        # Python would leave cut-off bytecode of the modules it compiles, which breaks every later import of them.
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    return done.returncode, done.stderr


def test_an_object_that_does_not_fit_is_named(tmp_path: Path) -> None:
    lake = tmp_path / "lake"

    code, said = run("run", str(SAMPLE), "--lake", str(lake), most_bytes=8192)

    assert code == 1
    assert said.startswith(f"dmd: {lake}/data-pipeline/")
    assert said.endswith(": File too large\n")
    assert said.count("\n") == 1
    assert all(path.stat().st_size < 8192 for path in lake.rglob("*"))


def test_the_state_of_a_backfill_that_does_not_fit_is_named(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a")])
    state = tmp_path / "state"

    code, said = run(
        *("backfill", "--export", str(tmp_path / "export"), "--lake", str(tmp_path / "lake"), "--state", str(state)),
        most_bytes=16,
    )

    assert (code, said.splitlines()[-1]) == (1, f"dmd: {state}/job.json: File too large")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "10"),
        ("query", "SELECT 1", "--lake", "lake"),
        ("query", "SELECT 1", "--lake", "lake", "--json"),
        ("glue", "ddl"),
    ],
    ids=" ".join,
)
def test_standard_output_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    (tmp_path / "lake/data-pipeline").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    with FULL.open("w") as full:
        code, said = run(*arguments, stdout=full)

    assert (code, said) == (1, "dmd: standard output: No space left on device\n")
