"""Only their user may read a local lake, its errors and a state, unless `dmd --shared` says otherwise."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.commands import DMD, write
from tests.exports import demand, full_export
from tests.given import change

pytestmark = pytest.mark.slow


def modes(folder: Path) -> set[str]:
    """The modes of a folder and all below it."""
    return {stat.filemode(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def dmd(folder: Path, *arguments: str) -> None:
    """A command under the umask that most shells have."""
    variables = {name: value for name, value in os.environ.items() if name != "DMD_SHARED"}
    subprocess.run([*DMD, *arguments], cwd=folder, check=True, env=variables, umask=0o022, capture_output=True)


@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_a_lake_and_its_errors_are_private(tmp_path: Path, file_format: str) -> None:
    source = write(tmp_path / "in.jsonl", change(), b"broken")

    dmd(tmp_path, "run", source, "--lake", "lake", "--format", file_format)

    assert (tmp_path / "lake/data-pipeline/errors").is_dir()
    assert modes(tmp_path / "lake") == {"drwx------", "-rw-------"}


def test_the_lake_of_a_backfill_is_private(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a")], [demand("b")])

    dmd(tmp_path, "backfill", "--export", "export", "--lake", "lake", "--processes", "2")

    assert modes(tmp_path / "lake") == {"drwx------", "-rw-------"}


def test_the_state_of_a_backfill_is_private_also_in_a_folder_that_is_not(tmp_path: Path) -> None:
    home = full_export(tmp_path / "export", [demand("a")], [demand("b")])
    sorted((home / "data").iterdir())[1].write_bytes(b"damaged: the backfill stops here")
    (tmp_path / "state").mkdir(mode=0o755)

    with pytest.raises(subprocess.CalledProcessError):
        dmd(tmp_path, "backfill", "--export", "export", "--lake", "lake", "--state", "state", "--key", "pk")

    assert {mode for path in (tmp_path / "state").iterdir() for mode in modes(path)} == {"drwx------", "-rw-------"}


def test_with_shared_the_umask_decides(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", change(), b"broken")
    full_export(tmp_path / "export", [demand("a")], [demand("b")])

    dmd(tmp_path, "--shared", "run", source, "--lake", "lake")
    dmd(tmp_path, "--shared", "backfill", "--export", "export", "--lake", "filled", "--processes", "2")

    for lake in ("lake", "filled"):
        assert modes(tmp_path / lake) == {"drwxr-xr-x", "-rw-r--r--"}
