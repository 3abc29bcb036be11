"""Turns a DynamoDB Streams record into the change record that DynamoDB puts into Kinesis."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from firehose.local.kinesis_writer import partition_key

MICROSECOND = "MICROSECOND"

# The microseconds in a unit of a destination's precision.
_MICROS = {MICROSECOND: 1, "MILLISECOND": 1000}

_IMAGES = ("NewImage", "OldImage")


def change_of_stream(
    record: Mapping[str, Any], table: str, *, region: str = "", precision: str = MICROSECOND
) -> tuple[bytes, str]:
    """Return the payload of the Kinesis record, and its partition key.

    {"eventName": "INSERT", "dynamodb": {"SequenceNumber": ..., "NewImage": {...}, ...}, "eventVersion": ...}
        -> b'{"awsRegion":"us-east-1","eventID":...,"recordFormat":"application/json",...}', "5B1E..."

    Sequence number, view type and version are left out, as by DynamoDB. `region` is the table's, if it is not the
    record's; `precision` is MICROSECOND or MILLISECOND.
    """
    change = record["dynamodb"]
    images = {name: change[name] for name in _IMAGES if change.get(name)}
    keys = msgspec.json.encode(change["Keys"])
    payload = {
        "awsRegion": region or record["awsRegion"],
        "eventID": _event_id(record["eventID"]),
        "eventName": record["eventName"],
        "userIdentity": _user(record.get("userIdentity")),
        "recordFormat": "application/json",
        "tableName": table,
        "dynamodb": {
            "ApproximateCreationDateTime": _micros(change["ApproximateCreationDateTime"]) // _MICROS[precision],
            "Keys": msgspec.Raw(keys),
            **images,
            "SizeBytes": change["SizeBytes"],
            "ApproximateCreationDateTimePrecision": precision,
        },
        "eventSource": "aws:dynamodb",
    }
    # boto3 has binary attributes as bytes; msgspec writes bytes as base64, as DynamoDB does.
    return msgspec.json.encode(payload), partition_key(keys)


def _event_id(text: str) -> str:
    """Return the id as Kinesis has it, a UUID; Streams has 32 hex digits."""
    try:
        return str(UUID(text))
    except ValueError:
        return text


def _user(identity: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return the identity in DynamoDB's spelling; boto3 capitalises it. Only deletions by TTL have one.

    {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"} -> {"principalId": ..., "type": "Service"}
    """
    if not identity:
        return None
    return {"principalId": identity["PrincipalId"], "type": identity["Type"]}


def _micros(moment: datetime) -> int:
    """Return microseconds since 1970, without a float, which is too coarse at this size."""
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond
