"""The lines of a report that is not finished, so that no kill loses them: the next run of the same request has them.

    dmd-jobs/erasures/unfinished/3a7f.../2025-03-01T10-00-00Z-5f2cd0e0/9c1e....jsonl

Before a run replaces or deletes objects, it notes their lines here. If it is killed, a line counts unless its object is
there as it was: then the next run finds it again. That run takes all lines that count into a note of its own, and
deletes the others. Notes of a run whose page is there have done their work.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from firehose.lake.erasure.erasure_key import ErasureKey
from firehose.lake.erasure.versions import Versions
from firehose.lake.erasure.work import ErasedObject
from firehose.lake.objects import Lake, StoredObject, read_whole
from firehose.local.sink import MovedError, Sink
from firehose.local.sinks import FolderSink, S3Sink
from firehose.local.user_error import UserError
from glue.layout import JOBS, ROOT

REPORTS = f"{JOBS}erasures/"
_UNFINISHED = f"{REPORTS}unfinished/"
_EARLIER = "earlier"


class ObjectLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the report: an object that was redacted, or a noncurrent version that was deleted."""

    key: str
    rows: int
    values: int
    subjects: list[str]
    before: str | None = None
    etag: str | None = None
    deleted_version: str | None = None


class Journal(NamedTuple):
    """The notes of a run, below a folder that all runs for the same subjects share. It pickles."""

    key: ErasureKey
    folder: str
    run: str

    def put(self, sink: Sink, objects: Sequence[ErasedObject]) -> None:
        """Put a note of objects that are about to be replaced or deleted; it is named by the first of them.

        Raises:
            UserError: the lake cannot be written.
        """
        if objects:
            first = objects[0]
            self._put(
                sink,
                self.key.digest(f"{first.key} {first.deleted_version}"),
                [line_of(one, self.key) for one in objects],
            )

    def earlier(self, store: FolderSink | S3Sink, lake: Lake, versions: Versions) -> list[ObjectLine]:
        """Return the lines of killed runs that count, which are noted as this run's from now on.

        Raises:
            UserError: the lake cannot be read or written, or a note is damaged.
        """
        notes = list(lake.objects(self.folder))
        runs = {note.key.split("/")[-2] for note in notes}
        reports = {one.key: one for one in lake.objects(REPORTS) if not one.key.startswith(_UNFINISHED)} if runs else {}
        killed = {run for run in runs if f"{REPORTS}{run}.md" not in reports}
        noted = [line for note in notes if note.key.split("/")[-2] in killed for line in _lines(lake, note)]
        found = self._done(noted, lake, versions) if noted else []
        if found:
            self._put(store, _EARLIER, found)
        halves = [reports[key] for run in killed if (key := f"{REPORTS}{run}.jsonl") in reports]
        _delete(store, [*halves, *notes])
        return found

    def end(self, store: FolderSink | S3Sink, lake: Lake) -> None:
        """Delete the notes of this run, whose page is there.

        Raises:
            UserError: the lake cannot be read or written.
        """
        _delete(store, lake.objects(f"{self.folder}{self.run}/"))

    def _done(self, lines: Iterable[ObjectLine], lake: Lake, versions: Versions) -> list[ObjectLine]:
        once = {(line.key, line.before, line.deleted_version): line for line in lines}
        folders = {line.key.rpartition("/")[0] for line in once.values()}
        now = {one.key: one.version for folder in folders for one in lake.objects(f"{folder}/")}
        old = {(one.key, one.version) for one in versions.noncurrent(f"{ROOT}/")}
        done = []
        for line in once.values():
            etag = None if line.deleted_version else now.get(line.key)
            is_as_it_was = etag is not None and self.key.digest(etag) == line.before
            if not is_as_it_was and (line.key, line.deleted_version) not in old:
                done.append(msgspec.structs.replace(line, etag=etag))
        return done

    def _put(self, sink: Sink, name: str, lines: Iterable[ObjectLine]) -> None:
        sink.put(f"{self.folder}{self.run}/{name}.jsonl", encoded(lines), "application/x-ndjson")


def journal_of(key: ErasureKey, subjects: Iterable[str], run: str) -> Journal:
    """Return the journal of a run for some subjects."""
    return Journal(key, f"{_UNFINISHED}{key.digest(' '.join(sorted(set(subjects))))}/", run)


def line_of(one: ErasedObject, key: ErasureKey) -> ObjectLine:
    """Return the line of an object."""
    subjects = sorted(map(key.digest, one.subjects))
    before = key.digest(one.before) if one.before else None
    return ObjectLine(one.key, one.rows, one.values, subjects, before, one.after, one.deleted_version)


def encoded(lines: Iterable[ObjectLine]) -> bytes:
    """Return lines as JSON."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _lines(lake: Lake, note: StoredObject) -> list[ObjectLine]:
    try:
        return msgspec.json.Decoder(ObjectLine).decode_lines(read_whole(lake, note))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UserError(f"{lake.where(note)} holds no lines of an erasure's report: restore it, or remove it") from None


def _delete(store: FolderSink | S3Sink, objects: Iterable[StoredObject]) -> None:
    for one in objects:
        with suppress(MovedError):
            store.delete_if(one.key, one.version)
