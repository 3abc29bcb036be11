"""Find and redact records in error objects: Firehose's own, and the function's error documents.

Both keep their number and order, because the journal of a replay names places. A record that is emptied keeps its place
in the object: its text is empty, or `null` stands where something was that is not JSON.

A document says by a digest which of Firehose's records it explains (transform/errors.py). Redacted, both are the same
bytes, so each yields the new digest alone. A document of a record that does not parse has no original: its digest is
one of those of Firehose's copies that are to be emptied. So these are found first, in noncurrent versions too, the
documents are redacted next, and Firehose's copies last; noncurrent versions are deleted in the same order. A kill
between the steps needs no memory.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from firehose.lake.erasure.original import RedactedOriginal, parses, redact_original, subjects_of
from firehose.lake.erasure.redaction import Found, Redacted
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.errors.failed_records import from_base64, pieces, records_of, unpacked
from firehose.lake.objects import Lake, StoredObject, read_whole
from firehose.local.sources.files import GZIP
from firehose.pipeline.change_records import change_time_ms
from transform.scrub import REDACTED, digest_of_original

# Firehose's messages quote the record: 'For input string: "..."'.
_MESSAGES = frozenset({"errormessage", "lasterrormessage"})
_RAW = ("rawdata", "data")
_AROUND = "kinesis"

_BOM = b"\xef\xbb\xbf"
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")

DIGEST_OF_EMPTIED = sha256(b"").hexdigest()


class ErrorRecords:
    """Finds and redacts error records. `names` are the attributes that are personal data."""

    def __init__(self, names: Set[str], emptied: Mapping[str, frozenset[str]] | None = None) -> None:
        self._names = names
        # The digest of each record that is to be emptied, and whose it is.
        self._emptied = emptied or {}

    def find(self, lake: Lake, stored: StoredObject, subjects: Subjects) -> Found:
        """Find records."""
        return self.redact(read_whole(lake, stored), subjects).found

    def redact(self, body: bytes, subjects: Subjects) -> Redacted:
        """Redact records."""
        text = unpacked(body)
        if text is None:
            return _damaged(body, subjects)
        bom = _BOM if text.startswith(_BOM) else b""
        scan = _Scan(self._names, self._emptied, subjects)
        made = scan.text(text[len(bom) :].decode("utf-8", "surrogateescape"))
        found = Found(scan.records, scan.values, frozenset(scan.whose), scan.unreadable, emptied=scan.emptied_here)
        if not scan.records:
            return Redacted(None, found)
        written = bom + made.encode("utf-8", "surrogateescape")
        return Redacted(gzip.compress(written, mtime=0) if body.startswith(GZIP) else written, found)


@dataclass
class _Scan:
    """One pass over an object, and what it has found."""

    names: Set[str]
    emptied: Mapping[str, frozenset[str]]
    subjects: Subjects
    records: int = 0
    values: int = 0
    unreadable: int = 0
    whose: set[str] = field(default_factory=set)
    emptied_here: dict[str, frozenset[str]] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """Return the text with the subjects' records redacted; the others are left as they are written."""
        made, at = [], 0
        for piece in pieces(text):
            made.append(text[at : piece.begin])
            own = text[piece.begin : piece.end]
            made.append(self._garbage(own) if piece.document is None else self._document(own, piece.document))
            at = piece.end
        made.append(text[at:])
        return "".join(made)

    def _document(self, own: str, document: Any) -> str:
        before = self.records
        made = self._redacted(document)
        return own if self.records == before else json.dumps(made, separators=(",", ":"), ensure_ascii=True)

    def _garbage(self, own: str) -> str:
        """Return what is not JSON, or `null` if an id is in it, also in base64."""
        if own == "null":
            return own
        whose = _whose_garbage(own, self.subjects)
        if not whose:
            self.unreadable += 1
            return own
        self._count(whose, 1)
        return "null" + own[len(own.rstrip()) :]

    def _redacted(self, document: Any) -> Any:
        """Return a document with its records redacted: a list of them, one with events, one around a record."""
        if isinstance(document, list):
            return [self._redacted(one) for one in document]
        if not isinstance(document, dict):
            return self._plain(document)
        members = {name.lower(): name for name in document}
        if isinstance(document.get(members.get("events", "")), list):
            return self._with_events(document, members)
        holder = document
        if isinstance(document.get(members.get(_AROUND, "")), dict):
            holder = document[members[_AROUND]]
            members = {name.lower(): name for name in holder}
        place = next((members[name] for name in _RAW if name in members), None)
        raw = None if place is None else from_base64(holder[place])
        if place is None or raw is None:
            return self._plain(document)
        outer = {name: value for name, value in holder.items() if name != place}
        whose = self._whose(raw, [outer, {} if holder is document else document], _arrival_ms(document))
        if not whose:
            return document
        redacted = self._redact(raw, whose)
        made = {
            name: REDACTED if name.lower() in _MESSAGES and value is not None else value
            for name, value in (holder | {place: base64.b64encode(redacted.raw).decode()}).items()
        }
        if redacted.raw == raw and made == holder | {place: made[place]}:
            return document
        self._count(whose, redacted.values)
        return made if holder is document else document | {_name(document, _AROUND): made}

    def _with_events(self, document: dict[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
        events = members["events"]
        outer = {name: value for name, value in document.items() if name != events}
        made = [self._event(event, outer, document) for event in document[events]]
        digest = document.get(members.get("digest", ""))
        if not isinstance(digest, str):
            return document | {events: made}
        if digest in self.emptied and not made:
            self._count(set(self.emptied[digest]), 1)
            return document | {members["digest"]: DIGEST_OF_EMPTIED}
        if made != document[events] and len(made) == 1:
            raw = _event_bytes(made[0], document)
            document = document | {members["digest"]: digest_of_original(raw, self.names)}
        return document | {events: made}

    def _event(self, event: Any, outer: Any, document: dict[str, Any]) -> Any:
        if isinstance(event, dict) and {"kinesis", "data"}.isdisjoint(name.lower() for name in event):
            raw = json.dumps(event, separators=(",", ":")).encode()
            redacted = self._original(raw, [outer], _arrival_ms(document))
            return event if redacted is None else json.loads(redacted or b"null")
        if not isinstance(event, str):
            return self._redacted(event)
        redacted = self._original(_event_bytes(event, document), [outer], _arrival_ms(document))
        if redacted is None:
            return event
        return base64.b64encode(redacted).decode() if _is_base64(event, document) else redacted.decode()

    def _plain(self, value: Any) -> Any:
        """Return JSON that holds no record by the names that are known: it may be the record itself."""
        redacted = self._original(json.dumps(value, separators=(",", ":")).encode(), [], None)
        return value if redacted is None else json.loads(redacted or b"null")

    def _original(self, raw: bytes, around: list[Any], arrival_ms: int | None) -> bytes | None:
        """Return a redacted record; None if it stays as it is."""
        whose = self._whose(raw, around, arrival_ms)
        redacted = self._redact(raw, whose) if whose else None
        if redacted is None or redacted.raw == raw:
            return None
        self._count(whose, redacted.values)
        return redacted.raw

    def _whose(self, raw: bytes, around: list[Any], arrival_ms: int | None) -> set[str]:
        """Return the subjects of a record whose id is in it or in what is around it. Later changes do not count."""
        changed_ms = change_time_ms(raw) or arrival_ms
        changed_micros = None if changed_ms is None else changed_ms * 1000
        whose = subjects_of(raw, self.subjects) | self.subjects.in_strings(around)
        whose = {one for one in whose if self.subjects.covers(one, changed_micros)}
        self.unreadable += not whose and bool(raw) and not parses(raw, self.names)
        return whose

    def _redact(self, raw: bytes, whose: set[str]) -> RedactedOriginal:
        redacted = redact_original(raw, self.names)
        if raw and not redacted.raw:
            self.emptied_here[digest_of_original(raw, self.names)] = frozenset(whose)
        return redacted

    def _count(self, whose: set[str], values: int) -> None:
        self.records += 1
        self.values += values
        self.whose |= whose


def _damaged(body: bytes, subjects: Subjects) -> Redacted:
    """Empty an object that cannot be unpacked if an id is in what can be: readers count it as one record."""
    text = body
    if body.startswith(GZIP):
        try:
            text = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body)
        except zlib.error:
            text = b""
    whose = _whose_garbage(text.decode("utf-8", "replace"), subjects)
    if not whose:
        return Redacted(None, Found(unreadable=1))
    return Redacted(b"null\n", Found(1, 1, frozenset(whose)))


def _whose_garbage(text: str, subjects: Subjects) -> set[str]:
    """Return the subjects whose id is in what is not JSON, as it is, unescaped, or in base64."""
    whose = subjects.in_unparsed(text)
    for run in _BASE64_RUN.findall(text):
        decoded = from_base64(run[: len(run) // 4 * 4])
        whose |= subjects.in_unparsed((decoded or b"").decode("utf-8", "replace"))
    return whose


def _arrival_ms(document: dict[str, Any]) -> int | None:
    first = next(iter(records_of(document)), None)
    return None if first is None else first.arrival_ms


def _is_base64(event: str, document: Mapping[str, Any]) -> bool:
    if document.get(_name(document, "encoding")) == "base64":
        return True
    decoded = None if event.lstrip().startswith("{") else from_base64(event)
    return decoded is not None and decoded.startswith(b"{")


def _event_bytes(event: Any, document: Mapping[str, Any]) -> bytes:
    if not isinstance(event, str):
        return json.dumps(event, separators=(",", ":")).encode()
    decoded = from_base64(event) if _is_base64(event, document) else None
    return event.encode("utf-8", "surrogatepass") if decoded is None else decoded


def _name(document: Mapping[str, Any], lower: str) -> str:
    return next((name for name in document if name.lower() == lower), "")
