"""A reconciliation that is stopped leaves nothing of the scratch lake, which holds everybody's personal data."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.commands import DMD, result_of

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_removes_the_scratch_lake(tmp_path: Path, number: int, processes: str) -> None:
    result_of("sample", "4000", "--export", str(tmp_path / "export"))
    result_of("run", "tests/corpora/sample.jsonl.gz", "--lake", str(tmp_path / "lake"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    export = next((tmp_path / "export/AWSDynamoDB").iterdir())
    command = [*DMD, "reconcile", "--export", str(export), "--lake", str(tmp_path / "lake"), "--processes", processes]
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, "--key", "pk", "--key", "sk"], env=environment, stderr=subprocess.PIPE)

    deadline = time.monotonic() + 60
    while not list(temporary.glob("*/lake/data-pipeline/parquet/*/*/*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 128 + number
    assert b"Traceback" not in said
    assert list(temporary.iterdir()) == []
