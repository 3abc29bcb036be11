"""Find subjects in the files of an Iceberg table: data files, manifests, statistics. Redacts no file in place.

A manifest says of each data file the smallest and largest value of its columns. `dmd iceberg tables` turns that off for
personal columns, but not every writer heeds it. While the data file is there, its rows are looked at. The bounds of one
that is gone may be anybody's.

A file of statistics holds sketches of a column's values. It goes whenever its table is rewritten (rewriting.py), so
only its noncurrent versions are looked for.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

import fastavro

from firehose.lake.erasure.parquet_rows import ParquetRows
from firehose.lake.erasure.redaction import Found, Redacted
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.objects import Lake, StoredObject, read_whole
from firehose.local.user_error import UserError
from glue.layout import iceberg_key
from glue.model import RecordType, fields

_PARQUET, _AVRO, _JSON, _PUFFIN = b"PAR1", b"Obj\x01", b"{", b"PFA1"

# Whatever damaged bytes make fastavro raise.
_DAMAGED = (ValueError, LookupError, TypeError, EOFError, OverflowError, MemoryError, RecursionError)


class IcebergFiles:
    """Finds subjects in the files of the tables of one record type that has a subject."""

    def __init__(self, record_type: RecordType) -> None:
        self._rows = ParquetRows(record_type)
        self._personal = {field.name.lower() for field in fields(record_type.row) if field.pii}

    def find(self, lake: Lake, stored: StoredObject, subjects: Subjects) -> Found:
        """Return the findings in a file: rows of subjects, statistics, and bounds in manifests.

        Only bounds of personal columns count, and of data files that no longer exist.

        Raises:
            UserError: the file cannot be read, or does not belong to an Iceberg table of Parquet files.
        """
        if stored.key.endswith(".parquet"):
            return self._rows.find(lake, stored, subjects)
        if stored.key.endswith(".json"):  # counts and paths: a megabyte that need not be read
            return Found()
        return self._found(read_whole(lake, stored), subjects, lake)

    def redact(self, body: bytes, subjects: Subjects) -> Redacted:
        """Return the findings in the bytes of a file, as `find` does. Redacts nothing in place.

        Raises:
            UserError: as above.
        """
        return Redacted(None, self._found(body, subjects, None))

    def _found(self, body: bytes, subjects: Subjects, lake: Lake | None) -> Found:
        if body.startswith(_PARQUET):
            return self._rows.redact(body, subjects).found
        if body.startswith(_PUFFIN):
            return Found() if lake is not None else Found(values=1, subjects=frozenset(subjects))
        if body.startswith(_AVRO):
            bounds = self._bounds(body, lake)
            return Found(values=bounds, subjects=frozenset(subjects)) if bounds else Found()
        if body.startswith(_JSON):
            return Found()
        raise UserError("this is no file of an Iceberg table whose rows are Parquet")

    def _bounds(self, body: bytes, lake: Lake | None) -> int:
        """Return the number of bounds of personal columns in a manifest, of data files that are gone from the lake."""
        try:
            reader = fastavro.reader(io.BytesIO(body))
            if "schema" not in reader.metadata:  # a manifest list, whose bounds are of partitions
                return 0
            ids = {one for path, one in _columns(json.loads(reader.metadata["schema"])) if self._personal & {*path}}
            files: list[Any] = [entry["data_file"] for entry in reader if isinstance(entry, dict)]
            counts = {file["file_path"]: _bounds_of(file, ids) for file in files}
            return sum(count for address, count in counts.items() if count and not _is_there(lake, address))
        except _DAMAGED:
            raise UserError("a manifest is damaged") from None


def _bounds_of(data_file: dict[str, Any], ids: set[int]) -> int:
    bounds = [*(data_file.get("lower_bounds") or []), *(data_file.get("upper_bounds") or [])]
    return sum(one["key"] in ids for one in bounds)


def _is_there(lake: Lake | None, address: str) -> bool:
    key = iceberg_key(address)
    folder = key[: key.rindex("/") + 1]
    return lake is not None and any(one.key == key for one in lake.objects(folder))


def _columns(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the names on the path to each column of an Iceberg schema, in lower case, and its id."""
    if not isinstance(kind, dict):
        return
    for member in ("element", "key", "value"):
        if member in kind:
            yield (*path, member), kind[f"{member}-id"]
            yield from _columns(kind[member], (*path, member))
    for field in kind.get("fields", []):
        inner = (*path, field["name"].lower())
        yield inner, field["id"]
        yield from _columns(field["type"], inner)
