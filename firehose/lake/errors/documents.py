"""The function's error documents of a lake: why records failed, to be joined with Firehose's own copies of them."""

import itertools
from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, NamedTuple

import msgspec

from firehose.lake.storage import Lake
from glue.layout import ERROR_DOCUMENTS, partition_date
from transform.times import iso_millis

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a record failed. The message and the path hold no value of the record."""

    code: Text
    message: str = ""
    path: str | None = None


class ErrorDocument(msgspec.Struct, frozen=True, rename="camel"):
    """One line of an error object, as design.md has it; `events` is the original, perhaps with personal data."""

    timestamp: str
    error: Reason
    type: str | None = None
    stream: str | None = None
    record_id: str | None = None
    sequence: str | None = None
    digest: str | None = None
    encoding: str | None = None
    container: str | None = None
    events: list[str] = []


class Explanation(NamedTuple):
    """What an error document says of its record; `where` is `lake/.../a.jsonl:3`, `container` a key of the lake."""

    reason: Reason
    type: str | None
    stream: str | None
    sequence: str | None
    day: str
    where: str
    container: str | None


class Explanations:
    """The documents of a lake by the bytes and arrival of their records, each to be taken once.

    Two equal records that both failed have two documents: a multiset. Without the originals, which may be large.
    """

    def __init__(self, lake: Lake, unreadable: list[str]) -> None:
        self._by_record: dict[bytes, list[Explanation]] = {}
        reasons: dict[Reason, Reason] = {}
        for day, where, one in documents(lake, unreadable):
            reason = reasons.setdefault(one.error, one.error)
            sequence = (one.sequence or "").lstrip("0") or None
            told = Explanation(reason, one.type, one.stream, sequence, day, where, one.container)
            self._by_record.setdefault(_joint(one.digest or "", one.timestamp), []).append(told)

    def take(self, raw: bytes, arrival_ms: int, stream: str | None) -> Explanation | None:
        """The document of a record that this delivery stream failed; None where there is none (any more)."""
        left = self._by_record.get(join_key(raw, arrival_ms), [])
        for told in left:
            # Several streams read the same records: what one of them says of a record is not why another failed it.
            if stream is None or told.stream in {None, stream}:
                left.remove(told)
                return told
        return None

    def left(self) -> Iterator[Explanation]:
        """The documents that nobody has taken."""
        return itertools.chain.from_iterable(self._by_record.values())


def documents(lake: Lake, unreadable: list[str]) -> Iterator[tuple[str, str, ErrorDocument]]:
    """(day, where, document) of every error document; where a line is none goes to `unreadable`."""
    decode = msgspec.json.Decoder(ErrorDocument).decode
    for stored in lake.objects(ERROR_DOCUMENTS):
        day = partition_date(stored.key)
        with lake.open(stored) as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines, 1):
            at = f"{lake.where(stored)}:{number}"
            try:
                yield day, at, decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                unreadable.append(at)


def join_key(raw: bytes, arrival_ms: int) -> bytes:
    """By what the copies of one record are known: its bytes and when it arrived."""
    return _joint(sha256(raw).hexdigest(), iso_millis(arrival_ms))


def _joint(digest: str, timestamp: str) -> bytes:
    # 16 bytes for what would be 90 characters: a lake may hold millions of documents.
    return sha256(f"{digest} {timestamp}".encode("utf-8", "replace")).digest()[:16]
