"""SIGTERM and Ctrl-C: what was read is delivered, and no temporary folder and no child process is left."""

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands import DMD
from tests.exports import demand, full_export
from tests.failed import fans
from tests.firehose_streams import request, table
from tests.given import change, payload, s

pytestmark = pytest.mark.long

PAUSING = """
import os
ready = open(os.path.join(os.path.dirname(__file__), "ready"), "w")  # until this process ends
print("loading", file=ready, flush=True)

def handler(event, context):
    records = [{"recordId": one["recordId"], "result": "Dropped", "data": ""} for one in event["records"]]
    return {"records": records}
"""

EMPTY = b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A command in a folder, whose temporary files lie in temporary/ there."""
    (folder / "temporary").mkdir()
    process = subprocess.Popen(
        [*DMD, *arguments],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder / "temporary"), "PYTHONPATH": f"{Path.cwd()}:{folder}"},
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def terminated(process: "subprocess.Popen[str]", number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
    """The end of a command and of the processes that it started, which hold its standard error, too."""
    process.send_signal(number)
    printed, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    return process.returncode, printed, said


def left(folder: Path) -> list[str]:
    """The temporary files and folders, wherever they lie."""
    hidden = (path for path in (folder / "lake").rglob(".*") if path.name != ".lock")
    return [str(path.relative_to(folder)) for path in (*hidden, *(folder / "temporary").iterdir())]


def test_a_run_delivers_what_it_has_read(tmp_path: Path) -> None:
    with started(tmp_path, "run", "-", "--lake", "lake", "--json") as process:
        assert process.stdin
        for fan in range(1000):  # more than a pipe holds: when all are written, some are read
            process.stdin.write(payload(change(fanId=s(f"f{fan}"))).decode() + "\n")
        code, printed, _ = terminated(process)

    summary = json.loads(printed)
    assert code == 130
    assert (summary["stopped"], summary["adds_up"]) == (True, True)
    assert len(fans(tmp_path / "lake")) == summary["read"] > 0
    assert left(tmp_path) == []


def test_the_process_of_a_function_ends_with_its_stream(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ready")
    (tmp_path / "pausing.py").write_text(PAUSING)
    made: dict[str, Any] = {"stream.json": request(), "table.json": table({"id": "string"})}
    for name, document in made.items():
        (tmp_path / name).write_text(json.dumps(document))
    options = "--stream stream.json --table table.json --source - --sink lake --handler pausing:handler --process"

    with started(tmp_path, "firehose", "run", *options.split()) as process, (tmp_path / "ready").open() as child:
        assert child.readline() == "loading\n"
        terminated(process)

        # It may be starting still, unknown to the command; then it ends because nobody is there to give it orders.
        assert select.select([child], [], [], 60) == ([child], [], [])
        assert child.read() == "", "its process has ended"
    assert left(tmp_path) == []


def put_into(bucket: socket.socket) -> socket.socket:
    """Answer that the bucket is empty until somebody puts an object, and return the connection."""
    while True:
        connection, _ = bucket.accept()
        if connection.recv(4096).startswith(b"PUT"):
            return connection
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + EMPTY)


def test_ctrl_c_at_a_terminal_reaches_every_process_of_a_backfill_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_export(tmp_path / "export", [demand("a")], [demand("b") | {"type": s("event")}])
    arguments = "backfill --export export --lake s3://lake --state state --processes 2 --type demand --key pk --key sk"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    with socket.create_server(("127.0.0.1", 0)) as bucket:
        bucket.settimeout(60)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{bucket.getsockname()[1]}")
        # One process puts its row for good, the other has nothing to do.
        with started(tmp_path, *arguments.split()) as process, put_into(bucket):
            os.killpg(process.pid, signal.SIGINT)
            _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said == "stopped; rerun the same command to resume\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_backfill_by_several_processes_leaves_none_of_them_and_goes_on_when_it_is_run_again(
    tmp_path: Path, number: signal.Signals
) -> None:
    items = [f"{number}" for number in range(6000)]
    full_export(tmp_path / "export", *([demand(fan) for fan in items[start::6]] for start in range(6)))
    keys = ("--key", "pk", "--key", "sk")
    command = ("backfill", "--export", "export", "--lake", "lake", "--state", "state", "--processes", "2", *keys)

    with started(tmp_path, *command) as process:
        while not any((tmp_path / "state" / "units").glob("*.json")):
            assert process.poll() is None
        code, _, _ = terminated(process, number)

    assert (code, left(tmp_path)) == (143 if number == signal.SIGTERM else 130, [])
    (tmp_path / "temporary").rmdir()
    with started(tmp_path, *command) as process:
        process.communicate(timeout=60)
    assert fans(tmp_path / "lake") == sorted(items)
    assert not (tmp_path / "state").exists()
