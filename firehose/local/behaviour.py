"""A switch for each question on which the sources about Firehose disagree; the default is the observed behaviour.

Behaviour()  ->  as measured on real streams
Behaviour(duplicate_ids=DuplicateIds.BATCH)

Certainty: (D) AWS's documentation, (P1) and (P2) measured on real streams by the makers of two emulators,
(U) seen by users, (I) inferred by us. P1 goes before P2.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class DuplicateIds(StrEnum):
    """The scope of the failure when a function answers a record twice."""

    RECORD = "record"
    BATCH = "batch"


class OkWithoutData(StrEnum):
    """The scope of the failure when a function answers Ok with data that is null or absent."""

    RECORD = "record"
    BATCH = "batch"


class NoRecords(StrEnum):
    """The error code of a reply without `records`."""

    MISSING_RECORD_ID = "missing-record-id"
    FUNCTION_ERROR = "function-error"


class UnreadableReply(StrEnum):
    """The error code of a reply that is JSON, but not of the expected form."""

    JSON_PROCESSING_EXCEPTION = "json-processing-exception"
    FUNCTION_ERROR = "function-error"


class FunctionTimeout(StrEnum):
    """The error code of a function that times out."""

    FUNCTION_TIMED_OUT = "function-timed-out"
    FUNCTION_ERROR = "function-error"


class ScalarKeys(StrEnum):
    """The fate of a partition key that a function answers as a number or a boolean."""

    AS_TEXT = "as-text"
    REFUSED = "refused"


class BrokenQuery(StrEnum):
    """The fate of a request whose query jq does not compile."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class RawData(StrEnum):
    """The bytes in the error record of a failed conversion."""

    ORIGINAL = "original"
    TRANSFORMED = "transformed"


class ErrorCompression(StrEnum):
    """The compression of error objects."""

    NONE = "none"
    AS_DATA = "as-data"


class ParquetTimestamps(StrEnum):
    """The physical type of timestamps in Parquet."""

    INT96 = "int96"
    INT64 = "int64"


class ExtraKeys(StrEnum):
    """The fate of a record with a key that is not a column of its Iceberg table."""

    SKIPPED = "skipped"
    REFUSED = "refused"


class IcebergTimes(StrEnum):
    """The forms in which timestamps of Iceberg tables are read."""

    DOCUMENTED = "documented"
    MICROSECONDS = "microseconds"


class Behaviour(msgspec.Struct, frozen=True):
    """One answer to each question that the sources answer differently, or not at all."""

    duplicate_ids: DuplicateIds = DuplicateIds.RECORD
    """An id that is returned twice: Lambda.DuplicatedRecordId for its record alone, the others are delivered (P1); or
    for the whole batch (P2's code). One attempt either way (P1); its scope is not documented."""

    ok_without_data: OkWithoutData = OkWithoutData.RECORD
    """Ok with null or no data: Lambda.InvalidReturnFormat for its record, one attempt (P1); or Lambda.FunctionError for
    the whole batch, tried again (P2's code)."""

    no_records: NoRecords = NoRecords.MISSING_RECORD_ID
    """`{}`, and null where records should be: Lambda.MissingRecordId for every record, one attempt (P1); or
    Lambda.FunctionError for the batch, tried again (P2's code)."""

    unreadable_reply: UnreadableReply = UnreadableReply.JSON_PROCESSING_EXCEPTION
    """A reply that is JSON, but not of the expected form: text, a list, records that are not objects. The code is
    documented for replies that do not follow the status model (D). We infer from other malformed replies that it fails
    the batch after one attempt (I). Or Lambda.FunctionError, tried again. A reply that Lambda itself cannot send, such
    as a generator, is the function's failure in either case."""

    nan_in_reply: UnreadableReply = UnreadableReply.JSON_PROCESSING_EXCEPTION
    """NaN or an infinity in a reply: Lambda's Python runtime sends it as it is, which is not JSON (its source). We
    infer that Firehose treats it as any reply that it cannot parse (I); or Lambda.FunctionError, tried again."""

    function_timeout: FunctionTimeout = FunctionTimeout.FUNCTION_TIMED_OUT
    """A function that exceeds its time-out: Lambda.FunctionTimedOut (U, error objects of three projects); or
    Lambda.FunctionError (P2's capture). Tried again either way."""

    scalar_keys: ScalarKeys = ScalarKeys.AS_TEXT
    """A number or boolean as a partition key from a function: its JSON text, since a public function relies on it (U);
    or the record fails, as one with a list or an object does (I)."""

    broken_query: BrokenQuery = BrokenQuery.ACCEPTED
    """A MetadataExtractionQuery that jq does not compile: the stream is made, and every record fails with
    DynamicPartitioning.MetadataExtractionFailed (U), which is a warning here; or it is refused at creation, for those
    who want to hear of it early."""

    conversion_raw_data: RawData = RawData.ORIGINAL
    """`rawData` of a record that a function transformed and that then fails to convert. Nobody measured it: AWS's page
    on decompression suggests the record as it arrived (D), a guide for Iceberg the function's answer (U)."""

    error_compression: ErrorCompression = ErrorCompression.NONE
    """Error objects of a stream that compresses its data: not compressed and without extension (P1). AWS does not
    document it; one user reports them gzipped for Iceberg (U)."""

    parquet_timestamps: ParquetTimestamps = ParquetTimestamps.INT96
    """INT96, as Hive's writer does and users complain about (U); or INT64 in microseconds, which some readers need."""

    iceberg_extra_keys: ExtraKeys = ExtraKeys.SKIPPED
    """A key of the record that is not a column of its Iceberg table: skipped (D); or the record fails, as a community
    guide says (U)."""

    iceberg_times: IcebergTimes = IcebergTimes.DOCUMENTED
    """A timestamp of an Iceberg table: microseconds since 1970, or ISO text as in the documentation's examples (D); or
    microseconds alone, as its text demands and a community guide reports (D, U)."""


OBSERVED = Behaviour()

# The default of each switch by its name on the command line.
SWITCHES: dict[str, StrEnum] = {
    field.name.replace("_", "-"): getattr(OBSERVED, field.name) for field in msgspec.structs.fields(Behaviour)
}


def read_behaviour(texts: Iterable[str]) -> Behaviour:
    """Return the behaviour with these switches set: ["duplicate-ids=batch", "parquet-timestamps=int64"].

    Raises:
        ValueError: an unknown name or value; the message lists those to choose from.
    """
    chosen: dict[str, StrEnum] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in SWITCHES:
            raise ValueError(f"unknown switch '{name}' (choose from {', '.join(SWITCHES)})")
        values = type(SWITCHES[name])
        if value not in values.__members__.values():
            raise ValueError(f"{name} cannot be '{value}' (choose from {', '.join(values)})")
        chosen[name.replace("-", "_")] = values(value)
    return msgspec.structs.replace(OBSERVED, **chosen)
