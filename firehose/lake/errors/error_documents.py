"""Reads the function's error documents, which say why records failed, and joins them with Firehose's error records.

An error document has a digest of its record, personal data redacted, and when that arrived. Firehose's error object has
the record itself.
"""

import io
import itertools
from collections.abc import Iterator, Set
from hashlib import sha256
from typing import Annotated, Any, NamedTuple, cast

import msgspec

from firehose.lake.objects import Lake
from firehose.local.sources.files import bounded_lines
from glue.layout import ERROR_DOCUMENTS, partition_date
from transform.scrub import digest_of_original
from transform.times import iso_millis

# A document has one record, at most 4.5 MB in Lambda's event of 6 MB; as JSON a byte takes at most six characters.
MOST_DOCUMENT_BYTES = 32 * 1024 * 1024

# The bytes to read at a time: each read of a bucket is a request.
_PIECE_BYTES = 8 * 1024 * 1024

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Explanation(msgspec.Struct, frozen=True, omit_defaults=True):
    """The reason of a failure. The message and the path hold no value of the record."""

    code: Text
    message: str = ""
    path: str | None = None


class ErrorDocument(msgspec.Struct, frozen=True, rename="camel"):
    """One line of an object of error documents. `events` is the original, perhaps with personal data."""

    timestamp: str
    error: Explanation
    type: str | None = None
    stream: str | None = None
    record_id: str | None = None
    sequence: str | None = None
    digest: str | None = None
    encoding: str | None = None
    container: str | None = None
    events: list[str] = []


class DocumentedFailure(NamedTuple):
    """An error document without the original, which may be large.

    `where` is `lake/.../a.jsonl:3`. `container` is the key of the object that the function was putting.
    """

    explanation: Explanation
    type: str | None
    stream: str | None
    sequence: str | None
    day: str
    where: str
    container: str | None


class DocumentIndex:
    """The error documents of a lake by the bytes and arrival of their records.

    A multiset: two equal records that both failed have two documents, and each is taken once. `personal` are the
    attribute names that are personal data.
    """

    def __init__(self, lake: Lake, unreadable: list[str], personal: Set[str]) -> None:
        self._personal = personal
        self._by_record: dict[bytes, list[DocumentedFailure]] = {}
        explanations: dict[Explanation, Explanation] = {}
        for day, where, one in documents(lake, unreadable):
            explanation = explanations.setdefault(one.error, one.error)
            sequence = (one.sequence or "").lstrip("0") or None
            documented = DocumentedFailure(explanation, one.type, one.stream, sequence, day, where, one.container)
            self._by_record.setdefault(_join_key(one.digest or "", one.timestamp), []).append(documented)

    def take(self, raw: bytes, arrival_ms: int, stream: str | None) -> DocumentedFailure | None:
        """Remove and return the document of a record that this delivery stream failed, or None."""
        if not self._by_record:
            return None
        key = _join_key(digest_of_original(raw, self._personal), iso_millis(arrival_ms))
        candidates = self._by_record.get(key, [])
        for documented in candidates:
            # Several streams read the same records, and may fail one for different reasons.
            if stream is None or documented.stream in {None, stream}:
                candidates.remove(documented)
                return documented
        return None

    def left(self) -> Iterator[DocumentedFailure]:
        """Return the documents that were not taken."""
        return itertools.chain.from_iterable(self._by_record.values())


def documents(lake: Lake, unreadable: list[str]) -> Iterator[tuple[str, str, ErrorDocument]]:
    """Yield (day, where, document) for every error document. `unreadable` gets the places of other lines."""
    decode = msgspec.json.Decoder(ErrorDocument).decode
    for stored in lake.objects(ERROR_DOCUMENTS):
        day = partition_date(stored.key)
        with io.BufferedReader(cast(Any, lake.open(stored)), _PIECE_BYTES) as file:
            for number, line in enumerate(bounded_lines(file, MOST_DOCUMENT_BYTES), 1):
                where = f"{lake.where(stored)}:{number}"
                try:
                    yield day, where, decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    unreadable.append(where)


def _join_key(digest: str, timestamp: str) -> bytes:
    # 16 bytes instead of 90 characters: a lake may hold millions of documents.
    return sha256(f"{digest} {timestamp}".encode("utf-8", "replace")).digest()[:16]
