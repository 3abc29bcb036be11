"""A DynamoDB Streams record as the change record that DynamoDB puts into Kinesis: the same facts, other members."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from firehose.local.kinesis_writer import partition_key

_IMAGES = ("NewImage", "OldImage")


def change_of_stream(record: Mapping[str, Any], table: str) -> tuple[bytes, str]:
    """The payload of the Kinesis record, and its partition key.

    {"eventName": "INSERT", "dynamodb": {"SequenceNumber": ..., "NewImage": {...}, ...}, "eventVersion": ...}
        -> b'{"awsRegion":"us-east-1","eventID":...,"recordFormat":"application/json",...}', "5B1E..."

    Sequence number, view type and version stay behind, as DynamoDB leaves them out.
    """
    change = record["dynamodb"]
    images = {name: change[name] for name in _IMAGES if change.get(name)}
    keys = msgspec.json.encode(change["Keys"])
    payload = {
        "awsRegion": record["awsRegion"],
        "eventID": _event_id(record["eventID"]),
        "eventName": record["eventName"],
        "userIdentity": _user(record.get("userIdentity")),
        "recordFormat": "application/json",
        "tableName": table,
        "dynamodb": {
            "ApproximateCreationDateTime": _micros(change["ApproximateCreationDateTime"]),
            "Keys": msgspec.Raw(keys),
            **images,
            "SizeBytes": change["SizeBytes"],
            "ApproximateCreationDateTimePrecision": "MICROSECOND",
        },
        "eventSource": "aws:dynamodb",
    }
    # Binary attributes are bytes in boto3, and base64 in JSON, which is how msgspec writes bytes.
    return msgspec.json.encode(payload), partition_key(keys)


def _event_id(text: str) -> str:
    """A UUID in Kinesis; 32 hex digits in Streams."""
    try:
        return str(UUID(text))
    except ValueError:
        return text


def _user(identity: Mapping[str, str] | None) -> dict[str, str] | None:
    """{"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}, of what TTL deleted; boto3 names it in capitals."""
    if not identity:
        return None
    return {"principalId": identity["PrincipalId"], "type": identity["Type"]}


def _micros(moment: datetime) -> int:
    """Without a float, which has no microseconds left at this size."""
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond
