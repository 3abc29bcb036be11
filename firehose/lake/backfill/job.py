"""What one backfill is to do: where from, which items, where to. Two runs of the same job are one backfill."""

import posixpath
from hashlib import sha256
from pathlib import Path

import msgspec
import msgspec.structs

from firehose.lake.backfill.export import find_export
from firehose.lake.backfill.source import PAGE_LINES, ExportSource, Source
from firehose.lake.backfill.table_scan import TableSource
from firehose.local.sinks import S3
from glue.layout import Format

# Large enough that a lake does not get needlessly many small objects (each chunk makes one for each of its partitions),
# small enough that a kill costs seconds.
CHUNK_ITEMS = 50_000


class Job(msgspec.Struct, frozen=True):
    """A backfill as it was asked for.

    `source` is a table's name or where an export lies, `target` a lake or `kinesis://STREAM`. `first` and `last` are
    partition dates, "" for no bound.
    """

    source: str
    is_table: bool
    target: str
    is_stream: bool
    file_format: Format = Format.PARQUET
    types: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    keys: tuple[str, ...] = ()
    segments: int = 8
    chunk_items: int = CHUNK_ITEMS
    page_items: int | None = None  # None for a megabyte of a table, a thousand lines of an export

    @property
    def digest(self) -> str:
        """16 hex digits that are the same for the same job."""
        return sha256(msgspec.json.encode(self.plain)).hexdigest()[:16]

    @property
    def plain(self) -> "Job":
        """The job in the one spelling that two commands which ask for the same have in common.

        `exports/` -> `/home/me/exports`, `s3://bucket/exports/` -> `s3://bucket/exports`, no segments but of a table.
        """
        return msgspec.structs.replace(
            self,
            source=self.source if self.is_table else _plain_place(self.source),
            target=self.target if self.is_stream else _plain_place(self.target),
            segments=self.segments if self.is_table else 0,
        )

    @property
    def filters_dates(self) -> bool:
        """Whether items are chosen by their partition date."""
        return bool(self.first or self.last)

    def open_source(self, started_micros: int) -> Source:
        """The source; `started_micros` is the time of a scan's items.

        Raises:
            UserError: it cannot be read.
        """
        if self.is_table:
            return TableSource(self.source, self.segments, started_micros, page_items=self.page_items)
        return ExportSource(find_export(self.source), self.keys, page_lines=self.page_items or PAGE_LINES)


def _plain_place(where: str) -> str:
    if not where.startswith(S3):
        return str(Path(where).resolve())
    bucket, _, prefix = where.removeprefix(S3).partition("/")
    return (S3 + posixpath.join(bucket, posixpath.normpath(f"/{prefix}").lstrip("/"))).rstrip("/")
