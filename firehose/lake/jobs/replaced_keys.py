"""Tell which keys of a partition a compaction has replaced, so that nothing is put there or looked for in vain.

Names of objects derive from their input, so a run, backfill or replay that is repeated puts the same keys again. If a
compaction has replaced such an object, its rows are in the target, and the object must not come back. Every writer
looks before its put and again after it. What was recorded between the two is deleted again.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from firehose.lake.jobs.replacement import GIVEN_UP, REPLACED, ReplacementRecord
from firehose.lake.objects import Lake, StoredObject
from firehose.local.delivery.putting import concurrent_puts
from firehose.local.sink import MovedError, StoredNote
from firehose.local.sinks import FolderSink, S3Sink
from firehose.local.user_error import UserError
from glue.layout import FILE_FORMATS, format_prefix, partition_date

_DATA = tuple(map(format_prefix, FILE_FORMATS))


class _Known(NamedTuple):
    records: list[StoredObject]
    keys: frozenset[str]


_NONE = _Known([], frozenset())


class ReplacedKeys:
    """The keys that compactions of a lake have replaced, by the folder that they were in. Several threads may ask."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._known: dict[str, _Known] = {}

    def of(self, folder: str) -> frozenset[str]:
        """Return the keys of a folder, ".../partition_date=2025-01-01/", as they were when it was last looked at.

        Raises:
            UserError: the lake cannot be read, or a record is damaged.
        """
        known = self._known.get(folder)
        return self.now(folder) if known is None else known.keys

    def now(self, folder: str) -> frozenset[str]:
        """Return the keys of a folder as they are now: one listing, and more only if there are new records."""
        records = list(self._lake.objects(f"{REPLACED}{folder}"))
        known = self._known.get(folder, _NONE)
        if records != known.records:
            known = _Known(records, self._read(folder))
        self._known[folder] = known
        return known.keys

    def _read(self, folder: str) -> frozenset[str]:
        # The objects before the records: a target that was there is either there still, or replaced on record.
        there = {stored.key for stored in self._lake.objects(folder)}
        records = [self._record(stored) for stored in self._lake.objects(f"{REPLACED}{folder}")]
        return frozenset(key for record in _whose_rows_are_there(records, there) for key in record.replaced)

    def _record(self, stored: StoredObject) -> ReplacementRecord:
        with self._lake.open(stored) as file:
            body = file.read()
        try:
            return msgspec.json.decode(body, type=ReplacementRecord)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Without it, a repeated run would put the rows a second time.
            raise UserError(f"{self._lake.where(stored)} is not a record of dmd compact: restore it") from None


def given_up(lake: Lake, folder: str) -> frozenset[str]:
    """Return the keys of the targets in a folder that were given up."""
    notes = lake.objects(f"{GIVEN_UP}{folder}")
    return frozenset(stored.key.removeprefix(GIVEN_UP).removesuffix(".json") for stored in notes)


def _whose_rows_are_there(records: list[ReplacementRecord], there: set[str]) -> Iterable[ReplacementRecord]:
    """Yield the records whose target is there, or has itself been replaced by one that is.

    Whoever removes the data of a partition, and not these records, may fill it again.
    """
    replaced_by = {key: record.target for record in records for key in record.replaced}
    for record in records:
        target: str | None = record.target
        while target is not None and target not in there:
            target = replaced_by.get(target)
        if target is not None:
            yield record


class LakeSink:
    """A lake to be written. Data objects that a compaction has replaced are left out; all else is put."""

    def __init__(self, sink: FolderSink | S3Sink, lake: Lake) -> None:
        self._sink = sink
        self._replaced = ReplacedKeys(lake)
        self.concurrent_puts = concurrent_puts(sink)

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Put one object, unless its rows are in a target already.

        Raises:
            UserError: the lake cannot be written, or the records of what was replaced not be read.
        """
        if not (key.startswith(_DATA) and partition_date(key)):
            self._sink.put(key, body, content_type, content_encoding)
            return
        folder = f"{key.rpartition('/')[0]}/"
        if key not in self._replaced.of(folder):
            self._sink.put(key, body, content_type, content_encoding)
            if key not in self._replaced.now(folder):
                return
        self._remove(key)

    def put_if(self, key: str, body: bytes, content_type: str, version: str | None) -> str:
        """Put a note on condition."""
        return self._sink.put_if(key, body, content_type, version)

    def read(self, key: str) -> StoredNote | None:
        """Read an object."""
        return self._sink.read(key)

    def delete_if(self, key: str, version: str) -> None:
        """Delete an object on condition."""
        self._sink.delete_if(key, version)

    def close(self) -> None:
        """Remove temporary files."""
        self._sink.close()

    def _remove(self, key: str) -> None:
        """Remove what is there under a replaced key: this writer put it, or one that was killed."""
        while (there := self._sink.read(key)) is not None:
            try:
                self._sink.delete_if(key, there.version)
            except MovedError:
                continue
