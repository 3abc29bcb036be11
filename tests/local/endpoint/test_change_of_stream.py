"""A change of a table in the shape in which DynamoDB puts it into a Kinesis stream."""

import json
from datetime import UTC, datetime
from typing import Any

from firehose.local.endpoint.change_of_stream import change_of_stream
from firehose.local.kinesis_writer import partition_key
from tests.given import s

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
