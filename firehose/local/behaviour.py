"""Where the sources on Firehose's behaviour are at odds: one switch each, the observed behaviour as its default.

Behaviour()  ->  what was measured on real streams
Behaviour(duplicate_ids=DuplicateIds.BATCH)

How sure a value is: (D) AWS's documentation, (P1) and (P2) measured on real streams by the makers of two emulators,
(U) seen by users, (I) inferred by us. P1 goes before P2.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class DuplicateIds(StrEnum):
    """What fails when a function answers a record twice."""

    RECORD = "record"
    BATCH = "batch"


class OkWithoutData(StrEnum):
    """What fails when a function answers Ok with data that is null or absent."""

    RECORD = "record"
    BATCH = "batch"


class NoRecords(StrEnum):
    """What a reply without `records` is."""

    MISSING_RECORD_ID = "missing-record-id"
    FUNCTION_ERROR = "function-error"


class UnreadableReply(StrEnum):
    """What a reply is that does not have the form of one."""

    JSON_PROCESSING_EXCEPTION = "json-processing-exception"
    FUNCTION_ERROR = "function-error"


class RawData(StrEnum):
    """Which bytes an error record of a failed conversion holds."""

    ORIGINAL = "original"
    TRANSFORMED = "transformed"


class ErrorCompression(StrEnum):
    """Whether objects of errors are compressed."""

    NONE = "none"
    AS_DATA = "as-data"


class ParquetTimestamps(StrEnum):
    """The physical type of timestamps in Parquet."""

    INT96 = "int96"
    INT64 = "int64"


class Behaviour(msgspec.Struct, frozen=True):
    """One answer to each question that the sources answer differently or not at all."""

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
    """A reply that is JSON and of another form: text, a list, records that are none. The code is documented for what
    does not follow the status model (D); that it takes the batch and one attempt is inferred from what a reply of the
    wrong form does otherwise (I). Or Lambda.FunctionError, tried again. A reply that Lambda itself cannot send, such as
    a generator, is the function's failure in either case."""

    conversion_raw_data: RawData = RawData.ORIGINAL
    """`rawData` of a record that a function transformed and that then does not convert. Nobody measured it: what AWS
    says of decompression points to the record as it came (D), a guide for Iceberg to what the function answered (U)."""

    error_compression: ErrorCompression = ErrorCompression.NONE
    """Objects of errors where the stream compresses its data: not compressed and without extension (P1); AWS is silent,
    and one user's note has them gzipped for Iceberg (U)."""

    parquet_timestamps: ParquetTimestamps = ParquetTimestamps.INT96
    """INT96, as Hive's writer has them and users complain of (U); or INT64 in microseconds, which some readers need."""


OBSERVED = Behaviour()

# By the names that the command line has for them, each with its default.
SWITCHES: dict[str, StrEnum] = {
    field.name.replace("_", "-"): getattr(OBSERVED, field.name) for field in msgspec.structs.fields(Behaviour)
}


def read_behaviour(texts: Iterable[str]) -> Behaviour:
    """Switches as they are asked for, others as observed: ["duplicate-ids=batch", "parquet-timestamps=int64"].

    Raises:
        ValueError: a name or a value that is not known, with those that are.
    """
    chosen: dict[str, StrEnum] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in SWITCHES:
            raise ValueError(f"{name} is no switch that is known here: {', '.join(SWITCHES)}")
        values = type(SWITCHES[name])
        if value not in values.__members__.values():
            raise ValueError(f"{name} is one of {', '.join(values)}, and not {value or 'nothing'}")
        chosen[name.replace("-", "_")] = values(value)
    return msgspec.structs.replace(OBSERVED, **chosen)
