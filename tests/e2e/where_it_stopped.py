"""Where changes came to a stop that nobody finds: between the table and the stream, before the lake, or behind it."""

from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from firehose.pipeline.names import Names
from glue.layout import ERRORS, Format, partition, type_prefix
from tests.e2e.athena import Client


def where_it_stopped(client: Client, names: Names, mode: Format, record_type: str, date: str, since: datetime) -> str:
    """A sentence that says where to look on, by all that the CI role may see.

    "the stream or the function: nothing came to data-pipeline/parquet/sale/partition_date=2025-01-01/ since ..."
    """
    status = replication(client("dynamodb"), names.table)
    if status not in {"ACTIVE", ""}:
        return f"stopped at the table: DynamoDB does not carry its changes to a stream ({status})"
    prefix = partition(type_prefix(mode, record_type), date)
    failed = _objects_since(client, names.bucket, ERRORS, since)
    hint = f"; {failed} objects came to {ERRORS}: dmd errors --lake s3://{names.bucket}" if failed else ""
    delivered = _objects_since(client, names.bucket, prefix, since)
    if not delivered:
        return f"stopped before the lake: nothing came to {prefix}, so look at the stream and the function{hint}"
    return f"stopped behind the lake or at single records: {delivered} objects came to {prefix}{hint}"


def replication(dynamodb: Any, table: str) -> str:
    """The state in which DynamoDB carries the changes of a table to Kinesis; "" where that is not told."""
    try:
        answer = dynamodb.describe_kinesis_streaming_destination(TableName=table)
    except (ClientError, BotoCoreError, ResponseParserError):  # not every local endpoint knows it
        return ""
    states = [one["DestinationStatus"] for one in answer.get("KinesisDataStreamDestinations", [])]
    return "ACTIVE" if "ACTIVE" in states else ", ".join(states) or "no destination"


def _objects_since(client: Client, bucket: str, prefix: str, since: datetime) -> int:
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sum(one["LastModified"] >= since for page in pages for one in page.get("Contents", []))
