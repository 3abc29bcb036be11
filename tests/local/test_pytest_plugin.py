"""The pytest plugin, as pytest loads it in anybody's project: by its entry point."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firehose.local.tested_endpoint import TestedEndpoint, endpoint_process
from firehose.local.user_error import UserError
from firehose.testing import LocalFirehose

LOADS_NOTHING = """
import sys

def test_what_is_loaded():
    tools = {"boto3", "botocore", "flask", "glue", "moto", "msgspec", "pyarrow", "transform"}
    assert tools & {name.partition(".")[0] for name in sys.modules} == set()
    assert {name for name in sys.modules if name.startswith("firehose")} == {
        "firehose", "firehose.local", "firehose.local.pytest_plugin"
    }
"""

NAMED = """
import os

import boto3

def test_the_endpoint(firehose_endpoint):
    assert boto3.client("firehose").meta.endpoint_url == firehose_endpoint.url

def test_nothing():
    assert "AWS_ENDPOINT_URL" not in os.environ
"""


def pytest_run(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    (folder / "test_strangers.py").write_text(code)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_it_loads_pytest_alone_until_a_fixture_is_asked_for(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, LOADS_NOTHING)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_environment_names_the_endpoint_as_long_as_a_test_has_it(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, NAMED)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_each_test_has_an_empty_endpoint(firehose_endpoint: TestedEndpoint) -> None:
    _make_all_sorts(firehose_endpoint)


@pytest.mark.slow
def test_each_test_has_an_empty_endpoint_again(firehose_endpoint: TestedEndpoint) -> None:
    _make_all_sorts(firehose_endpoint)


def _make_all_sorts(endpoint: TestedEndpoint) -> None:
    """Each of these fails where one of its name stands already; the clock shows that it was put back."""
    assert endpoint.control("clock")["moved_seconds"] == 0
    endpoint.client("s3", "eu-west-1").create_bucket(
        Bucket="orders", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    endpoint.client("kinesis").create_stream(StreamName="orders", ShardCount=1)
    endpoint.client("firehose").create_delivery_stream(
        DeliveryStreamName="orders",
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/firehose",
            "BucketARN": "arn:aws:s3:::orders",
        },
    )
    endpoint.client("firehose").put_record(DeliveryStreamName="orders", Record={"Data": b"one"})
    endpoint.advance(300)
    assert list(endpoint.objects(bucket="orders").values()) == [b"one"]
    assert endpoint.counts("orders")["delivered"] == 1


@pytest.mark.slow
def test_what_is_unknown_is_refused_by_its_name(firehose_endpoint: TestedEndpoint) -> None:
    with pytest.raises(ValueError, match="there is no delivery stream orders"):
        firehose_endpoint.counts("orders")
    with pytest.raises(ValueError, match="unknown fault"):
        firehose_endpoint.inject("s4-denied")


@pytest.mark.slow
def test_the_endpoint_ends_with_the_process_that_started_it_however_that_ends() -> None:
    code = (
        "from firehose.local.tested_endpoint import endpoint_process; import os, time\n"
        "with endpoint_process() as endpoint: print(endpoint.url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        before = TestedEndpoint(url).control("counts")

        process.send_signal(signal.SIGKILL)
        process.communicate()  # until the endpoint has closed its standard error, which it shares

    assert before == {"streams": []}
    with pytest.raises(OSError, match="refused"):
        TestedEndpoint(url).control("counts")


@pytest.mark.slow
def test_an_endpoint_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['moto'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(UserError, match=r"pip install 'dmd-pipeline\[local\]'"), endpoint_process():
        pass


def test_the_fixture_in_the_process_is_the_plugins(firehose: LocalFirehose) -> None:
    assert firehose.now_ms == 1_767_225_600_000
