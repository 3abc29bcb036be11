"""What an event says of a record beside its payload: where in the stream it stood, and when it arrived."""

from collections.abc import Mapping
from typing import Any

import msgspec

from transform.outcome import BadRecord, Reason

_NO_SUBSEQUENCE = "0" * 12


def payload_of(record: Mapping[str, Any]) -> bytes:
    """The bytes of a record's `data`. msgspec decodes base64 four times as fast as binascii, and strictly.

    Raises:
        BadRecord: not_json, where it is not base64.
    """
    try:
        return msgspec.convert(record["data"], bytes)
    except msgspec.ValidationError:
        raise BadRecord(Reason.NOT_JSON, "the record's data is not base64") from None


def sequence_of(record: Mapping[str, Any]) -> str | None:
    """The record's place in the Kinesis stream, 140 digits that sort as strings; None where it came from elsewhere.

    {"sequenceNumber": "4954...", "subsequenceNumber": 0} -> "000...4954...000000000000"

    The subsequence number is an integer in every captured event; some of AWS's own samples have a string, or an empty
    one (firehose-facts 1.1).
    """
    metadata = record.get("kinesisRecordMetadata")
    if not metadata:
        return None
    subsequence = metadata["subsequenceNumber"]
    number: str = metadata["sequenceNumber"]
    return number.rjust(128, "0") + (str(subsequence).rjust(12, "0") if subsequence else _NO_SUBSEQUENCE)


def arrival_ms(record: Mapping[str, Any]) -> int:
    """When the record arrived in the stream, in epoch milliseconds."""
    return int(record["approximateArrivalTimestamp"])
