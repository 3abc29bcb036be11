"""Splits records that hold several records, before all other processing.

The order is Firehose's: first aggregates of the Kinesis Producer Library, always, but only in records of a Kinesis
stream; then records that producers joined themselves, if the stream has a RecordDeAggregation processor; then backup
and Lambda.

A record of the source then has several parts, numbered as records of their own, one after the other, since each is
delivered, dropped or failed alone. A source has moved past the outer record when the last of its parts is settled. A
split never gives an empty list, so every record of a source has at least one part to wait for.

Sources: KPL, "Aggregation format"; Firehose guide, "Apply dynamic partitioning to aggregated data".
"""

import json
import sys
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from typing import Any

import msgspec

from firehose.local.config.processing import DeAggregation
from firehose.local.event_record import EventRecord, event_record
from firehose.local.processors.stage import Stage

# An aggregate begins with F3 89 9A C2. In base64 five whole characters show 30 of these 32 bits.
_MAGIC_TEXT = "84maw"

_MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16  # MD5

# Firehose guide: "capped at 500 per record"; beyond that the function gets the whole record (PutRecord, API reference).
MOST_PARTS = 500

# If the records of an aggregate are split again, parts of the second are numbered from 1000, above all parts of the
# first.
_PARTS_APART = 1000

_SUBSEQUENCE_DIGITS = 12


@dataclass(frozen=True)
class KplDeAggregation(Stage):
    """Splits a KPL aggregate into its user records, in order.

    An aggregate of sequence number 49... ->  its records, each with that number, its own partition key and the
    subsequence numbers 0, 1, 2. An aggregate that is empty or broken (checksum, encoding, the index of a missing key)
    stays one record. So does one that was put without Kinesis: Firehose only splits records of a stream.
    """

    splits = True

    def split(self, record: EventRecord) -> list[EventRecord]:
        """Return the user records of an aggregate; any other record as it is."""
        # Runs for each record of a stream, and hardly any is an aggregate: 0.3 us, where making a record takes 2.7.
        if not record["data"].startswith(_MAGIC_TEXT):
            return [record]
        return _user_records(record) or [record]


@dataclass(frozen=True)
class RecordDeAggregation(Stage):
    r"""Splits a record by JSON documents or by a delimiter, as the stream's RecordDeAggregation processor says.

    JSON:       {"a": 1}{"a": 2} or {"a": 1}\n{"a": 2}  ->  {"a": 1}, {"a": 2}
    delimiter:  a####b                                  ->  a, b

    White space between documents, and delimiters, are removed, at the end too. AWS does not document the rest; we
    decided: each part keeps its bytes; from where no JSON object can be read, everything is the last part, so that the
    parts before it are delivered and nothing is lost; an array is invalid input and stays as it is; two delimiters in a
    row enclose no part. A record of more than 500 parts stays whole.

    A part's subsequence number is a thousand times the record's, plus 0, 1, 2, ...: ids stay unique and in order.
    """

    settings: DeAggregation

    splits = True

    def split(self, record: EventRecord) -> list[EventRecord]:
        """Return the parts of a record."""
        payload = b64decode(record["data"])
        delimiter = self.settings.delimiter
        found = _json_parts(payload) if delimiter is None else [part for part in payload.split(delimiter) if part]
        if not 0 < len(found) <= MOST_PARTS:
            found = [payload]
        return [_part(record, number, part) for number, part in enumerate(found)]


def _user_records(record: EventRecord) -> list[EventRecord]:
    metadata = record.get("kinesisRecordMetadata")
    aggregate = _aggregate(b64decode(record["data"])) if metadata else None
    if metadata is None or aggregate is None:
        return []
    return [
        event_record(
            part.data,
            shard_id=metadata["shardId"],
            partition_key=aggregate.partition_key_table[part.partition_key_index],
            sequence_number=metadata["sequenceNumber"],
            arrival_ms=record["approximateArrivalTimestamp"],
            subsequence_number=number,
        )
        for number, part in enumerate(aggregate.records)
    ]


def _aggregate(payload: bytes) -> Any:
    """Return the message of a valid aggregate; None for anything else.

    The library's own reader is not used: at an index out of range it prints the record and loses the rest.
    """
    message, digest = payload[len(_MAGIC) : -_DIGEST_BYTES], payload[-_DIGEST_BYTES:]
    if not payload.startswith(_MAGIC) or md5(message, usedforsecurity=False).digest() != digest:
        return None
    message_type, decode_error = _protobuf()
    try:
        aggregate = message_type.FromString(message)
    except decode_error:
        return None
    keys, hash_keys = aggregate.partition_key_table, aggregate.explicit_hash_key_table
    # The decoder accepts messages without required members, and text that is not UTF-8 (as bytes).
    whole = aggregate.IsInitialized() and all(
        part.partition_key_index < len(keys)
        and isinstance(keys[part.partition_key_index], str)
        and (not part.HasField("explicit_hash_key_index") or part.explicit_hash_key_index < len(hash_keys))
        for part in aggregate.records
    )
    return aggregate if whole else None


@cache
def _protobuf() -> tuple[Any, Any]:
    """Return the aggregate's message type and its decoder's error: 0.1 s to import, which few streams need."""
    path = list(sys.path)
    try:
        # The package puts itself first on the path to find its own modules, and would hide other modules of those
        # names.
        from aws_kinesis_agg.deaggregator import google, messages_pb2  # noqa: PLC0415 - as said
    finally:
        sys.path[:] = path
    return messages_pb2.AggregatedRecord, google.protobuf.message.DecodeError


def _part(record: EventRecord, number: int, data: bytes) -> EventRecord:
    of_record = int(record["recordId"][-_SUBSEQUENCE_DIGITS:])
    subsequence = of_record * _PARTS_APART + number
    part = record.copy()
    part["recordId"] = f"{record['recordId'][:-_SUBSEQUENCE_DIGITS]}{subsequence:0{_SUBSEQUENCE_DIGITS}}"
    part["data"] = msgspec.to_builtins(data)
    if "kinesisRecordMetadata" in record:
        part["kinesisRecordMetadata"] = {**record["kinesisRecordMetadata"], "subsequenceNumber": subsequence}
    return part


def _json_parts(payload: bytes) -> list[bytes]:
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return []
    found: list[bytes] = []
    start = _skip_space(text, 0)
    while start < len(text) and len(found) <= MOST_PARTS:
        end = _end_of_object(text, start)
        found.append(text[start:end].encode())
        start = _skip_space(text, end)
    return found


def _end_of_object(text: str, start: int) -> int:
    """Return the index behind the JSON object at `start`, or the end of the text if no object can be read there."""
    try:
        return _OBJECTS.raw_decode(text, start)[1] if text[start] == "{" else len(text)
    except (ValueError, RecursionError):
        return len(text)


def _skip_space(text: str, start: int) -> int:
    while start < len(text) and text[start] in " \t\r\n":
        start += 1
    return start


def _no_constant(_: str) -> None:
    raise ValueError("NaN is not JSON")


# Numbers stay text: nobody reads them, and int() refuses long ones.
_OBJECTS = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant)
