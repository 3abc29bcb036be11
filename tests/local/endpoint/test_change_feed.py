"""Changes of DynamoDB tables in a Kinesis stream, as DynamoDB sends them to a streaming destination."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.endpoints import LocalAws

pytestmark = pytest.mark.slow

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
KEY = {"pk": {"S": "a"}}


@pytest.fixture
def orders(aws: LocalAws) -> LocalAws:
    aws.client("kinesis").create_stream(StreamName="changes", ShardCount=1)
    aws.client("dynamodb").create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    return aws


def enable(aws: LocalAws, **more: Any) -> str:
    answer = aws.client("dynamodb").enable_kinesis_streaming_destination(TableName="orders", StreamArn=ARN, **more)
    return str(answer["DestinationStatus"])


def put(aws: LocalAws, key: str = "a", **attributes: Any) -> None:
    aws.client("dynamodb").put_item(TableName="orders", Item={"pk": {"S": key}, **attributes})


def changes(aws: LocalAws) -> list[dict[str, Any]]:
    kinesis = aws.client("kinesis")
    (shard,) = kinesis.list_shards(StreamName="changes")["Shards"]
    where = {"StreamName": "changes", "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**where)["ShardIterator"]
    return [json.loads(record["Data"]) for record in kinesis.get_records(ShardIterator=iterator)["Records"]]


def test_each_change_is_sent_with_its_images(orders: LocalAws) -> None:
    assert enable(orders) == "ENABLING"

    put(orders, qty={"N": "1"})
    orders.client("dynamodb").update_item(
        TableName="orders",
        Key=KEY,
        UpdateExpression="SET qty = :qty",
        ExpressionAttributeValues={":qty": {"N": "2"}},
    )
    orders.client("dynamodb").delete_item(TableName="orders", Key=KEY)

    found = changes(orders)
    assert [one["eventName"] for one in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert [one["dynamodb"].get("OldImage", {}).get("qty") for one in found] == [None, {"N": "1"}, {"N": "2"}]
    assert [one["dynamodb"].get("NewImage", {}).get("qty") for one in found] == [{"N": "1"}, {"N": "2"}, None]
    assert {one["tableName"] for one in found} == {"orders"}


def test_a_table_without_a_stream_of_its_own_stays_without(orders: LocalAws) -> None:
    enable(orders)
    put(orders)

    assert "StreamSpecification" not in orders.client("dynamodb").describe_table(TableName="orders")["Table"]
    assert orders.client("dynamodbstreams").list_streams()["Streams"] == []


def test_a_stream_that_a_table_gets_later_has_its_changes_too(orders: LocalAws) -> None:
    enable(orders)
    orders.client("dynamodb").update_table(
        TableName="orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )

    put(orders)

    streams = orders.client("dynamodbstreams")
    (listed,) = streams.list_streams()["Streams"]
    (shard,) = streams.describe_stream(StreamArn=listed["StreamArn"])["StreamDescription"]["Shards"]
    where = {"StreamArn": listed["StreamArn"], "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    records = streams.get_records(ShardIterator=streams.get_shard_iterator(**where)["ShardIterator"])["Records"]
    assert [record["eventName"] for record in records] == ["INSERT"]
    assert [one["eventName"] for one in changes(orders)] == ["INSERT"]


def test_a_put_that_changes_nothing_sends_nothing(orders: LocalAws) -> None:
    enable(orders)

    put(orders, qty={"N": "1"})
    put(orders, qty={"N": "1"})

    assert len(changes(orders)) == 1


def test_a_transaction_that_fails_sends_nothing(orders: LocalAws) -> None:
    enable(orders)
    put(orders)
    taken = {"TableName": "orders", "Item": KEY, "ConditionExpression": "attribute_not_exists(pk)"}

    with pytest.raises(ClientError, match="TransactionCanceledException"):
        orders.client("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": "orders", "Item": {"pk": {"S": "b"}}}}, {"Put": taken}]
        )
    orders.client("dynamodb").transact_write_items(
        TransactItems=[{"Put": {"TableName": "orders", "Item": {"pk": {"S": "c"}}}}]
    )

    assert [one["dynamodb"]["Keys"]["pk"]["S"] for one in changes(orders)] == ["a", "c"]


@pytest.mark.parametrize(("precision", "digits"), [("MICROSECOND", 16), ("MILLISECOND", 13)])
def test_the_time_of_a_change_has_the_destinations_precision(orders: LocalAws, precision: str, digits: int) -> None:
    enable(orders, EnableKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": precision})

    put(orders)

    (change,) = (one["dynamodb"] for one in changes(orders))
    assert len(str(change["ApproximateCreationDateTime"])) == digits
    assert change["ApproximateCreationDateTimePrecision"] == precision


def test_a_disabled_destination_gets_nothing_and_is_still_described(orders: LocalAws) -> None:
    dynamodb = orders.client("dynamodb")
    enable(orders)
    dynamodb.disable_kinesis_streaming_destination(TableName="orders", StreamArn=ARN)

    put(orders)

    (only,) = dynamodb.describe_kinesis_streaming_destination(TableName="orders")["KinesisDataStreamDestinations"]
    assert (only["StreamArn"], only["DestinationStatus"]) == (ARN, "DISABLED")
    assert changes(orders) == []
    assert enable(orders) == "ENABLING"
    put(orders, "b")
    assert len(changes(orders)) == 1


def test_a_destination_is_enabled_once_and_on_a_table_that_exists(orders: LocalAws) -> None:
    enable(orders)

    with pytest.raises(ClientError, match="ValidationException"):
        enable(orders)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        orders.client("dynamodb").describe_kinesis_streaming_destination(TableName="none")
