"""What failed in a lake: the function's error documents, and Firehose's own error objects."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from firehose.lake import Lake, Stored, open_lake
from glue.tables import PARTITION, ROOT

RECORDS = f"{ROOT}/errors/records/"
FIREHOSE = f"{ROOT}/errors/firehose/"

EXAMPLES = 3  # of each group: the commonest ones; all have one reason and differ in their path

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Reason(msgspec.Struct, frozen=True):
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
    events: list[str] = []


class Example(msgspec.Struct, frozen=True):
    """One way a record failed, how often, and where the first such document lies: `lake/.../a.jsonl:3`."""

    path: str | None
    message: str
    count: int
    where: str


class Failures(msgspec.Struct, frozen=True):
    """The failures of one reason, record type and day of arrival."""

    reason: str
    type: str | None
    day: str
    count: int
    examples: list[Example]


class Report(msgspec.Struct, frozen=True):
    """All that failed. `firehose` counts Firehose's own records by the kind of its error: {"processing-failed": 3}.

    `unreadable` says where objects lie that are not what their place says, from the first bad line or byte on.
    """

    failures: list[Failures]
    firehose: dict[str, int]
    unreadable: list[str]


@dataclass(slots=True)
class _Group:
    ways: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    first: dict[tuple[str | None, str], str] = field(default_factory=dict)


def report(where: str) -> Report:
    """What failed in the lake in a folder or in `s3://bucket`, the commonest first.

    Raises:
        Mistake: no such lake.
    """
    lake = open_lake(where)
    unreadable: list[str] = []
    groups: dict[tuple[str, str | None, str], _Group] = {}
    for day, at, document in documents(lake, unreadable):
        group = groups.setdefault((document.error.code, document.type, day), _Group())
        way = (document.error.path, document.error.message)
        group.ways[way] += 1
        group.first.setdefault(way, at)
    failures = [_failures(*key, group) for key, group in groups.items()]
    failures.sort(key=lambda one: (-one.count, one.reason, one.type or "", one.day))
    return Report(failures, _firehose_counts(lake, unreadable), unreadable)


def documents(lake: Lake, unreadable: list[str]) -> Iterator[tuple[str, str, ErrorDocument]]:
    """(day, where, document) of every error document; where a line is none goes to `unreadable`."""
    decode = msgspec.json.Decoder(ErrorDocument).decode
    for stored in lake.objects(RECORDS):
        day = partition_of(stored)
        for number, line in enumerate(_read(lake, stored).splitlines(), 1):
            at = f"{lake.where(stored)}:{number}"
            try:
                yield day, at, decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                unreadable.append(at)


def partition_of(stored: Stored) -> str:
    """The partition date in a key: ".../partition_date=2025-01-01/a.jsonl" -> "2025-01-01"; "" where there is none."""
    return stored.key.partition(f"{PARTITION}=")[2].partition("/")[0]


def _failures(reason: str, record_type: str | None, day: str, group: _Group) -> Failures:
    examples = [
        Example(path, message, count, group.first[path, message])
        for (path, message), count in group.ways.most_common(EXAMPLES)
    ]
    return Failures(reason, record_type, day, group.ways.total(), examples)


def _firehose_counts(lake: Lake, unreadable: list[str]) -> dict[str, int]:
    """How many records Firehose's error objects hold, by the folder under the error prefix: its error-output-type."""
    counts: Counter[str] = Counter()
    for stored in lake.objects(FIREHOSE):
        kind = stored.key.removeprefix(FIREHOSE).partition("/")[0]
        found, whole = _documents_in(_read(lake, stored))
        counts[kind] += found
        if not whole:
            unreadable.append(lake.where(stored))
    return dict(counts.most_common())


def _documents_in(body: bytes) -> tuple[int, bool]:
    """How many JSON documents a body holds, one a line or butted together, and whether that is all it holds.

    b'{"a":1}{"a":2}' -> (2, True)
    """
    decoder, text, found, at = json.JSONDecoder(), body.decode("utf-8", "replace").strip(), 0, 0
    while at < len(text):
        try:
            _, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found, False
        found += 1
        while at < len(text) and text[at].isspace():
            at += 1
    return found, True


def _read(lake: Lake, stored: Stored) -> bytes:
    with lake.open(stored) as file:
        return file.read()
