"""The endpoint as a program: its first line, how it ends, and that it ends without a trace."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firehose.local.endpoint.server import endpoint_server
from firehose.local.user_error import UserError
from tests.commands import DMD
from tests.endpoints import LocalAws, partitioned

pytestmark = pytest.mark.slow

# Tells a file which process it is; what is delivered at the end goes there too.
TELLING = """
import base64, os

def handler(event, context):
    with open({told!r}, "a") as told:
        told.write(f"{{os.getpid()}} {{len(event['records'])}}\\n")
    data = base64.b64encode(b"x").decode()
    keys = {{"partitionKeys": {{"day": "1"}}}}
    return {{"records": [{{"recordId": one["recordId"], "result": "Ok", "data": data, "metadata": keys}}
        for one in event["records"]]}}
"""


@contextmanager
def serving(folder: Path, *command: str) -> Iterator[tuple["subprocess.Popen[str]", LocalAws]]:
    """A program that serves, with its temporary folders in `folder` and an account of the user's in its environment."""
    variables = {**os.environ, "TMPDIR": str(folder), "AWS_PROFILE": "prod", "AWS_SECRET_ACCESS_KEY": "real secret"}
    process = subprocess.Popen(
        [*command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, cwd=folder
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("endpoint: http://127.0.0.1:"), first + process.communicate()[1]
        yield process, LocalAws(first.removeprefix("endpoint: ").strip())
    finally:
        process.kill()
        process.communicate()


MODULE = [sys.executable, "-W", "ignore", "-m", "firehose.local"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [MODULE, [*DMD, "firehose", "serve"]], ids=["module", "dmd"])
def test_a_signal_delivers_what_is_buffered_and_leaves_no_process_and_no_folder(
    tmp_path: Path, number: signal.Signals, command: list[str]
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    told = tmp_path / "told"
    with serving(temporary, *command) as (process, aws):
        aws.bucket()
        aws.create(partitioned(aws.function(TELLING.format(told=str(told)))))
        aws.put({"id": 1}, {"id": 2})

        process.send_signal(number)
        output, errors = process.communicate(timeout=60)

    child, records = told.read_text().split()
    assert records == "2"
    assert "orders: 2 delivered" in output
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)
    assert list(temporary.iterdir()) == []
    assert process.returncode == 0
    assert "real secret" not in output + errors


def test_the_output_says_that_all_of_it_is_in_memory_before_anything_else(tmp_path: Path) -> None:
    with serving(tmp_path, *MODULE) as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline().startswith("everything is in memory, and gone when this ends")


def test_a_port_that_is_in_use_is_the_users_error() -> None:
    with endpoint_server() as server:
        port = int(server.url.rpartition(":")[2])
        with (
            pytest.raises(UserError, match=f"port {port} cannot be used: Address already in use"),
            endpoint_server(port),
        ):
            pass

    with endpoint_server(port) as again:
        assert again.url == server.url


def test_an_interval_shortens_every_buffer(tmp_path: Path) -> None:
    with serving(tmp_path, *MODULE, "--interval", "5") as (_, aws):
        aws.bucket()
        aws.create(partitioned(aws.function()))
        aws.put({"day": "1"})

        aws.advance(7)

        assert len(aws.objects()) == 1
        assert json.loads(aws.http("/_firehose/counts")[1])["streams"][0]["waiting"] == 0
