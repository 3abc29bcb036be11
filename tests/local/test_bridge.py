"""The bridge copies every change of a table to the Kinesis stream, in the shape in which DynamoDB puts it there."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from firehose.local.endpoint.bridge import Bridge
from firehose.local.endpoint.change_of_stream import change_of_stream
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.kinesis_writer import partition_key
from tests.given import s
from tests.processors import direct_put_record

pytestmark = pytest.mark.slow

MOMENT = datetime(2025, 1, 1, 10, 0, 0, 123456, tzinfo=UTC)


def stream_record(name: str = "MODIFY", **members: Any) -> dict[str, Any]:
    """A record of DynamoDB Streams, as boto3 returns it."""
    change = {
        "ApproximateCreationDateTime": MOMENT,
        "Keys": {"pk": s("P")},
        "NewImage": {"pk": s("P"), "b": {"B": b"\x00\xff"}},
        "OldImage": {"pk": s("P")},
        "SequenceNumber": "1",
        "SizeBytes": 59,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    return {
        "eventID": "0123456789abcdef0123456789abcdef",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {key: value for key, value in change.items() if key not in members.get("without", ())},
        **{key: value for key, value in members.items() if key != "without"},
    }


def test_a_change_has_the_members_that_dynamodb_puts_into_kinesis() -> None:
    payload, key = change_of_stream(stream_record(), "t")

    assert json.loads(payload) == {
        "awsRegion": "us-east-1",
        "eventID": "01234567-89ab-cdef-0123-456789abcdef",
        "eventName": "MODIFY",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "t",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_735_725_600_123_456,
            "Keys": {"pk": {"S": "P"}},
            "NewImage": {"pk": {"S": "P"}, "b": {"B": "AP8="}},
            "OldImage": {"pk": {"S": "P"}},
            "SizeBytes": 59,
            "ApproximateCreationDateTimePrecision": "MICROSECOND",
        },
        "eventSource": "aws:dynamodb",
    }
    assert key == partition_key(b'{"pk":{"S":"P"}}')


def test_an_image_that_a_change_has_not_stays_absent() -> None:
    empty = stream_record("REMOVE")
    empty["dynamodb"]["NewImage"] = {}

    for record in (stream_record("REMOVE", without=("NewImage",)), empty):
        payload, _ = change_of_stream(record, "t")

        assert "NewImage" not in json.loads(payload)["dynamodb"]


def test_what_ttl_deleted_says_so_in_dynamodbs_own_spelling() -> None:
    by_ttl = stream_record(userIdentity={"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"})

    payload, _ = change_of_stream(by_ttl, "t")

    assert json.loads(payload)["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


class Mocked(Endpoint):
    """moto in this process. Asked for Kinesis destinations, it fails, as its server does with 500."""

    def client(self, service: str, **_: Any) -> Any:
        # botocore has a newer host name for DynamoDB Streams, which moto does not know.
        host = {"endpoint_url": "https://streams.dynamodb.us-east-1.amazonaws.com"} if "streams" in service else {}
        client = boto3.client(service, region_name=self.region, **host)
        if service == "dynamodb":
            client.describe_kinesis_streaming_destination = Mock(
                side_effect=ClientError({"Error": {"Code": "500"}}, "DescribeKinesisStreamingDestination")
            )
        return client


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with mock_aws():
        made = Mocked("moto")
        made.client("kinesis").create_stream(StreamName="dmnd", ShardCount=1)
        make_table(made, "t")
        yield made


def make_table(endpoint: Endpoint, name: str) -> None:
    endpoint.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def put(endpoint: Endpoint, *keys: str, table: str = "t") -> None:
    for key in keys:
        endpoint.client("dynamodb").put_item(TableName=table, Item={"pk": s(key)})


def carried(endpoint: Endpoint) -> list[tuple[str, str]]:
    """The name and key of each change in the Kinesis stream."""
    kinesis = endpoint.client("kinesis")
    where = {"StreamName": "dmnd", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    answer = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**where)["ShardIterator"])
    changes = [json.loads(record["Data"]) for record in answer["Records"]]
    return [(change["eventName"], change["dynamodb"]["Keys"]["pk"]["S"]) for change in changes]


def test_every_change_is_carried_once_in_order(endpoint: Endpoint, tmp_path: Path) -> None:
    bridge = Bridge(endpoint, "dmnd", state=tmp_path)
    put(endpoint, "a", "b")
    assert bridge.carry() == 2
    put(endpoint, "a")
    endpoint.client("dynamodb").put_item(TableName="t", Item={"pk": s("a"), "x": s("1")})
    endpoint.client("dynamodb").delete_item(TableName="t", Key={"pk": s("b")})

    assert bridge.carry() + bridge.carry() == len(carried(endpoint)) - 2
    assert carried(endpoint)[:2] == [("INSERT", "a"), ("INSERT", "b")]
    assert carried(endpoint)[-2:] == [("MODIFY", "a"), ("REMOVE", "b")]


def test_a_bridge_started_again_goes_on_where_the_last_one_was(endpoint: Endpoint, tmp_path: Path) -> None:
    put(endpoint, "a", "b")
    Bridge(endpoint, "dmnd", state=tmp_path).carry()
    put(endpoint, "c")

    assert Bridge(endpoint, "dmnd", state=tmp_path).carry() == 1
    assert carried(endpoint) == [("INSERT", "a"), ("INSERT", "b"), ("INSERT", "c")]


def test_more_changes_than_one_answer_holds_are_all_carried(endpoint: Endpoint, tmp_path: Path) -> None:
    put(endpoint, *"abcde")

    assert Bridge(endpoint, "dmnd", state=tmp_path, page_records=2).carry() == 5


def test_changes_are_carried_whenever_the_source_waits(endpoint: Endpoint, tmp_path: Path) -> None:
    bridge = Bridge(endpoint, "dmnd", state=tmp_path)
    put(endpoint, "a")

    record = direct_put_record(b"", number=1, arrival_ms=1)
    assert list(bridge.before([record, None])) == [record, None]
    assert bridge.carried == 1


class WithDestinations(Mocked):
    """An endpoint that knows destinations of tables: these, by stream and status."""

    destinations: ClassVar[dict[str, str]] = {}

    def client(self, service: str, **more: Any) -> Any:
        client = super().client(service, **more)
        if service == "dynamodb":
            arn = "arn:aws:kinesis:us-east-1:123456789012:stream/"
            listed = [{"StreamArn": arn + name, "DestinationStatus": it} for name, it in self.destinations.items()]
            answer = {"KinesisDataStreamDestinations": listed}
            client.describe_kinesis_streaming_destination = lambda **_: answer
        return client


@pytest.mark.parametrize(
    ("destinations", "carried"),
    [
        pytest.param({"dmnd": "ACTIVE"}, [], id="the endpoint does it"),
        pytest.param({"dmnd": "ENABLING"}, [], id="the endpoint will do it"),
        pytest.param({"dmnd": "UPDATING"}, [], id="the endpoint goes on doing it"),
        pytest.param({"dmnd": "DISABLED"}, ["t"], id="disabled"),
        pytest.param({"dmnd": "DISABLING"}, ["t"], id="soon disabled"),
        pytest.param({"dmnd": "ENABLE_FAILED"}, ["t"], id="failed"),
        pytest.param({"other-dmnd": "ACTIVE", "dmnd-other": "ACTIVE"}, ["t"], id="into other streams"),
        pytest.param({"other": "ACTIVE", "dmnd": "DISABLED"}, ["t"], id="disabled, and into another stream"),
        pytest.param({}, ["t"], id="none"),
    ],
)
def test_a_table_is_carried_unless_the_endpoint_does_it_itself(
    tmp_path: Path,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    destinations: dict[str, str],
    carried: list[str],
) -> None:
    monkeypatch.setattr(WithDestinations, "destinations", destinations)

    assert Bridge(WithDestinations("moto"), "dmnd", state=tmp_path).tables == carried


def test_an_endpoint_that_does_not_know_destinations_carries_nothing_itself(tmp_path: Path, endpoint: Endpoint) -> None:
    assert Bridge(endpoint, "dmnd", state=tmp_path).tables == ["t"]
