"""`dmd up` keeps terraform's state and the code of functions to its user, and SIGTERM leaves nothing of them."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firehose.pipeline.up.resources import TABLE
from tests.given import s
from tests.pipeline.test_up import address_of, lines_until

pytestmark = pytest.mark.slow

DMD = "from firehose.cli import main; main()"

# Writes its state, says so, and hangs.
HANGING = """#!{python}
import os, time
open("terraform.tfstate", "w").write("secret")
with open({ready!r}, "w") as ready:
    print(os.getpid(), os.getcwd(), file=ready)
time.sleep(600)
"""


@contextmanager
def dmd_up(folder: Path, terraform: str = "") -> Iterator["subprocess.Popen[str]"]:
    """`dmd up` with its temporary folders in `folder`, and this terraform or none."""
    (folder / "temporary").mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in {"PATH", "DMD_TERRAFORM"}}
    variables = {**kept, "TMPDIR": str(folder / "temporary"), **({"DMD_TERRAFORM": terraform} if terraform else {})}
    command = [sys.executable, "-W", "ignore", "-c", DMD, "up", "--state", str(folder / "state")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=variables)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def mode(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_while_terraform_applies_its_state_is_private_and_sigterm_ends_both(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ready")
    fake = tmp_path / "terraform"
    fake.write_text(HANGING.format(python=sys.executable, ready=str(tmp_path / "ready")))
    fake.chmod(0o755)

    with dmd_up(tmp_path, str(fake)) as process:
        terraform, root = (tmp_path / "ready").read_text().split()
        modes = mode(Path(root) / "terraform.tfstate"), mode(tmp_path / "state")
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)

    assert modes == ("-rw-------", "drwx------")
    assert code == 143
    assert not {"terraform.tfstate", "function.zip"} & set(files(tmp_path / "state"))
    with pytest.raises(ProcessLookupError):
        os.kill(int(terraform), 0)


def test_while_functions_run_their_code_is_private_and_sigterm_leaves_nothing(tmp_path: Path) -> None:
    with dmd_up(tmp_path) as process:
        assert process.stderr
        said = lines_until("--lake s3://", process.stderr)
        aws = address_of(said)
        aws.client("dynamodb").put_item(TableName=TABLE, Item={"pk": s("broken"), "sk": s("x")})
        aws.control("flush", {})
        folders = list((tmp_path / "temporary").iterdir())
        modes = {mode(folder) for folder in folders}
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert any("prd3292-test-dmnd-sale" in line for line in said)
    assert len(folders) == 4
    assert modes == {"drwx------"}
    assert list((tmp_path / "temporary").iterdir()) == []
    assert files(tmp_path / "state") == []
