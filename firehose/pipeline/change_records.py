"""Files of DynamoDB change records: each arrives at the time of its change (BR-16) and is told apart by its identity.

Rows keep the identity of a record, in `change.sequence`. So it must not give personal data back (BR-23).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from hashlib import sha256
from typing import Any, BinaryIO

import msgspec

from firehose.local.event_record import EventRecord
from firehose.local.sources.files import NO_TIME_MS, file_records, number_lines
from transform.change import at_micros
from transform.outcome import BadRecord
from transform.scrub import digest_of_original
from transform.surrogates import blank_lone_surrogates


class _Times(msgspec.Struct):
    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Any = None


class _Change(msgspec.Struct):
    dynamodb: _Times


# Skips all other members in C: 1.6 us a change of the mean size of real ones (1.7 KB).
_CHANGE = msgspec.json.Decoder(_Change)


class _IdentifyingData(msgspec.Struct):
    Keys: dict[str, msgspec.Raw]
    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Any = None


class _Identifying(msgspec.Struct):
    event_id: str = msgspec.field(name="eventID")
    dynamodb: _IdentifyingData


_IDENTIFYING = msgspec.json.Decoder(_Identifying)

_encode = msgspec.json.Encoder().encode


def change_records(
    paths: Sequence[str],
    *,
    personal: Set[str],
    standard_input: BinaryIO | None = None,
    unknown_ms: int = NO_TIME_MS,
    on_blank: Callable[[], object] = bool,
) -> Iterator[EventRecord]:
    """Return the records of files of changes, one a line; see `file_records`.

    `personal` are the attribute names that are personal data.
    """
    reader = ChangeReader(personal)
    return file_records(
        paths,
        arrival_of=reader.arrival_ms,
        identity_of=reader.identity,
        standard_input=standard_input,
        unknown_ms=unknown_ms,
        on_blank=on_blank,
    )


def number_changes(lines: Iterable[bytes], personal: Set[str]) -> Iterator[EventRecord]:
    """Return each line, a change record, as a record of a Firehose event; see `number_lines`."""
    reader = ChangeReader(personal)
    return number_lines(lines, arrival_of=reader.arrival_ms, identity_of=reader.identity)


class ChangeReader:
    """Reads the time and the identity of lines, asked for one after the other: a line is decoded once for both."""

    def __init__(self, personal: Set[str]) -> None:
        self._personal = personal
        self._line = b""
        self._found: _Identifying | None = None

    def arrival_ms(self, line: bytes) -> int | None:
        """Return the time of the change in epoch milliseconds, as `change_time_ms` does."""
        self._line, self._found = line, _identifying(line)
        try:
            return at_micros(self._found) // 1000 if self._found else change_time_ms(line)
        except BadRecord:
            return None

    def identity(self, line: bytes) -> bytes:
        """Return `change_identity` of the line."""
        found = self._found if line is self._line else _identifying(line)
        return _identity(found, line, self._personal)


def change_identity(payload: bytes, personal: Set[str]) -> bytes:
    """Return sixteen bytes that tell a record apart and do not give its personal data back (BR-23).

    They are a digest of `eventID`, `Keys` and the time if all three can be read, else of the record with its personal
    attributes redacted. A record that does not parse is digested as it is.
    """
    return _identity(_identifying(payload), payload, personal)


def _identifying(payload: bytes) -> _Identifying | None:
    try:
        return _IDENTIFYING.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _identity(found: _Identifying | None, payload: bytes, personal: Set[str]) -> bytes:
    try:
        if found:
            keys = b",".join([b"%s:%s" % (_encode(name), value) for name, value in found.dynamodb.Keys.items()])
            facts = b"%s %d %s" % (_encode(found.event_id), at_micros(found), keys)
            return sha256(facts).digest()[:16]
    except BadRecord:
        pass
    return bytes.fromhex(digest_of_original(payload, personal))[:16]


def change_time_ms(payload: bytes) -> int | None:
    """Return the time of the change in epoch milliseconds (BR-16), or None if it cannot be read.

    b'{"dynamodb": {"ApproximateCreationDateTime": 1714564809617185}}' -> 1714564809617
    """
    micros = change_time_micros(payload)
    return None if micros is None else micros // 1000


def change_time_micros(payload: bytes) -> int | None:
    """Return the time of the change in epoch microseconds, or None if it cannot be read."""
    try:
        return at_micros(_CHANGE.decode(payload))
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError, BadRecord):
        return None
    except msgspec.DecodeError:
        # Not JSON, or JSON with a lone surrogate, which does not affect the time.
        return _time_beside_surrogates(payload)


def _time_beside_surrogates(payload: bytes) -> int | None:
    try:
        return at_micros(_CHANGE.decode(blank_lone_surrogates(payload)))
    except (msgspec.DecodeError, BadRecord):
        return None
