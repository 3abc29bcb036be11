"""The job of a backfill: its source, filters and target. Two runs of the same job are one backfill."""

import posixpath
from hashlib import sha256
from pathlib import Path

import msgspec
import msgspec.structs

from firehose.lake.backfill.export import Export, find_export
from firehose.lake.backfill.item_source import PAGE_LINES, ExportSource, ItemSource
from firehose.lake.backfill.table_scan import TableSource
from firehose.local.sinks import S3
from glue.layout import Format
from glue.model import RecordType, pii_names
from glue.schema import SCHEMAS, load

# Each chunk makes one object for each of its partitions: large enough that objects are few, and small enough that a
# kill costs seconds.
CHUNK_ITEMS = 50_000


class BackfillJob(msgspec.Struct, frozen=True):
    """The options of a backfill.

    `source` is the name of a table or the place of an export, `target` a lake or `kinesis://STREAM`. `first` and `last`
    are partition dates, "" for no bound. `schemas` is the folder of the record types.
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
    schemas: str = str(SCHEMAS)
    page_items: int | None = None  # by default a megabyte of a table, a thousand lines of an export

    @property
    def digest(self) -> str:
        """Return sixteen hex digits that are the same for the same job."""
        return sha256(msgspec.json.encode(self.canonical)).hexdigest()[:16]

    @property
    def canonical(self) -> "BackfillJob":
        """Return the job in a canonical form, which is the same for all commands that mean the same.

        `exports/` -> `/home/me/exports`, `s3://bucket/exports/` -> `s3://bucket/exports`; `segments` only if the source
        is a table.
        """
        return msgspec.structs.replace(
            self,
            source=self.source if self.is_table else _canonical_place(self.source),
            target=self.target if self.is_stream else _canonical_place(self.target),
            segments=self.segments if self.is_table else 0,
            schemas=str(Path(self.schemas).resolve()),
        )

    def load_types(self) -> dict[str, RecordType]:
        """Return the record types by name.

        Raises:
            SchemaError: a schema is invalid.
        """
        return load(Path(self.schemas))

    def load_personal(self) -> frozenset[str]:
        """Return the attribute names that are personal data in the record types.

        Raises:
            SchemaError: a schema is invalid.
        """
        return pii_names(self.load_types())

    @property
    def filters_dates(self) -> bool:
        """True if items are selected by their partition date."""
        return bool(self.first or self.last)

    def find_export(self) -> Export | None:
        """Return the source if it is an export. It reads the manifests and lists the data files: once for a job.

        Raises:
            UserError: it cannot be read.
        """
        return None if self.is_table else find_export(self.source)

    def open_source(self, export: Export | None, started_micros: int, key_names: tuple[str, ...]) -> ItemSource:
        """Open the source. The items of a scan get the time `started_micros`, those of a full export these keys.

        Raises:
            UserError: it cannot be read.
        """
        personal = self.load_personal()
        if export is None:
            return TableSource(
                self.source, self.segments, started_micros, personal=personal, page_items=self.page_items
            )
        return ExportSource(export, key_names, personal=personal, page_lines=self.page_items or PAGE_LINES)


def _canonical_place(where: str) -> str:
    if not where.startswith(S3):
        return str(Path(where).resolve())
    bucket, _, prefix = where.removeprefix(S3).partition("/")
    return (S3 + posixpath.join(bucket, posixpath.normpath(f"/{prefix}").lstrip("/"))).rstrip("/")
