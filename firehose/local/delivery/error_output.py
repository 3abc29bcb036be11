"""Firehose's own error records: one JSON document a line; one object holds those of one flush and one error type.

The members and their order are those of captured objects. The documentation differs: it shows quoted numbers and
`lambdaArn`. `rawData` is the record as it came from the source. For a record that did not convert, nobody knows whether
AWS keeps that or the function's answer: `Behaviour.conversion_raw_data` chooses.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from firehose.local.batch import Batch
from firehose.local.behaviour import OBSERVED, Behaviour, ErrorCompression, RawData
from firehose.local.config.conversion_settings import TableReference
from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.config.prefix import PartitionKeyError
from firehose.local.config.s3_settings import EXTENSIONS
from firehose.local.conversion.converter import ConversionFailure
from firehose.local.conversion.row_error import RowError
from firehose.local.delivery.buffering import ByteBuffer
from firehose.local.delivery.compression import COMPRESSIONS
from firehose.local.delivery.object_names import ObjectNames
from firehose.local.delivery.partition_keys import QueryKeyError
from firehose.local.delivery.putting import ObjectManifest, ObjectPut
from firehose.local.delivery.upload_queue import UploadQueue
from firehose.local.event_record import EventRecord
from firehose.local.ledger import FAILED
from firehose.local.processors.invocation import LambdaCode
from firehose.local.processors.stage import METADATA_EXTRACTION_FAILED, ProcessorFailure
from firehose.local.report import FirstFailure, StreamReport

# Values of !{firehose:error-output-type}, beside those of processors (stage.py).
PARTITIONING_FAILED = "partitioning-failed"
CONVERSION_FAILED = "format-conversion-failed"
PARTITIONS_EXCEEDED = "activePartitionExceeded"
ICEBERG_FAILED = "iceberg-failed"

# A record id ends in the sequence number, padded to 128 digits, and 12 digits of the subsequence number: observed.
_SUBSEQUENCE_DIGITS = 12
_NUMBERS_DIGITS = 128 + _SUBSEQUENCE_DIGITS

# The member with the message: of error records of format conversion it is another.
_MESSAGES = ("errorMessage", "lastErrorMessage")

# Our limit, for each error type: it bounds the memory of a run in which every record fails.
ERROR_OBJECT_BYTES = 8 * 1024 * 1024

ErrorRecord: TypeAlias = dict[str, Any]


def processing_error(
    record: EventRecord, code: str, message: str, *, attempts: int, ended_ms: int, lambda_arn: str = ""
) -> ErrorRecord:
    """Returns the error record of a record that the function failed, or that has no partition (without an ARN then).

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
    """Returns the error record of a record that did not convert; `table` is `catalog_table`, `raw_data` base64.

    The sequence number is read from the record's id: real error objects have it even for records that were put
    directly, which have no Kinesis metadata.
    """
    return {
        "attemptsMade": 1,
        "arrivalTimestamp": record["approximateArrivalTimestamp"],
        "lastErrorCode": code,
        "lastErrorMessage": message,
        "attemptEndingTimestamp": ended_ms,
        "rawData": raw_data,
        "sequenceNumber": _sequence_number(record),
        "subSequenceNumber": _subsequence_number(record),
        "dataCatalogTable": table,
    }


def iceberg_error(record: EventRecord, error: RowError, *, attempts: int, ended_ms: int) -> ErrorRecord:
    """Returns the error record of a row for an Iceberg table; `record` has the row as its data.

    The members are those of error objects that users have shown; their values in part inferred.
    """
    return {
        "attemptsMade": attempts,
        "arrivalTimestamp": record["approximateArrivalTimestamp"],
        "errorCode": error.code,
        "errorMessage": error.message,
        "attemptEndingTimestamp": ended_ms,
        "rawData": record["data"],
        "EventId": f"{record['recordId'][:-_NUMBERS_DIGITS]}:{_sequence_number(record)}",
        "SubsequenceNumber": _subsequence_number(record),
        "ApproximateArrivalTimestamp": record["approximateArrivalTimestamp"],
    }


def _sequence_number(record: EventRecord) -> str:
    return record["recordId"][-_NUMBERS_DIGITS:-_SUBSEQUENCE_DIGITS].lstrip("0")


def _subsequence_number(record: EventRecord) -> int:
    return int(record["recordId"][-_SUBSEQUENCE_DIGITS:])


def catalog_table(table: TableReference, account: str) -> dict[str, str]:
    """Returns `dataCatalogTable`: {"catalogId": "123456789012", "databaseName": ..., "versionId": "LATEST", ...}."""
    return {
        "catalogId": table.catalog or account,
        "databaseName": table.database,
        "tableName": table.table,
        "region": table.region,
        "versionId": table.version,
        "roleArn": table.role_arn,
    }


class ErrorOutput:
    """Collects the error records of one stream and sends them as objects: one for each flush and error type."""

    def __init__(
        self,
        stream: DeliveryStream,
        upload_queue: UploadQueue,
        report: StreamReport,
        *,
        table: Mapping[str, str],
        behaviour: Behaviour = OBSERVED,
    ) -> None:
        destination = stream.destination
        self._stream = stream
        self._uploads = upload_queue
        self._report = report
        self._table = table
        self._raw_data = behaviour.conversion_raw_data
        compressed = behaviour.error_compression is ErrorCompression.AS_DATA
        compression = destination.compression if compressed else "UNCOMPRESSED"
        self._compression = COMPRESSIONS[compression]
        extension = EXTENSIONS[compression]
        self._names = ObjectNames(
            stream.name, stream.version, destination.error_prefix, destination.time_zone, extension
        )
        self._waiting: dict[str, ByteBuffer] = {}

    @property
    def size_bytes(self) -> int:
        """The size of the error records that wait."""
        return sum(buffer.size_bytes for buffer in self._waiting.values())

    def add_processor_failure(self, batch: Batch, failure: ProcessorFailure) -> None:
        """Adds a record that a processor failed: the function, or the query of partition keys."""
        by_function = isinstance(failure.code, LambdaCode)
        function = self._stream.processing.function if by_function else None
        error = processing_error(
            batch.records[failure.index],
            failure.code,
            failure.message,
            attempts=failure.attempts,
            ended_ms=_ended_ms(batch, failure.index),
            lambda_arn=function.invoked_arn if function else "",
        )
        self._add(failure.error_type, failure.code, error, batch, failure.index)

    def add_partition_key_error(self, batch: Batch, index: int, error: PartitionKeyError) -> None:
        """Adds a record whose partition keys give no partition."""
        kind = METADATA_EXTRACTION_FAILED if isinstance(error, QueryKeyError) else PARTITIONING_FAILED
        # The only code of such records that was seen, though not in a `partitioning-failed` object.
        self._add_partition_error(kind, "MetadataExtractionFailed", str(error), batch, index)

    def add_partition_limit_error(self, batch: Batch, index: int, limit: float) -> None:
        """Adds a record that would need one active partition more than `limit`."""
        message = f"more than {limit} active partitions"
        self._add_partition_error(PARTITIONS_EXCEEDED, "ActivePartitionsLimitExceeded", message, batch, index)

    def add_conversion_failure(self, batch: Batch, index: int, failure: ConversionFailure, data: bytes) -> None:
        """Adds a record whose conversion failed; `data` is what was to be converted."""
        record = batch.records[index]
        error = conversion_error(
            record,
            failure.code,
            failure.message,
            ended_ms=_ended_ms(batch, index),
            table=self._table,
            raw_data=record["data"] if self._raw_data is RawData.ORIGINAL else b64encode(data).decode(),
        )
        self._add(CONVERSION_FAILED, failure.code, error, batch, index)

    def add_iceberg_failure(self, batch: Batch, index: int, row_error: RowError, attempts: int) -> None:
        """Adds a row that is not in its Iceberg table; the record has the row as its data."""
        error = iceberg_error(batch.records[index], row_error, attempts=attempts, ended_ms=_ended_ms(batch, index))
        self._add(ICEBERG_FAILED, row_error.code, error, batch, index)

    def flush_all(self) -> None:
        """Sends all waiting error records, as one object for each error type."""
        for kind in list(self._waiting):
            self._flush(kind)

    def flush_due(self, due_ms: int) -> None:
        """Sends the error records that have waited since `due_ms` or longer."""
        for kind, buffer in list(self._waiting.items()):
            if buffer.opened_ms is not None and buffer.opened_ms <= due_ms:
                self._flush(kind)

    def _add_partition_error(self, kind: str, code: str, message: str, batch: Batch, index: int) -> None:
        code = f"DynamicPartitioning.{code}"
        error = processing_error(batch.records[index], code, message, attempts=1, ended_ms=_ended_ms(batch, index))
        self._add(kind, code, error, batch, index)

    def _add(self, kind: str, code: str, error: ErrorRecord, batch: Batch, index: int) -> None:
        buffer = self._waiting.setdefault(kind, ByteBuffer())
        buffer.add(msgspec.json.encode(error) + b"\n", batch, index)
        if code not in self._report.failed:
            message = next(error[name] for name in _MESSAGES if name in error)
            self._report.first_failures[code] = FirstFailure(kind, message)
        self._report.failed[code] += 1
        if buffer.size_bytes >= ERROR_OBJECT_BYTES:
            self._flush(kind)

    def _flush(self, kind: str) -> None:
        buffer = self._waiting.pop(kind)
        name = self._names.of(buffer.oldest_ms, buffer.uuid(f"{self._stream.name} {kind}"), error_type=kind)
        for first in self._report.first_failures.values():
            if first.error_type == kind and not first.key:
                first.key = name.key
        # The guide says only of conversion's errors that Firehose retries them forever and blocks further delivery
        # ("Record format conversion error handling").
        blocks = kind == CONVERSION_FAILED
        manifest = ObjectManifest(buffer.ordinals, FAILED, buffer.oldest_ms, buffer.original_bytes, blocks=blocks)
        body = self._compression.compress(b"".join(buffer.pieces), name.name)
        self._uploads.send([ObjectPut(name.key, body, self._compression.content_encoding, manifest)])


def _ended_ms(batch: Batch, index: int) -> int:
    # Without a clock the arrival, so that the same input gives the same bytes.
    return batch.records[index]["approximateArrivalTimestamp"] if batch.now_ms is None else batch.now_ms
