"""The delivery streams of an endpoint are run as its services describe them."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from firehose.local.config.source import KINESIS
from firehose.local.endpoint.deployed import Deployed, delivery_streams, load_deployed
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.endpoint.function_package import code_sha256
from firehose.local.processors.function_process import FunctionProcess
from firehose.local.user_error import UserError
from tests.firehose_streams import FUNCTION_ARN, STREAM_ARN, request

INSTEAD = "the local code runs instead"
MADE = datetime(2025, 1, 1, 10, 0, 0, 123_999, tzinfo=UTC)


def package(name: str) -> bytes:
    """A zip of a function that answers its name."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("mine/code.py", f"def handler(event, context): return {name!r}\n")
    return body.getvalue()


PACKAGES = [package("first"), package("second")]


def stream(name: str, made: datetime = MADE, version: int = 1, kind: str = KINESIS, **more: Any) -> Any:
    """A delivery stream as Firehose describes it."""
    asked = request(name, **more)
    return {
        "DeliveryStreamName": name,
        "DeliveryStreamType": kind,
        "VersionId": str(version),
        "CreateTimestamp": made,
        "Source": {"KinesisStreamSourceDescription": asked["KinesisStreamSourceConfiguration"]},
        "Destinations": [{"ExtendedS3DestinationDescription": asked["ExtendedS3DestinationConfiguration"]}],
    }


@dataclass(frozen=True)
class Described(Endpoint):
    """An endpoint of these delivery streams, which names two of them at a time."""

    streams: Mapping[str, Any] = field(default_factory=dict)

    def client(self, service: str, **_: Any) -> Any:
        clients: dict[str, dict[str, Any]] = {
            "firehose": {"list_delivery_streams": self.names, "describe_delivery_stream": self.describe},
            "glue": {"get_table": lambda **names: {"Table": names}},
            "lambda": {"get_function_configuration": self.function},
        }
        return SimpleNamespace(**clients[service])

    def names(self, DeliveryStreamType: str, ExclusiveStartDeliveryStreamName: str = "") -> dict[str, Any]:  # noqa: N803
        left = sorted(name for name in self.streams if name > ExclusiveStartDeliveryStreamName)
        return {"DeliveryStreamNames": left[:2], "HasMoreDeliveryStreams": len(left) > 2}

    def describe(self, DeliveryStreamName: str) -> dict[str, Any]:  # noqa: N803
        return {"DeliveryStreamDescription": self.streams[DeliveryStreamName]}

    def function(self, FunctionName: str, Qualifier: str = "$LATEST") -> dict[str, Any]:  # noqa: N803
        return {
            "FunctionName": FunctionName,
            "Handler": "mine.code.handler",
            "Timeout": {"$LATEST": 7, "live": 9}[Qualifier],
            "MemorySize": 512,
            "CodeSha256": code_sha256(PACKAGES[1] if FunctionName == "transform" else b"no such package"),
        }


def endpoint(*streams: Any) -> Described:
    return Described("http://127.0.0.1:9", streams={one["DeliveryStreamName"]: one for one in streams})


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def load(running: ExitStack, *streams: Any, said: list[str] | None = None) -> Deployed:
    say = said.append if said is not None else lambda _: None
    return load_deployed(endpoint(*streams), PACKAGES, running, own=["mine"], say=say)


def function(deployed: Deployed) -> FunctionProcess:
    (found,) = {one.function for one in deployed.streams}
    assert isinstance(found, FunctionProcess)
    return found


def test_all_streams_that_read_kinesis_are_found_though_the_service_names_a_few_at_a_time() -> None:
    there = endpoint(*map(stream, ("mine-a", "mine-b", "mine-c", "other-a")), stream("mine-put", kind="DirectPut"))

    assert [one["DeliveryStreamName"] for one in delivery_streams(there, "mine-")] == ["mine-a", "mine-b", "mine-c"]
    assert len(delivery_streams(there)) == 4


def test_it_is_read_from_when_the_first_stream_was_made(running: ExitStack) -> None:
    later = MADE.replace(hour=11)

    deployed = load(running, stream("a", made=later), stream("b"), stream("c", made=later))

    assert deployed.start_ms == 1_735_725_600_123
    assert (deployed.source, deployed.bucket) == (STREAM_ARN.rpartition("/")[2], "lake")


def test_each_stream_has_its_table_and_its_version(running: ExitStack) -> None:
    deployed = load(running, stream("a", version=3), stream("b", table="other"))

    assert [(one.version, one.read().version) for one in deployed.streams] == [(3, 3), (1, 1)]
    assert [one.table_input for one in deployed.streams] == [
        {"DatabaseName": "db", "Name": "order"},
        {"DatabaseName": "db", "Name": "other"},
    ]


@pytest.mark.parametrize(("qualifier", "seconds"), [("", 7), (":live", 9)])
def test_a_function_is_configured_as_its_alias_is(running: ExitStack, qualifier: str, seconds: int) -> None:
    called = function(load(running, stream("a", function_arn=FUNCTION_ARN + qualifier)))

    assert called.configuration.timeout_seconds == seconds
    assert called.configuration.arn == FUNCTION_ARN + qualifier


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        pytest.param("transform", "second", [], id="a package that is known"),
        pytest.param("another", "first", [f"the package of the function another was not found: {INSTEAD}"], id="none"),
    ],
)
def test_the_code_that_runs_is_the_package_that_was_deployed(
    running: ExitStack, name: str, answer: str, said: list[str]
) -> None:
    told: list[str] = []

    called = function(load(running, stream("a", function_arn=FUNCTION_ARN.replace("transform", name)), said=told))

    assert called({}, SimpleNamespace(aws_request_id="", invoked_function_arn="", function_name="")) == answer
    assert told == said


@pytest.mark.parametrize(
    ("streams", "message"),
    [
        pytest.param([], "has no delivery stream that reads a Kinesis stream", id="none"),
        pytest.param([stream("a", kind="DirectPut")], "has no delivery stream that reads", id="only put to"),
        pytest.param(
            [stream("a"), stream("b", stream_arn=f"{STREAM_ARN}-2")],
            "read 2 Kinesis streams; only one",
            id="two sources",
        ),
        pytest.param([stream("a"), stream("b", bucket="other")], "write into 2 buckets; only one", id="two buckets"),
    ],
)
def test_streams_that_cannot_be_run_together_are_refused(running: ExitStack, streams: list[Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(running, *streams)


def test_a_stream_that_calls_no_function_is_refused(running: ExitStack) -> None:
    plain = stream("a")
    del plain["Destinations"][0]["ExtendedS3DestinationDescription"]["ProcessingConfiguration"]

    with pytest.raises(UserError, match="the delivery stream a does not call a function"):
        load(running, plain)
