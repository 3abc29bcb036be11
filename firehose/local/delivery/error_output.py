"""Firehose's own error records: one JSON document a line, all of one flush and one error type in one object.

The members and their order are those of captured objects, which the documentation differs from (it shows quoted numbers
and `lambdaArn`). `rawData` is the record as it came from the source: whoever replays it needs the change, and what a
function made of it can be made again. Of what did not convert nobody knows whether it is that or what the function made
of it, so that can be had as well.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from firehose.local.behaviour import OBSERVED, Behaviour, ErrorCompression, RawData
from firehose.local.config.conversion_settings import TableReference
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.prefix import Instance, instant, object_name
from firehose.local.config.s3_settings import EXTENSIONS
from firehose.local.conversion.converter import ConversionFailure
from firehose.local.delivery.buffering import ByteBuffer
from firehose.local.delivery.compression import COMPRESSIONS
from firehose.local.delivery.putting import Put
from firehose.local.delivery.upload_queue import ObjectManifest, UploadQueue
from firehose.local.event_record import EventRecord
from firehose.local.ledger import FAILED
from firehose.local.processors.function_reply import Failure

# Values of !{firehose:error-output-type}. No page names the one for partition keys that cannot be evaluated; they are
# counted with what failed in processing.
PROCESSING_FAILED = "processing-failed"
CONVERSION_FAILED = "format-conversion-failed"
PARTITIONS_EXCEEDED = "activePartitionExceeded"

# A record id ends in the sequence number, padded to 128 digits, and 12 digits of the subsequence number: observed.
_SUBSEQUENCE_DIGITS = 12
_NUMBERS_DIGITS = 128 + _SUBSEQUENCE_DIGITS

# Ours: a run of which every record fails keeps no more than this of one error type in memory.
ERROR_OBJECT_BYTES = 8 * 1024 * 1024

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
    record: EventRecord, code: str, message: str, *, ended_ms: int, table: Mapping[str, str], raw_data: str
) -> ErrorRecord:
    """What becomes of a record that did not convert; `table` is `catalog_table`, `raw_data` base64.

    Its numbers are those in its id, so that a record that was put, which has no Kinesis metadata, has them too: real
    objects of such streams do.
    """
    return {
        "attemptsMade": 1,
        "arrivalTimestamp": record["approximateArrivalTimestamp"],
        "lastErrorCode": code,
        "lastErrorMessage": message,
        "attemptEndingTimestamp": ended_ms,
        "rawData": raw_data,
        "sequenceNumber": record["recordId"][-_NUMBERS_DIGITS:-_SUBSEQUENCE_DIGITS].lstrip("0"),
        "subSequenceNumber": int(record["recordId"][-_SUBSEQUENCE_DIGITS:]),
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


class ErrorOutput:
    """The error objects of one stream: all failures of one flush and type in one, uncompressed as observed."""

    def __init__(
        self,
        stream: DeliveryStream,
        upload_queue: UploadQueue,
        failed: Counter[str],
        *,
        table: Mapping[str, str],
        behaviour: Behaviour = OBSERVED,
    ) -> None:
        self._stream = stream
        self._outbox = upload_queue
        self._failed = failed
        self._table = table
        self._raw_data = behaviour.conversion_raw_data
        as_data = behaviour.error_compression is ErrorCompression.AS_DATA
        self._compression = stream.destination.compression if as_data else "UNCOMPRESSED"
        self._waiting: dict[str, ByteBuffer] = {}

    @property
    def size_bytes(self) -> int:
        """What the errors that wait take."""
        return sum(pieces.size_bytes for pieces in self._waiting.values())

    def add_function_failure(self, record: EventRecord, failure: Failure, ordinal: int, now_ms: int | None) -> None:
        """Keeps a record that the function failed."""
        function = self._stream.processing.function
        error = processing_error(
            record,
            failure.code,
            failure.message,
            attempts=failure.attempts,
            ended_ms=_ended_ms(record, now_ms),
            lambda_arn=function.function_arn if function else "",
        )
        self._keep(PROCESSING_FAILED, failure.code, error, record, ordinal, now_ms)

    def add_partition_key_error(self, record: EventRecord, message: str, ordinal: int, now_ms: int | None) -> None:
        """Keeps a record whose partition keys are of no use."""
        self._of_partition(PROCESSING_FAILED, "MetadataExtractionFailed", message, record, ordinal, now_ms)

    def add_partition_limit_error(self, record: EventRecord, limit: int, ordinal: int, now_ms: int | None) -> None:
        """Keeps a record of one active partition too many."""
        message = f"more than {limit} active partitions"
        self._of_partition(PARTITIONS_EXCEEDED, "ActivePartitionsLimitExceeded", message, record, ordinal, now_ms)

    def add_conversion_failure(
        self, record: EventRecord, failure: ConversionFailure, data: bytes, ordinal: int, now_ms: int | None
    ) -> None:
        """Keeps a record that did not convert; `data` is what was to be."""
        error = conversion_error(
            record,
            failure.code,
            failure.message,
            ended_ms=_ended_ms(record, now_ms),
            table=self._table,
            raw_data=record["data"] if self._raw_data is RawData.ORIGINAL else b64encode(data).decode(),
        )
        self._keep(CONVERSION_FAILED, failure.code, error, record, ordinal, now_ms)

    def flush_all(self) -> None:
        """All that waits becomes objects, one of each type."""
        for kind in list(self._waiting):
            self._flush(kind)

    def flush_due(self, due_ms: int) -> None:
        """What has waited since `due_ms` or before becomes objects."""
        for kind, pieces in list(self._waiting.items()):
            if pieces.opened_ms is not None and pieces.opened_ms <= due_ms:
                self._flush(kind)

    def _of_partition(
        self, kind: str, code: str, message: str, record: EventRecord, ordinal: int, now_ms: int | None
    ) -> None:
        code = f"DynamicPartitioning.{code}"
        error = processing_error(record, code, message, attempts=1, ended_ms=_ended_ms(record, now_ms))
        self._keep(kind, code, error, record, ordinal, now_ms)

    def _keep(
        self, kind: str, code: str, error: ErrorRecord, record: EventRecord, ordinal: int, now_ms: int | None
    ) -> None:
        pieces = self._waiting.setdefault(kind, ByteBuffer())
        pieces.add(msgspec.json.encode(error) + b"\n", record, ordinal, now_ms)
        self._failed[code] += 1
        if pieces.size_bytes >= ERROR_OBJECT_BYTES:
            self._flush(kind)

    def _flush(self, kind: str) -> None:
        pieces = self._waiting.pop(kind)
        stream = self._stream
        uuid = pieces.uuid(f"{stream.name} {kind}")
        at = instant(pieces.oldest_ms, stream.destination.time_zone)
        prefix = stream.destination.error_prefix.evaluate(Instance({}, at, uuid.hex, kind))
        compression = COMPRESSIONS[self._compression]
        name = object_name(stream.name, stream.version, at, uuid, EXTENSIONS[self._compression])
        # "Retries forever and blocks further delivery" is said of conversion's errors (guide, "Record format
        # conversion error handling"), and of no others.
        blocks = kind == CONVERSION_FAILED
        contents = ObjectManifest(pieces.ordinals, FAILED, pieces.oldest_ms, pieces.original_bytes, blocks=blocks)
        body = compression.compress(b"".join(pieces.pieces), name)
        self._outbox.send([Put(prefix + name, body, compression.content_encoding, contents)])


def _ended_ms(record: EventRecord, now_ms: int | None) -> int:
    # Without a clock the arrival, so that the same input gives the same bytes.
    arrival_ms: int = record["approximateArrivalTimestamp"]
    return arrival_ms if now_ms is None else now_ms
