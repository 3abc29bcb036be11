"""Read error objects: the records that failed, in every spelling that is known.

The documentation and captured objects differ in names, order and in whether numbers are quoted, and documents are one a
line or follow each other without a separator. Firehose's messages are never kept, because they quote the record.
"""

import base64
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from firehose.lake.objects import MOST_OBJECT_BYTES
from firehose.local.sources.files import GZIP, NO_TIME_MS
from firehose.pipeline.change_records import change_time_ms
from transform.times import LAST_MICROS

PROCESSING_FAILED_STATUS = "Lambda.ProcessingFailedStatus"

_HEAD_PIECES = 16  # that say whether an object is binary
_PIECE_BYTES = 1024 * 1024

# The most places to try as the beginning of a record: a record has at most as many members. In deeply nested objects
# each takes 0.1 ms.
_MOST_BEGINNINGS = 10_000

_decode = json.JSONDecoder().raw_decode
_BEGINNING = re.compile(r'\{\s*"')
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._]{0,99}").fullmatch
_DIGITS = re.compile(r"\d{1,128}", re.ASCII).fullmatch
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{0,9})?", re.ASCII).fullmatch


class FailedRecord(NamedTuple):
    """One record of an error object. `code` is Firehose's, or None if the object does not say why it failed."""

    place: int  # in its object, from 0; what cannot be read counts too
    raw: bytes
    arrival_ms: int
    code: str | None = None
    sequence: str | None = None
    subsequence: int = 0


class Unreadable(NamedTuple):
    """Something in an error object that is not a record."""

    place: int


class Piece(NamedTuple):
    """A part of an error object's text, from one place to another: a JSON document, or None if it is not one."""

    begin: int
    end: int
    document: Any = None


def read(body: bytes) -> Iterator[FailedRecord | Unreadable]:
    """Yield everything in an error object, in order. Never raises.

    b'{"rawData":"e30=","errorCode":"Lambda.FunctionError","arrivalTimestamp":1714564809617}'
      -> FailedRecord(0, b"{}", 1714564809617, "Lambda.FunctionError")

    A document with events, `{"timestamp", "error", "events": [...]}`, is as many records as it has events.
    """
    place = 0
    text = unpacked(body)
    for piece in pieces("damaged" if text is None else text.decode("utf-8-sig", "replace")):
        document = piece.document
        for one in document or [None] if isinstance(document, list) else [document]:
            for found in records_of(one):
                yield Unreadable(place) if found is None else found._replace(place=place)
                place += 1


def unpacked(body: bytes) -> bytes | None:
    """Return the text of an object, which may be gzip whatever its name. None if it is damaged or no text."""
    if body.startswith(GZIP):
        try:
            if _unpacks_to_too_much(body):
                return None
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return None
    return None if b"\0" in body and _is_binary(body) else body


def _is_binary(body: bytes) -> bool:
    """Return True if no piece at the head of an object is a JSON object or list, and one of them has a zero byte.

    Binary is one thing that cannot be read, not one for each line. An erasure keeps the order and the kind of pieces,
    so it makes no text binary, as it could if the first bytes decided.
    """
    text = body.decode("utf-8-sig", "replace")
    first = list(islice(pieces(text), _HEAD_PIECES))
    is_json = any(isinstance(one.document, Mapping | list) for one in first)
    return not is_json and any("\0" in text[one.begin : one.end] for one in first)


def _unpacks_to_too_much(body: bytes) -> bool:
    """Return whether gzip data unpacks to more bytes than an error object can have: 1 MB may unpack to 1,000 MB."""
    size_bytes = 0
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as unpacked:
        while size_bytes <= MOST_OBJECT_BYTES and (piece := unpacked.read(_PIECE_BYTES)):
            size_bytes += len(piece)
    return size_bytes > MOST_OBJECT_BYTES


def pieces(text: str) -> Iterator[Piece]:
    """Yield the JSON documents of a text, and each piece that is not one."""
    at = _next(text, 0)
    while at < len(text):
        try:
            document, end = _decode(text, at)
            yield Piece(at, end, document)
        except (ValueError, RecursionError):
            end = _after_garbage(text, at)
            yield Piece(at, end)
        at = _next(text, end)


def _after_garbage(text: str, at: int) -> int:
    """Return where to resume after something that is not JSON: at the next record of the line, else the next line."""
    end = text.find("\n", at) + 1 or len(text)
    for found in islice(_BEGINNING.finditer(text, at + 1, end), _MOST_BEGINNINGS):
        try:
            document, _ = _decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(document, Mapping) and None not in records_of(document):
            return found.start()
    return end


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def records_of(document: Any) -> list[FailedRecord | None]:
    """Return the records of a document: one, or as many as it has events. None for each that cannot be read."""
    if not isinstance(document, Mapping):
        return [None]
    # lambdaArn and lambdaARN, errorCode and ErrorCode: no two members differ only in case.
    members = {name.lower(): value for name, value in document.items()}
    if isinstance(members.get("events"), list):
        arrival_ms = _iso_ms(members.get("timestamp"))
        return [_event(event, arrival_ms) for event in members["events"]] or [None]
    raw = from_base64(members.get("rawdata"))
    if raw is None:
        return [None]
    arrival_ms = _millis(members.get("arrivaltimestamp")) or _millis(members.get("attemptendingtimestamp"))
    code = _code(members.get("errorcode")) or _code(members.get("lasterrorcode"))
    sequence, subsequence = _sequence(members)
    return [FailedRecord(0, raw, _arrival(raw, arrival_ms), code, sequence, subsequence)]


def _event(event: Any, arrival_ms: int | None) -> FailedRecord | None:
    """Return the record of an event: a change record or its text, or a Kinesis or Firehose record around one."""
    if isinstance(event, str):
        raw = _plain(event)
        return FailedRecord(0, raw, _arrival(raw, arrival_ms))
    if not isinstance(event, Mapping):
        return None
    members = {name.lower(): value for name, value in event.items()}
    if isinstance(members.get("kinesis"), Mapping):  # as a Lambda function without Firehose gets it
        members = {name.lower(): value for name, value in members["kinesis"].items()}
    around = members.get("kinesisrecordmetadata")
    metadata = {name.lower(): value for name, value in around.items()} if isinstance(around, Mapping) else members
    raw_data = from_base64(members.get("data"))
    if raw_data is None:
        raw = json.dumps(event, separators=(",", ":")).encode()
        return FailedRecord(0, raw, _arrival(raw, arrival_ms))
    at_ms = _millis(members.get("approximatearrivaltimestamp")) or arrival_ms
    sequence, subsequence = _sequence(metadata)
    return FailedRecord(0, raw_data, _arrival(raw_data, at_ms), None, sequence, subsequence)


def _plain(text: str) -> bytes:
    """Return the bytes of an event that is text: JSON, or base64 of something that begins as JSON."""
    decoded = None if text.lstrip().startswith("{") else from_base64(text)
    return decoded if decoded is not None and decoded.startswith(b"{") else text.encode("utf-8", "surrogatepass")


def from_base64(value: Any) -> bytes | None:
    """Return the bytes of a text in base64, None if it is not."""
    try:
        # Some encoders break lines.
        return base64.b64decode("".join(value.split()), validate=True) if isinstance(value, str) else None
    except ValueError:
        return None


def _code(value: Any) -> str | None:
    """Return a dotted code, or None: free text may quote the record."""
    return value if isinstance(value, str) and _CODE(value) else None


def _sequence(members: Mapping[str, Any]) -> tuple[str | None, int]:
    number, within = members.get("sequencenumber"), str(members.get("subsequencenumber", ""))
    if not isinstance(number, str) or not _DIGITS(number):
        return None, 0
    return number, int(within) if _DIGITS(within) and len(within) <= 12 else 0


def _millis(value: Any) -> int | None:
    """Return epoch milliseconds from a number or its text, which may be a Kinesis event's seconds, 1714564809.617."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not _NUMBER(str(value)):
        return None
    number = float(value)
    millis = round(number * 1000 if number < 10**11 else number)
    return millis if 0 < millis <= LAST_MICROS // 1000 else None


def _iso_ms(value: Any) -> int | None:
    """Return the time of a document with events, given as text or as a number."""
    if not isinstance(value, str) or _NUMBER(value):
        return _millis(value)
    try:
        moment = datetime.fromisoformat(value)
        return _millis(round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def _arrival(raw: bytes, found_ms: int | None) -> int:
    """Return when the record arrived; if the object does not say, when its change was made."""
    return found_ms or change_time_ms(raw) or NO_TIME_MS
