"""Read a line of an export's data file: one item as DynamoDB wrote it.

full         {"Item": {"pk": {"S": "P"}, ...}}
incremental  {"Metadata": {"WriteTimestampMicros": {"N": "1668227450456000"}}, "Keys": {...}, "NewImage": {...}}
"""

from typing import NamedTuple

import msgspec
from msgspec import Raw

from firehose.local.sources.files import UnreadLine
from transform.times import LAST_MICROS

NULL = Raw(b"null")


class _Full(msgspec.Struct):
    Item: dict[str, Raw]


class _Metadata(msgspec.Struct):
    WriteTimestampMicros: int | dict[str, str]


class _Incremental(msgspec.Struct):
    Metadata: _Metadata
    Keys: dict[str, Raw]
    NewImage: dict[str, Raw] | None = None
    OldImage: dict[str, Raw] | None = None


class Line(NamedTuple):
    """One item: its image, and in an incremental export its keys, the time of the write, and whether that deleted it.

    `image` is None for an item that was deleted without an old image in the export.
    """

    image: dict[str, Raw] | None
    keys: dict[str, Raw] | None
    at_micros: int | None
    deleted: bool


# "The maximum item size in DynamoDB is 400 KB". As JSON it has some six times that at most.
_ITEM_KB = 400


class NotALineError(ValueError):
    """A line that does not belong in an export. The message never quotes it."""


_full = msgspec.json.Decoder(_Full).decode
_incremental = msgspec.json.Decoder(_Incremental).decode


def full_line(line: bytes) -> Line:
    """Read a line of a full export.

    Raises:
        NotALineError: it is not an object whose `Item` is an object.
    """
    _check_size(line)
    try:
        return Line(_full(line).Item, None, None, deleted=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotALineError('expected {"Item": {...}}') from None


def incremental_line(line: bytes) -> Line:
    """Read a line of an incremental export. Without a new image the item was deleted.

    Raises:
        NotALineError: its keys, its images or the time of its write are invalid.
    """
    _check_size(line)
    try:
        found = _incremental(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotALineError('expected {"Metadata": {"WriteTimestampMicros": ...}, "Keys": {...}, ...}') from None
    at_micros = _micros(found.Metadata.WriteTimestampMicros)
    if found.NewImage is not None:
        return Line(found.NewImage, found.Keys, at_micros, deleted=False)
    return Line(found.OldImage, found.Keys, at_micros, deleted=True)


def _check_size(line: bytes) -> None:
    if isinstance(line, UnreadLine):
        raise NotALineError(f"{line.size_bytes:,} bytes; an item has at most {_ITEM_KB} KB")


def _micros(written: int | dict[str, str]) -> int:
    """Read epoch microseconds: {"N": "1668227450456000"} in real exports, a bare number in one description of them."""
    if isinstance(written, dict):
        digits = written.get("N", "") if len(written) == 1 else ""
        written = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0
    if not 10**14 <= written <= LAST_MICROS:  # 1973: the function takes a smaller number for milliseconds
        raise NotALineError("WriteTimestampMicros: expected epoch microseconds")
    return written
