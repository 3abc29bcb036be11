"""Firehose's own error records: one JSON document a line, all of one flush and one error type in one object.

The members and their order are those of captured objects, which the documentation differs from (it shows quoted numbers
and `lambdaArn`). `rawData` is always the record as it came from the source: whoever replays it needs the change, and
what a function made of it can be made again.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, TypeAlias

import msgspec

from firehose.source import EventRecord
from firehose.stream.conversion_settings import TableReference

# Values of !{firehose:error-output-type}. No page names the one for partition keys that cannot be evaluated; they are
# counted with what failed in processing.
PROCESSING_FAILED = "processing-failed"
CONVERSION_FAILED = "format-conversion-failed"
PARTITIONS_EXCEEDED = "activePartitionExceeded"

ErrorRecord: TypeAlias = dict[str, Any]


def processing_error(
    record: EventRecord, code: str, message: str, *, attempts: int, ended_ms: int, lambda_arn: str = ""
) -> ErrorRecord:
    """What becomes of a record that the function failed, or whose partition keys were of no use (no ARN then).

    -> {"rawData": "e30=", "errorCode": "Lambda.ProcessingFailedStatus", "errorMessage": ..., "attemptsMade": 1,
        "arrivalTimestamp": 1714564809617, "attemptEndingTimestamp": 1714564809617, "lambdaARN": ...}
    """
    error = {
        "rawData": record["data"],
        "errorCode": code,
        "errorMessage": message,
        "attemptsMade": attempts,
        "arrivalTimestamp": record["approximateArrivalTimestamp"],
        "attemptEndingTimestamp": ended_ms,
    }
    return {**error, "lambdaARN": lambda_arn} if lambda_arn else error


def conversion_error(
    record: EventRecord, code: str, message: str, *, ended_ms: int, table: Mapping[str, str]
) -> ErrorRecord:
    """What becomes of a record that did not convert; `table` is `catalog_table`."""
    kinesis = record["kinesisRecordMetadata"]
    return {
        "attemptsMade": 1,
        "arrivalTimestamp": record["approximateArrivalTimestamp"],
        "lastErrorCode": code,
        "lastErrorMessage": message,
        "attemptEndingTimestamp": ended_ms,
        "rawData": record["data"],
        "sequenceNumber": kinesis["sequenceNumber"],
        "subSequenceNumber": kinesis["subsequenceNumber"],
        "dataCatalogTable": table,
    }


def catalog_table(table: TableReference, account: str) -> dict[str, str]:
    """`dataCatalogTable`: {"catalogId": "123456789012", "databaseName": ..., "versionId": "LATEST", ...}."""
    return {
        "catalogId": table.catalog or account,
        "databaseName": table.database,
        "tableName": table.table,
        "region": table.region,
        "versionId": table.version,
        "roleArn": table.role_arn,
    }


@dataclass(slots=True)
class ErrorBuffer:
    """The failures of one stream and error type since the last flush."""

    error_output_type: str
    lines: list[bytes] = field(default_factory=list)
    ordinals: list[int] = field(default_factory=list)
    oldest_ms: int = 0
    size_bytes: int = 0
    opened_ms: int | None = None
    _digest: Any = field(default_factory=sha1)

    def add(self, error: ErrorRecord, record: EventRecord, ordinal: int, now_ms: int | None) -> None:
        """Keeps one failure; the ordinal is settled when the object is written."""
        line = msgspec.json.encode(error) + b"\n"
        arrival_ms = record["approximateArrivalTimestamp"]
        if not self.lines:
            self.opened_ms, self.oldest_ms = now_ms, arrival_ms
        self.lines.append(line)
        self.ordinals.append(ordinal)
        self.oldest_ms = min(self.oldest_ms, arrival_ms)
        self.size_bytes += len(line)
        self._digest.update(record["recordId"].encode())

    def uuid(self, stream_name: str) -> uuid.UUID:
        """Derived from what the object holds, so that the same input replaces it."""
        digest = self._digest.copy()
        digest.update(f"{stream_name} {self.error_output_type}".encode())
        return uuid.UUID(bytes=digest.digest()[:16], version=5)
