"""The report of an erasure, kept in the lake: a line for each object, and a page for compliance.

    dmd-jobs/erasures/2025-03-01T10-00-00Z-5f2cd0e0.jsonl   {"key": ..., "rows": 2, "values": 4, "subjects": [...], ...}
    dmd-jobs/erasures/2025-03-01T10-00-00Z-5f2cd0e0.md

Neither holds an id. A subject is named by the keyed hash that it has in the list of erased subjects. Of an object's
ETag before, only a keyed hash is kept: S3's ETag is a digest of the bytes, by which whoever has the redacted object
could try every phone number (BR-23). Whoever holds the key can still prove which object was replaced.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from firehose.lake.erasure.erasure_key import ErasureKey
from firehose.lake.erasure.journal import REPORTS, ObjectLine, encoded
from firehose.local.sink import Sink
from glue.layout import ERROR_DOCUMENTS, FIREHOSE_ERRORS, ROOT

_BESIDE = (
    "The key of the list of erased subjects lies beside the list, which is the weakest place: whoever can read the "
    "lake can test whether an id is in the list."
)


class ErasureReport:
    """The report of one erasure."""

    def __init__(self, sink: Sink, key: ErasureKey, label: str, now_seconds: float) -> None:
        self._sink = sink
        self._key = key
        self._label = label
        self._at = datetime.fromtimestamp(int(now_seconds), UTC).isoformat().replace("+00:00", "Z")
        self.run = f"{self._at.replace(':', '-')}-{uuid4().hex[:8]}"
        self._name = f"{REPORTS}{self.run}"

    def put_lines(self, lines: Iterable[ObjectLine]) -> None:
        """Put the lines of the objects.

        Raises:
            UserError: the lake cannot be written.
        """
        self._sink.put(f"{self._name}.jsonl", encoded(lines), "application/x-ndjson")

    def put_page(self, result: Any, states: Mapping[str, str], lines: Sequence[ObjectLine]) -> tuple[str, str]:
        """Put the page, and return its key and its text; `states` says if a subject is erased, pending or failed.

        Raises:
            UserError: the lake cannot be written.
        """
        page = "\n".join(self._page(result, states, lines))
        self._sink.put(f"{self._name}.md", page.encode(), "text/markdown; charset=utf-8")
        return f"{self._name}.md", page

    def _page(self, result: Any, states: Mapping[str, str], lines: Sequence[ObjectLine]) -> Iterable[str]:
        yield "# Erasure of personal data\n"
        yield f"- Time: {self._at}"
        yield f"- Asked for by: {_plain(self._label) or 'not named (--label)'}"
        yield f"- Every object that was changed: `{self._name}.jsonl`\n"
        yield "## Subjects\n"
        yield "Each is named by a keyed hash of its id; the key is needed to find a person here.\n"
        yield from _table(("subject", "state"), sorted((self._key.digest(one), state) for one, state in states.items()))
        yield "## What was done\n"
        yield from _table(
            ("place", "objects redacted", "rows or records", "values", "old versions deleted"), _by_place(lines)
        )
        yield "## Proof\n"
        yield f"- Everything was read again. Objects that still held something to redact: {result.found_in_second_pass}"
        yield f"- Things that could not be read, and in which no id was found: {result.unreadable}"
        yield from (f"- Left as it is: {_plain(one)}" for one in result.undone)
        yield "\n## Not covered\n"
        yield from (f"- {one}" for one in result.not_covered)
        yield from ("", _BESIDE) if self._key.beside else ()
        yield ""


def _by_place(lines: Sequence[ObjectLine]) -> Iterable[tuple[Any, ...]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in lines:
        of = counts[_place(one.key)]
        if one.deleted_version is not None:
            of[3] += 1
        else:
            of[0] += 1
            of[1] += one.rows
            of[2] += one.values
    return [(place, *of) for place, of in sorted(counts.items())]


def _place(key: str) -> str:
    """Return the table or kind of an object: "data-pipeline/parquet/demand/"."""
    for prefix in (ERROR_DOCUMENTS, FIREHOSE_ERRORS):
        if key.startswith(prefix):
            return prefix
    return "/".join(key.split("/")[:3]) + "/" if key.startswith(f"{ROOT}/") else key.rpartition("/")[0]


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterable[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    for row in rows:
        yield f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else cell for cell in row)} |"
    yield ""


def _plain(text: str) -> str:
    """Return a text that stays one line of Markdown."""
    return " ".join(text.replace("|", "/").replace("<", "(").replace(">", ")").split())
