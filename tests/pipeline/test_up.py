"""`dmd up`: where it runs, what it says, and how it ends."""

import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firehose.cli import up as up_command
from firehose.cli.app import app
from firehose.local.endpoint.deployed import Deployed, delivery_streams, load_deployed
from firehose.local.endpoint.endpoint import Endpoint, moto_endpoint, named_endpoint
from firehose.local.local_stream import LocalStream
from firehose.local.report import RunReport, StreamReport
from firehose.local.sources.kinesis import now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.package import OUR_FOLDERS, checkout_package
from firehose.pipeline.run_summary import FunctionMetrics
from firehose.pipeline.up import prepare
from firehose.pipeline.up.counts import StreamCounts, stream_counts
from firehose.pipeline.up.resources import BUCKET, STREAM
from firehose.pipeline.up.session import Session
from tests.commands import dmd
from tests.firehose_streams import avro_request, function, local
from tests.kinesis_streams import Clock
from tests.local_aws import local_aws

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with local_aws() as address:
        yield address


@pytest.fixture
def until_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terraform, and a clock that only sleeping moves; after ten seconds somebody presses Ctrl-C."""
    monkeypatch.setattr(prepare, "terraform_command", lambda: None)
    clock = Clock(now_ms())
    end_ms = clock.now + 10_000

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > end_ms:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(up_command, "Session", partial(Session, clock=clock, sleep=sleep))


def up(state: Path, *options: str) -> Result:
    result = CliRunner().invoke(app, ["up", "--state", str(state), *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_what_is_put_into_the_stream_is_delivered_once_although_dmd_up_is_started_twice(
    server: str, tmp_path: Path, until_ctrl_c: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = up(tmp_path, "--endpoint", server)
    for name, value in Endpoint(server).variables.items():
        monkeypatch.setenv(name, value)
    assert dmd("sample", "200", "--to", f"kinesis://{STREAM}")[0] == 0

    second = up(tmp_path, "--endpoint", server, "--interval", "5")
    third = up(tmp_path, "--endpoint", server)

    assert [first.exit_code, second.exit_code, third.exit_code] == [130, 130, 130]
    assert "terraform not found: our own builders make the same resources" in first.stderr
    assert f"dmd sample 5000 --to kinesis://{STREAM}" in first.stderr
    assert f"--lake s3://{BUCKET}" in first.stderr
    assert f"AWS_ENDPOINT_URL={server}" in first.stderr
    assert f"{server} has 4 delivery streams: running them as they are" in second.stderr
    assert columns(second)["prd3292-test-dmnd-demand"][0] == "200"
    assert columns(third)["prd3292-test-dmnd-demand"] == ["0"] * 5
    assert "\x1b" not in first.output

    known = tmp_path / server.removeprefix("http://").replace(":", "-") / f"{STREAM}.json"
    known.write_text(known.read_text().replace('"prd3292-test-dmnd-sale"', '"another"'))
    fourth = up(tmp_path, "--endpoint", server)

    assert "new since the last run: prd3292-test-dmnd-sale." in fourth.stderr
    assert columns(fourth)["prd3292-test-dmnd-sale"][0] == "200"


def columns(result: Result) -> dict[str, list[str]]:
    """The numbers of each delivery stream in the table at the end."""
    lines = [line.split() for line in result.stdout.splitlines() if line.startswith("prd3292")]
    return {name: numbers for name, *numbers in lines}


def test_the_buffer_interval_is_shortened_to_what_is_asked_in_all(
    server: str, tmp_path: Path, until_ctrl_c: None
) -> None:
    up(tmp_path, "--endpoint", server)
    with ExitStack() as running:
        deployed = load_deployed(Endpoint(server), [checkout_package()], running, own=OUR_FOLDERS, interval_seconds=5)

    streams = [(stream, stream.processing.function) for stream in (local.read() for local in deployed.streams)]
    assert [
        stream.destination.buffer_seconds + function.buffer_seconds for stream, function in streams if function
    ] == [5] * 4


@pytest.mark.parametrize(("modes", "both"), [("pp", False), ("a", False), ("pa", True), ("aap", True)])
def test_streams_of_both_modes_are_told_apart_by_their_tables(
    server: str, tmp_path: Path, modes: str, both: bool
) -> None:
    names = [f"orders-{number}" for number in range(len(modes))]
    made: dict[str, Any] = {
        "p": lambda name: local(name=name),
        "a": lambda name: LocalStream(avro_request(name), None, function()),
    }
    streams = [made[mode](name) for mode, name in zip(modes, names, strict=True)]
    Endpoint(server).client("kinesis").create_stream(StreamName=f"orders-{modes}", ShardCount=1)

    session = Session(Endpoint(server), Deployed(f"orders-{modes}", "lake", 0, streams), tmp_path)

    assert session.in_both_modes is both


def test_counts_are_in_one_column_each() -> None:
    sale = StreamReport("sale", received=8, delivered=3, dropped=2, failed=Counter(bad=1))
    avro = StreamReport("avro", received=8, dropped=7)
    metrics = FunctionMetrics()
    metrics.delivered["sale"] = 5

    assert stream_counts(RunReport(read=10, streams=[sale, avro]), {"avro": metrics}) == [
        StreamCounts("sale", read=10, delivered=3, dropped=2, failed=1),
        StreamCounts("avro", read=10, delivered=5, dropped=2, failed=0),
    ]
    assert StreamCounts("sale", read=10, delivered=3, dropped=2, failed=1).buffered == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(["--endpoint", "dmnd"], "dmnd is not the address", id="no address"),
        pytest.param(["--endpoint", "http://127.0.0.1:x"], "127.0.0.1:x is not the address", id="no port"),
        pytest.param(["--endpoint", "https://192.0.2.1:4566"], "192.0.2.1 is not this machine", id="another machine"),
        pytest.param(["--endpoint", "http://127.0.0.1@192.0.2.1"], "192.0.2.1 is not this machine", id="a user name"),
        pytest.param(["--endpoint", "http://127.0.0.1:9"], "127.0.0.1:9 cannot be read", id="nobody there"),
        pytest.param(["--endpoint", "http://127.0.0.1:9", "--port", "9"], "--port is only for moto's", id="both"),
        pytest.param(["--package", "nowhere.zip"], "nowhere.zip cannot be read", id="no package"),
        pytest.param(["--mode", "orc"], r"unknown mode 'orc' \(choose from parquet, avro, both\)", id="no such mode"),
    ],
)
def test_where_it_cannot_run_is_the_users_mistake(tmp_path: Path, options: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        up(tmp_path, *options)


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


def test_motos_server_ends_with_the_block_that_it_is_for() -> None:
    with moto_endpoint() as endpoint:
        assert endpoint.client("sts").get_caller_identity()["Account"] == "123456789012"

    with pytest.raises(UserError, match="cannot be read"):
        delivery_streams(endpoint)


def test_a_port_that_is_in_use_is_refused_and_one_that_was_in_use_a_moment_ago_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} cannot be used: Address already in use"), moto_endpoint(port):
            pass
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # who closes first has to keep the port for a minute

    with moto_endpoint(port) as endpoint:
        assert endpoint.url == f"http://127.0.0.1:{port}"
