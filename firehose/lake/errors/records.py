"""Reading Firehose's error objects: what failed, by whatever spelling, and the bytes of each record.

The documentation and captured objects differ in names, order and in whether numbers are quoted, and documents stand one
a line or butted together (firehose-facts 2.1, 2.2, 2.5). Firehose's messages are never kept: they quote the record.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from firehose.local.sources.files import GZIP, NO_TIME_MS
from firehose.pipeline.change_records import change_time_ms
from transform.times import LAST_MICROS

PROCESSING_FAILED_STATUS = "Lambda.ProcessingFailedStatus"

_HEAD_BYTES = 1024

_decode = json.JSONDecoder().raw_decode
_BEGINNING = re.compile(r'\{\s*"')
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._]{0,99}").fullmatch
_DIGITS = re.compile(r"\d{1,128}", re.ASCII).fullmatch
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{0,9})?", re.ASCII).fullmatch


class FailedRecord(NamedTuple):
    """One record of an error object. `code` is Firehose's, None where nobody says why it failed."""

    place: int  # in its object, from 0; what cannot be read has a place, too
    raw: bytes
    arrival_ms: int
    code: str | None = None
    sequence: str | None = None
    subsequence: int = 0


class Unreadable(NamedTuple):
    """What stands at a place of an error object and is no record."""

    place: int


def read(body: bytes) -> Iterator[FailedRecord | Unreadable]:
    """Everything in an error object, in order. Never raises.

    b'{"rawData":"e30=","errorCode":"Lambda.FunctionError","arrivalTimestamp":1714564809617}'
      -> FailedRecord(0, b"{}", 1714564809617, "Lambda.FunctionError")

    A document of events, `{"timestamp", "error", "events": [...]}`, is as many records as it has events.
    """
    place = 0
    for document in _documents(_text(body)):
        for one in document or [None] if isinstance(document, list) else [document]:
            for found in _records(one):
                yield Unreadable(place) if found is None else found._replace(place=place)
                place += 1


def _text(body: bytes) -> str:
    """The text of an object, which may be packed whatever its name; what is damaged ends or stands as it is."""
    if body.startswith(GZIP):
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return "damaged"
    if b"\0" in body[:_HEAD_BYTES]:  # no text: one thing that cannot be read, and not one for each of its lines
        return "damaged"
    return body.decode("utf-8-sig", "replace")


def _documents(text: str) -> Iterator[Any]:
    """The JSON documents of a text; None for what is none, up to the line's end or a record behind it."""
    at = _next(text, 0)
    while at < len(text):
        try:
            document, at = _decode(text, at)
        except (ValueError, RecursionError):
            document, at = None, _behind(text, at)
        yield document
        at = _next(text, at)


def _behind(text: str, at: int) -> int:
    """Where to go on behind something that is no document: at the next record of the line, else at the next line."""
    end = text.find("\n", at) + 1 or len(text)
    for found in _BEGINNING.finditer(text, at + 1, end):
        try:
            document, _ = _decode(text, found.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(document, Mapping) and None not in _records(document):
            return found.start()
    return end


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _records(document: Any) -> list[FailedRecord | None]:
    if not isinstance(document, Mapping):
        return [None]
    # lambdaArn and lambdaARN, errorCode and ErrorCode: no two members differ only in case.
    members = {name.lower(): value for name, value in document.items()}
    if isinstance(members.get("events"), list):
        arrival_ms = _iso_ms(members.get("timestamp"))
        return [_event(event, arrival_ms) for event in members["events"]] or [None]
    raw = _base64(members.get("rawdata"))
    if raw is None:
        return [None]
    arrival_ms = _millis(members.get("arrivaltimestamp")) or _millis(members.get("attemptendingtimestamp"))
    code = _code(members.get("errorcode")) or _code(members.get("lasterrorcode"))
    sequence, subsequence = _sequence(members)
    return [FailedRecord(0, raw, _arrival(raw, arrival_ms), code, sequence, subsequence)]


def _event(event: Any, arrival_ms: int | None) -> FailedRecord | None:
    """A record of a document of events: a change record or its text, or a Kinesis or Firehose record around it."""
    if isinstance(event, str):
        raw = _plain(event)
        return FailedRecord(0, raw, _arrival(raw, arrival_ms))
    if not isinstance(event, Mapping):
        return None
    members = {name.lower(): value for name, value in event.items()}
    if isinstance(members.get("kinesis"), Mapping):  # as a function that reads a stream itself gets it
        members = {name.lower(): value for name, value in members["kinesis"].items()}
    around = members.get("kinesisrecordmetadata")
    metadata = {name.lower(): value for name, value in around.items()} if isinstance(around, Mapping) else members
    raw_data = _base64(members.get("data"))
    if raw_data is None:
        raw = json.dumps(event, separators=(",", ":")).encode()
        return FailedRecord(0, raw, _arrival(raw, arrival_ms))
    at_ms = _millis(members.get("approximatearrivaltimestamp")) or arrival_ms
    sequence, subsequence = _sequence(metadata)
    return FailedRecord(0, raw_data, _arrival(raw_data, at_ms), None, sequence, subsequence)


def _plain(text: str) -> bytes:
    """The bytes of an event that is text: JSON, or base64 of what begins as JSON."""
    decoded = None if text.lstrip().startswith("{") else _base64(text)
    return decoded if decoded is not None and decoded.startswith(b"{") else text.encode("utf-8", "surrogatepass")


def _base64(value: Any) -> bytes | None:
    try:
        # Some encoders break lines.
        return base64.b64decode("".join(value.split()), validate=True) if isinstance(value, str) else None
    except ValueError:
        return None


def _code(value: Any) -> str | None:
    """A dotted code; nothing else, for what is free text may quote the record."""
    return value if isinstance(value, str) and _CODE(value) else None


def _sequence(members: Mapping[str, Any]) -> tuple[str | None, int]:
    number, within = members.get("sequencenumber"), str(members.get("subsequencenumber", ""))
    if not isinstance(number, str) or not _DIGITS(number):
        return None, 0
    return number, int(within) if _DIGITS(within) and len(within) <= 12 else 0


def _millis(value: Any) -> int | None:
    """Epoch milliseconds, of a number or its text; of a Kinesis event's seconds, 1714564809.617, too."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not _NUMBER(str(value)):
        return None
    number = float(value)
    millis = round(number * 1000 if number < 10**11 else number)
    return millis if 0 < millis <= LAST_MICROS // 1000 else None


def _iso_ms(value: Any) -> int | None:
    """The time of a document of events, as text or as a number."""
    if not isinstance(value, str) or _NUMBER(value):
        return _millis(value)
    try:
        moment = datetime.fromisoformat(value)
        return _millis(round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def _arrival(raw: bytes, found_ms: int | None) -> int:
    """When the record arrived; where nobody says, when its change was made."""
    return found_ms or change_time_ms(raw) or NO_TIME_MS
