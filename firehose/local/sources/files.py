"""Files as a source: one Kinesis payload a line, as the records of a Firehose event.

The caller, who knows the content of the lines, passes functions for a record's arrival and its identity.
"""

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from firehose.local.event_record import EventRecord, event_record

GZIP = b"\x1f\x8b"  # RFC 1952

# The arrival of a line in epoch milliseconds, None where it has none of its own.
ArrivalOf: TypeAlias = Callable[[bytes], int | None]

# Sixteen bytes that distinguish a line from another one in its place.
IdentityOf: TypeAlias = Callable[[bytes], bytes]

_ONE_SHARD = "shardId-000000000000"

# Numbers from Kinesis have begun with 49 since it exists.
_SEQUENCE_START = "49"

# Lines that wait for the first one with an arrival, so that a bad first line is not dated by a guess.
_LOOK_AHEAD_LINES = 1000
_LOOK_AHEAD_BYTES = 16 * 1024 * 1024

# The arrival if none of the first thousand lines has one. A clock would give the same input different names on each
# run; this constant is the first day of the narrowest range of dates that a table of the pipeline covers (BR-19).
NO_TIME_MS = 1_420_070_400_000  # 2015-01-01T00:00:00Z


# "The maximum size of a record ... is 10 MiB" (Kinesis API reference, PutRecord): no line above it is read whole.
MOST_LINE_BYTES = 10 * 1024 * 1024

# Bytes of a longer line that are read at a time, and thrown away.
_PIECE_BYTES = 1024 * 1024


class UnreadLine(bytes):
    """A line longer than its reader takes: empty, with the size that it has."""

    size_bytes = 0


class SourceError(Exception):
    """A source that cannot be read; the message is a sentence for the user."""


def payload_digest(payload: bytes) -> bytes:
    """Return sixteen bytes of the payload's SHA-256, the fastest digest here: 0.95 us for 1.2 KB, blake2b 1.6."""
    return sha256(payload).digest()[:16]


def no_arrival(_: bytes) -> None:
    """Return None: a line says nothing of its arrival."""


def file_records(
    paths: Sequence[str],
    *,
    arrival_of: ArrivalOf = no_arrival,
    identity_of: IdentityOf = payload_digest,
    unknown_ms: int = NO_TIME_MS,
    on_blank: Callable[[], object] = bool,
    standard_input: BinaryIO | None = None,
) -> Iterator[EventRecord]:
    """Return the records of the files, in order: `.jsonl`, `.jsonl.gz`, and `-` for standard input.

    The end of a line is not part of its record. Blank lines are skipped, and `on_blank` is called for each. A line of
    more than 10 MiB is not read whole: it is a record without data that fails (`unreadBytes`). Lines are numbered
    through all the files of a run, see `number_lines`.

    Raises:
        SourceError: no such file, a folder, a `.gz` that is not gzip or is cut short.
    """
    lines = _lines(paths, standard_input)
    return number_lines(lines, arrival_of=arrival_of, identity_of=identity_of, unknown_ms=unknown_ms, on_blank=on_blank)


def number_lines(
    lines: Iterable[bytes],
    *,
    arrival_of: ArrivalOf = no_arrival,
    identity_of: IdentityOf = payload_digest,
    unknown_ms: int = NO_TIME_MS,
    on_blank: Callable[[], object] = bool,
) -> Iterator[EventRecord]:
    """Return each line that is not blank as a record, numbered as the lines are.

    A line without an arrival of its own has that of the line before; those before the first arrival have that one, or
    `unknown_ms` if the first thousand lines have no arrival. The sequence number is made of the line's number and its
    identity: the same input gives the same numbers, and a different line in the same place gets a different number.
    """
    lines = iter(lines)
    first: list[bytes] = []
    broken: SourceError | None = None
    try:
        arrival_ms = _first_arrival(lines, first, arrival_of, unknown_ms)
    except SourceError as error:
        arrival_ms, broken = unknown_ms, error  # the lines before the break come first
    for number, line in enumerate(chain(first, lines), 1):
        found = arrival_of(line)
        if found is not None:
            arrival_ms = found
        if isinstance(line, UnreadLine):
            unread = _numbered(b"", identity_of(line), number, arrival_ms)
            unread["unreadBytes"] = line.size_bytes
            yield unread
        elif not line or line.isspace():
            on_blank()
        else:
            yield _numbered(line, identity_of(line), number, arrival_ms)
    if broken:
        raise broken


def _first_arrival(lines: Iterator[bytes], looked_at: list[bytes], arrival_of: ArrivalOf, unknown_ms: int) -> int:
    """Return the arrival of the first line that has one; `looked_at` gets the lines up to it."""
    size_bytes = 0
    for line in lines:
        looked_at.append(line)
        size_bytes += len(line)
        found = arrival_of(line)
        if found is not None:
            return found
        if len(looked_at) >= _LOOK_AHEAD_LINES or size_bytes >= _LOOK_AHEAD_BYTES:
            break
    return unknown_ms


def _numbered(payload: bytes, identity: bytes, number: int, arrival_ms: int) -> EventRecord:
    # 2 + 14 + 40 digits, the 56 of a real number. 2^128 has 39 digits.
    return event_record(
        payload,
        shard_id=_ONE_SHARD,
        partition_key=identity.hex().upper(),
        sequence_number=f"{_SEQUENCE_START}{number:014}{int.from_bytes(identity):040}",
        arrival_ms=arrival_ms,
    )


def until_broken(records: Iterator[EventRecord], broken: list[SourceError]) -> Iterator[EventRecord]:
    """Yield the records up to where a source breaks off, and add the error to `broken`."""
    try:
        yield from records
    except SourceError as error:
        broken.append(error)


def check_files(paths: Sequence[str]) -> None:
    """Open every file once, so that a wrong name stops a run before it has begun.

    Raises:
        SourceError: a file that cannot be opened, a `.gz` that is not gzip, standard input that is closed.
    """
    for path in paths:
        if path == "-" and sys.stdin is None:
            raise SourceError("standard input is closed")
        with _as_source_errors(path), contextlib.nullcontext() if path == "-" else _opened(path):
            pass


def _lines(paths: Sequence[str], standard_input: BinaryIO | None) -> Iterator[bytes]:
    for path in paths:
        with _as_source_errors(path):
            if path == "-":
                yield from bounded_lines(_unpacked(standard_input or sys.stdin.buffer))
            else:
                with _opened(path) as file:
                    yield from bounded_lines(file)


@contextlib.contextmanager
def _as_source_errors(path: str) -> Iterator[None]:
    try:
        yield
    except gzip.BadGzipFile:
        raise SourceError(f"{path} is not gzip, though its name ends in .gz") from None
    except (EOFError, zlib.error):
        raise SourceError(f"{path} is cut short or damaged: its gzip data is incomplete") from None
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
    """Return the file, unpacked if it is gzip, whatever its name."""
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if _starts(file) == GZIP else file


def _starts(file: BinaryIO) -> bytes:
    """Return the first two bytes of a file without consuming them."""
    return file.peek(2)[:2] if isinstance(file, io.BufferedReader) else b""


def bounded_lines(file: BinaryIO, most_bytes: int = MOST_LINE_BYTES) -> Iterator[bytes]:
    """Yield the lines without their ends. One of more than so many bytes is an UnreadLine, and takes no memory."""
    while line := file.readline(most_bytes + 1):
        if line.endswith(b"\n"):
            yield line[:-1]
        elif len(line) <= most_bytes:
            yield line
        else:
            yield _unread(len(line), file)


def _unread(size_bytes: int, file: BinaryIO) -> UnreadLine:
    while piece := file.readline(_PIECE_BYTES):
        size_bytes += len(piece)
        if piece.endswith(b"\n"):
            size_bytes -= 1
            break
    line = UnreadLine()
    line.size_bytes = size_bytes
    return line


def size_bytes(paths: Sequence[str]) -> int | None:
    """Return the approximate size of the payloads, for a progress bar; None if standard input is among the files."""
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
