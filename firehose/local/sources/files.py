"""Sources of change records that are files: one Kinesis payload a line, as the records of a Firehose event.

A record is built once, in the shape in which every function gets it, base64 included, and shared by all the delivery
streams that read it.
"""

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import msgspec

from transform.change import at_micros
from transform.outcome import BadRecord
from transform.surrogates import blank_lone_surrogates

# One element of `records` in the event of a Kinesis-sourced stream.
EventRecord: TypeAlias = dict[str, Any]

GZIP = b"\x1f\x8b"  # RFC 1952

_ONE_SHARD = "shardId-000000000000"

# Numbers from Kinesis have begun with 49 since it exists.
_SEQUENCE_START = "49"

# Lines that wait for the first readable time of a change, so that a bad first line is not dated by a guess.
_LOOK_AHEAD_LINES = 1000
_LOOK_AHEAD_BYTES = 16 * 1024 * 1024

# Where no change of the first thousand lines has a time. Any constant would do; a clock would give the same input other
# names on each run. It is the first day of the narrowest range of dates that a table covers (BR-19).
NO_TIME_MS = 1_420_070_400_000  # 2015-01-01T00:00:00Z


class SourceError(Exception):
    """A source that cannot be read; the message is a sentence for the user."""


class _Times(msgspec.Struct):
    ApproximateCreationDateTime: int
    ApproximateCreationDateTimePrecision: Any = None


class _Change(msgspec.Struct):
    dynamodb: _Times


# Skips all other members in C: 1.6 us a change of the mean size of real ones (1.7 KB).
_CHANGE = msgspec.json.Decoder(_Change)


def event_record(
    data: bytes,
    *,
    shard_id: str,
    partition_key: str,
    sequence_number: str,
    arrival_ms: int,
    subsequence_number: int = 0,
) -> EventRecord:
    """One Kinesis record in the shape in which Firehose hands it to the function (facts of a captured event).

    b"{}" -> {"recordId": "shardId-000000000000" + 128 digits + 12 digits, "approximateArrivalTimestamp": 1714564809617,
              "data": "e30=", "kinesisRecordMetadata": {"shardId": ..., "sequenceNumber": ..., ...}}
    """
    return {
        "recordId": f"{shard_id}{sequence_number:0>128}{subsequence_number:012}",
        "approximateArrivalTimestamp": arrival_ms,
        "data": msgspec.to_builtins(data),  # base64, 3 to 4 times as fast as binascii
        "kinesisRecordMetadata": {
            "shardId": shard_id,
            "partitionKey": partition_key,
            "approximateArrivalTimestamp": arrival_ms,
            "sequenceNumber": sequence_number,
            "subsequenceNumber": subsequence_number,
        },
    }


def put_directly(record: EventRecord) -> EventRecord:
    """The record as it is where no Kinesis stream was read but the delivery stream put to: without its metadata."""
    return {name: value for name, value in record.items() if name != "kinesisRecordMetadata"}


def change_time_ms(payload: bytes) -> int | None:
    """The time of the change in epoch milliseconds (BR-16), None where it cannot be read.

    b'{"dynamodb": {"ApproximateCreationDateTime": 1714564809617185}}' -> 1714564809617
    """
    try:
        return at_micros(_CHANGE.decode(payload)) // 1000
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError, BadRecord):
        return None
    except msgspec.DecodeError:
        # Not JSON, or JSON with a lone surrogate somewhere, which hides nothing of the time.
        return _time_beside_surrogates(payload)


def _time_beside_surrogates(payload: bytes) -> int | None:
    try:
        return at_micros(_CHANGE.decode(blank_lone_surrogates(payload))) // 1000
    except (msgspec.DecodeError, BadRecord):
        return None


def file_records(
    paths: Sequence[str], *, standard_input: BinaryIO | None = None, unknown_ms: int = NO_TIME_MS
) -> Iterator[EventRecord]:
    """The records of the files, in order: `.jsonl`, `.jsonl.gz`, and `-` for standard input.

    A line is a record; an empty line is a record of no bytes, which fails as not JSON rather than vanish. The end of
    line is not part of it, and the one at the end of the file starts no record. Lines are numbered through all the
    files of a run, so that sequence numbers sort in the order read. The number is made of the line's and a digest of
    the payload: the same input gives the same numbers, and another line in the same place another. `unknown_ms` is the
    arrival of records before the first that has a time of change.

    Raises:
        SourceError: no such file, a folder, a `.gz` that is not gzip or is cut short.
    """
    yield from number_lines(_lines(paths, standard_input or sys.stdin.buffer), unknown_ms)


def number_lines(lines: Iterable[bytes], unknown_ms: int = NO_TIME_MS) -> Iterator[EventRecord]:
    """Each line as a record; its arrival is the time of its change, else that of the line before."""
    lines = iter(lines)
    first: list[bytes] = []
    broken: SourceError | None = None
    try:
        arrival_ms = _first_time(lines, first, unknown_ms)
    except SourceError as error:
        arrival_ms, broken = unknown_ms, error  # what was looked at before it broke off comes first
    for number, line in enumerate(chain(first, lines), 1):
        found = change_time_ms(line)
        if found is not None:
            arrival_ms = found
        yield _numbered(line, number, arrival_ms)
    if broken:
        raise broken


def _first_time(lines: Iterator[bytes], looked_at: list[bytes], unknown_ms: int) -> int:
    """The time of the first line that has one; `looked_at` gets the lines up to it."""
    size_bytes = 0
    for line in lines:
        looked_at.append(line)
        size_bytes += len(line)
        found = change_time_ms(line)
        if found is not None:
            return found
        if len(looked_at) >= _LOOK_AHEAD_LINES or size_bytes >= _LOOK_AHEAD_BYTES:
            break
    return unknown_ms


def _numbered(payload: bytes, number: int, arrival_ms: int) -> EventRecord:
    # 2 + 14 + 40 digits, the 56 of a real number. 2^128 has 39 digits. sha256 because it is the fastest here: 0.95 us
    # for 1.2 KB, blake2b 1.6.
    digest = sha256(payload).digest()[:16]
    return event_record(
        payload,
        shard_id=_ONE_SHARD,
        partition_key=digest.hex().upper(),
        sequence_number=f"{_SEQUENCE_START}{number:014}{int.from_bytes(digest):040}",
        arrival_ms=arrival_ms,
    )


def until_broken(records: Iterator[EventRecord], broken: list[SourceError]) -> Iterator[EventRecord]:
    """The records up to where a source breaks off, which is noted: what came before is not to be lost for it."""
    try:
        yield from records
    except SourceError as error:
        broken.append(error)


def check_files(paths: Sequence[str]) -> None:
    """Opens every file once, so that a wrong name stops a run before it has begun.

    Raises:
        SourceError: a file that cannot be opened, a `.gz` that is not gzip, standard input that is closed.
    """
    for path in paths:
        if path == "-" and sys.stdin is None:
            raise SourceError("standard input is closed")
        with _as_source_errors(path), contextlib.nullcontext() if path == "-" else _opened(path):
            pass


def _lines(paths: Sequence[str], standard_input: BinaryIO) -> Iterator[bytes]:
    for path in paths:
        with _as_source_errors(path):
            if path == "-":
                yield from _without_end(_unpacked(standard_input))
            else:
                with _opened(path) as file:
                    yield from _without_end(file)


@contextlib.contextmanager
def _as_source_errors(path: str) -> Iterator[None]:
    try:
        yield
    except gzip.BadGzipFile:
        raise SourceError(f"{path} is not gzip, though its name ends in .gz") from None
    except (EOFError, zlib.error):
        raise SourceError(f"{path} is cut short or damaged: its gzip data does not end as it should") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None


@contextlib.contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    # 1 MiB of buffer halves the time of reading lines of a plain file.
    with Path(path).open("rb", buffering=1 << 20) as file:
        if path.endswith(".gz") and _starts(file) not in (GZIP, b""):
            raise gzip.BadGzipFile
        yield _unpacked(file)


def _unpacked(file: BinaryIO) -> BinaryIO:
    """The file, or what it holds packed: gzip data may come by any name."""
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if _starts(file) == GZIP else file


def _starts(file: BinaryIO) -> bytes:
    """The first two bytes of a file, which are still to be read afterwards."""
    return file.peek(2)[:2] if isinstance(file, io.BufferedReader) else b""


def _without_end(file: Iterable[bytes]) -> Iterator[bytes]:
    for line in file:
        yield line[:-1] if line.endswith(b"\n") else line


def size_bytes(paths: Sequence[str]) -> int | None:
    """How many bytes of payload the files hold, about, for a progress bar; None where standard input is among them."""
    total = 0
    for path in paths:
        try:
            total += _unpacked_bytes(Path(path)) if path.endswith(".gz") else Path(path).stat().st_size
        except OSError:
            return None
    return total


def _unpacked_bytes(path: Path) -> int:
    # The last four bytes of gzip data are its unpacked length (RFC 1952, ISIZE), modulo 4 GiB.
    with path.open("rb") as file:
        file.seek(-4, SEEK_END)
        return int.from_bytes(file.read(4), "little")
