"""The delivery streams of an endpoint, their tables and functions, as its services describe them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from firehose.local.config.source import KINESIS
from firehose.local.endpoint.deployed import (
    catalog_table,
    delivery_streams,
    function_arn,
    function_configuration,
    stream_request,
)
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.user_error import UserError
from tests.firehose_streams import FUNCTION_ARN, request

MADE = datetime(2025, 1, 1, 10, 0, 0, 123_999, tzinfo=UTC)


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
            "CodeSha256": "",
        }


def endpoint(*streams: Any) -> Described:
    return Described("http://127.0.0.1:9", streams={one["DeliveryStreamName"]: one for one in streams})


def test_all_streams_that_read_kinesis_are_found_though_the_service_names_a_few_at_a_time() -> None:
    there = endpoint(*map(stream, ("mine-a", "mine-b", "mine-c", "other-a")), stream("mine-put", kind="DirectPut"))

    assert [one["DeliveryStreamName"] for one in delivery_streams(there, "mine-")] == ["mine-a", "mine-b", "mine-c"]
    assert len(delivery_streams(there)) == 4


@pytest.mark.parametrize("table", ["order", "other"])
def test_each_stream_has_its_table(table: str) -> None:
    found = catalog_table(endpoint(), stream_request(stream("a", table=table)))

    assert found == {"DatabaseName": "db", "Name": table}


@pytest.mark.parametrize(("qualifier", "seconds"), [("", 7), (":live", 9)])
def test_a_function_is_configured_as_its_alias_is(qualifier: str, seconds: int) -> None:
    called = function_configuration(endpoint(), FUNCTION_ARN + qualifier)

    assert called.timeout_seconds == seconds
    assert called.arn == FUNCTION_ARN + qualifier


def test_a_stream_that_calls_no_function_is_refused() -> None:
    plain = stream("a")
    del plain["Destinations"][0]["ExtendedS3DestinationDescription"]["ProcessingConfiguration"]

    with pytest.raises(UserError, match="the delivery stream a does not call a function"):
        function_arn(stream_request(plain))
