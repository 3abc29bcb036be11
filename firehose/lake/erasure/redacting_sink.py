"""A lake to be written with change records: what is erased stays erased, whatever brings it back.

An object is redacted when it is put, as `dmd erase` would redact it in place; rows of an Iceberg table when they are
appended. By then records have been numbered and batched, and objects divided and named: the same input puts the same
keys and rows, whoever has been erased meanwhile. Redacted earlier, a record would have another size, or fail no more,
and its rows would go to an object of another name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.erasure.error_records import ErrorRecords
from firehose.lake.erasure.listed_subjects import ListedSubjects
from firehose.lake.erasure.redaction import Redactor
from firehose.lake.errors.error_documents import ErrorDocument
from firehose.lake.jobs.open_writers import open_writer
from firehose.lake.jobs.replaced_keys import LakeSink
from firehose.local.delivery.putting import concurrent_puts
from firehose.local.sink import StoredNote
from glue.layout import ERROR_DOCUMENTS, FIREHOSE_ERRORS
from glue.model import pii_names
from glue.schema import load
from transform.object_store import NDJSON

if TYPE_CHECKING:
    import pyarrow as pa

    from firehose.lake.erasure.arrow_rows import ArrowRows

_decode = msgspec.json.Decoder(ErrorDocument).decode
_NO_ORIGINAL = b'"events":[]'

# A digest and a key take 300 bytes. Documents beyond these keep the digest of a record that is emptied.
_MOST_NOTED = 100_000


class RedactingSink:
    """The sink of a lake, which redacts the personal data of erased subjects in all that is put."""

    def __init__(self, sink: LakeSink, erased: ErasedSubjects, schemas: Path) -> None:
        self._sink = sink
        self.concurrent_puts = concurrent_puts(sink)
        self._erased = erased
        self._subjects = ListedSubjects(erased)
        self._schemas = schemas
        # The key of each document without an original, by its digest: what that was is known when Firehose's own copy
        # of the record is put.
        self._without_original: dict[str, str] = {}

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Put one object, redacted.

        Raises:
            UserError: the lake cannot be written, or its list of erased subjects not be read.
        """
        self._erased.refresh_if_due()
        if self._erased:
            if key.startswith(FIREHOSE_ERRORS):
                self._put_documents_of_emptied(body)
            body = self._redacted(key, body)
        if key.startswith(ERROR_DOCUMENTS):
            self._note_documents(key, body)
        self._sink.put(key, body, content_type, content_encoding)

    def redact_rows(self, table: str, rows: "pa.Table") -> "pa.Table":
        """Return the rows of a commit to an Iceberg table, redacted.

        Raises:
            UserError: the list of erased subjects cannot be read.
        """
        self._erased.refresh_if_due()
        of_table = self._rows.get(table) if self._erased else None
        return rows if of_table is None else of_table.in_table(rows, self._subjects)[0]

    @contextmanager
    def opened(self, command: str) -> Iterator[None]:
        """Keep a note in the lake while a command writes.

        The list is read once more when the note is there: an erasure enters its subjects before it looks for notes. So
        it sees this one, or they are seen here.
        """
        with open_writer(self._sink, command):
            self._erased.refresh()
            yield

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

    @cached_property
    def _redactors(self) -> Mapping[str, Redactor]:
        from firehose.lake.erasure.redactors import redactors  # noqa: PLC0415 - 40 ms, needed only where there is a list

        return redactors(self._schemas, {})

    @cached_property
    def _rows(self) -> Mapping[str, "ArrowRows"]:
        from firehose.lake.erasure.redactors import table_rows  # noqa: PLC0415 - as above

        return table_rows(load(self._schemas))

    def _redacted(self, key: str, body: bytes) -> bytes:
        redactor = next((one for prefix, one in self._redactors.items() if key.startswith(prefix)), None)
        return body if redactor is None else redactor.redact(body, self._subjects).body or body

    def _note_documents(self, key: str, body: bytes) -> None:
        for line in body.splitlines():
            if _NO_ORIGINAL in line and len(self._without_original) < _MOST_NOTED:
                self._without_original[_decode(line).digest or ""] = key

    def _put_documents_of_emptied(self, body: bytes) -> None:
        """Put documents again whose record does not parse and is emptied in an error object: their digest was its."""
        names = pii_names(load(self._schemas))
        emptied = ErrorRecords(names).redact(body, self._subjects).found.emptied
        for key in {self._without_original[digest] for digest in emptied if digest in self._without_original}:
            document = self._sink.read(key)
            redacted = ErrorRecords(names, emptied).redact(document.body, self._subjects).body if document else None
            if redacted is not None:
                self._sink.put(key, redacted, NDJSON)
