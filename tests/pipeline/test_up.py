"""`dmd up`: what it runs, what it says, and how it ends."""

import os
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from firehose.local.endpoint.endpoint import Endpoint, named_endpoint
from firehose.local.user_error import UserError
from firehose.pipeline.run_summary import FunctionMetrics
from firehose.pipeline.up.counts import StreamCounts, stream_counts
from firehose.pipeline.up.resources import BUCKET, STREAM, TABLE
from tests.commands import DMD, result_of
from tests.endpoints import LocalAws
from tests.given import s

pytestmark = pytest.mark.slow


def lines_until(text: str, lines: Iterable[str]) -> list[str]:
    """The lines up to the first one that holds this text."""
    said = []
    for line in lines:
        said.append(line)
        if text in line:
            return said
    raise AssertionError("".join(said))


def address_of(said: list[str]) -> LocalAws:
    """The endpoint that `dmd up` says how to reach."""
    return LocalAws("".join(said).partition("AWS_ENDPOINT_URL=")[2].split()[0])


@pytest.mark.parametrize("mode", ["parquet", "avro", "iceberg"])
def test_a_change_of_the_table_is_delivered_and_counted_until_ctrl_c(tmp_path: Path, mode: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in {"PATH", "DMD_TERRAFORM"}}
    variables = {**kept, "AWS_PROFILE": "prod", "AWS_SECRET_ACCESS_KEY": "real secret"}
    command = [*DMD, "up", "--state", str(tmp_path / "state"), "--mode", mode, "--interval", "900"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables, cwd=tmp_path
    )
    try:
        assert process.stderr
        said = lines_until("--lake s3://", process.stderr)
        address_of(said).client("dynamodb").put_item(TableName=TABLE, Item={"pk": s("broken"), "sk": s("x")})
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()

    told = "".join(said) + errors
    assert process.returncode == 130
    assert "terraform not found: our own builders make the same resources" in told
    assert f"dmd sample 5000 --to kinesis://{STREAM}" in told
    assert f"--lake s3://{BUCKET}" in told
    assert f"changes of the table {TABLE} flow to the stream" in told
    assert "AWS_SECRET_ACCESS_KEY=test" in told
    assert "real secret" not in told
    assert told.endswith("the endpoint has ended, and everything it held is gone\n")
    numbers = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.startswith("prd3292")}
    claiming = f"prd3292-test-dmnd-{'demand' if mode == 'parquet' else mode}"
    assert numbers[claiming] == ["1", "0", "0", "1", "0"]
    assert len(numbers) == (4 if mode == "parquet" else 1)


def test_counts_are_in_one_column_each() -> None:
    sale: dict[str, Any] = {"stream": "sale", "read": 10, "delivered": 3, "dropped": 2, "failed": {"bad": 1}}
    avro: dict[str, Any] = {"stream": "avro", "read": 10, "delivered": 0, "dropped": 7, "failed": {}}
    metrics = FunctionMetrics()
    metrics.delivered["sale"] = 5

    assert stream_counts([sale, avro], {"avro": metrics}) == [
        StreamCounts("avro", read=10, delivered=5, dropped=2, failed=0),
        StreamCounts("sale", read=10, delivered=3, dropped=2, failed=1),
    ]
    assert StreamCounts("sale", read=10, delivered=3, dropped=2, failed=1).buffered == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(["--package", "nowhere.zip"], "nowhere.zip cannot be read", id="no package"),
        pytest.param(["--mode", "orc"], r"unknown mode 'orc' \(choose from parquet, avro, ", id="no such mode"),
    ],
)
def test_where_it_cannot_run_is_the_users_mistake(tmp_path: Path, options: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        result_of("up", "--state", str(tmp_path), *options)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param("dmnd", "dmnd is not the address", id="no address"),
        pytest.param("http://127.0.0.1:x", "127.0.0.1:x is not the address", id="no port"),
        pytest.param("https://192.0.2.1:4566", "192.0.2.1 is not this machine", id="another machine"),
        pytest.param("http://127.0.0.1@192.0.2.1", "192.0.2.1 is not this machine", id="a user name"),
    ],
)
def test_what_is_no_address_of_this_machine_is_refused(url: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        named_endpoint(url)


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("http://localhost:5000/", "http://127.0.0.1:5000"),
        ("http://0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("http://127.0.0.2:5000", "http://127.0.0.2:5000"),
        ("https://[::1]:5000", "https://[::1]:5000"),
    ],
)
def test_an_address_of_this_machine_is_an_ip_address_so_that_buckets_are_found(named: str, address: str) -> None:
    assert named_endpoint(named).url == address


@pytest.mark.parametrize("addresses", [["192.0.2.1"], ["127.0.0.1", "192.0.2.1"], []], ids=["another", "both", "none"])
def test_a_name_that_is_not_this_machines_alone_is_refused(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(host: str, _: None) -> list[Any]:
        if not addresses:
            raise OSError
        return [(None, None, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr("socket.getaddrinfo", resolve)

    with pytest.raises(UserError, match=r"sts.example.com is not this machine, .* never on AWS"):
        named_endpoint("https://sts.example.com")


def test_the_users_profile_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "prod")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)

    assert Endpoint("http://127.0.0.1:5000").variables["AWS_ACCESS_KEY_ID"] == "test"
