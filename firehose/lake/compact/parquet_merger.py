"""Merge Parquet files of one record type into one, sorted, with the physical schema of Firehose's own files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from msgspec.structs import replace

from firehose.lake.compact.arrow_rows import change_ids, in_order, without_duplicates
from firehose.lake.compact.merger import Merged, Part, ids_digest
from firehose.local.config.conversion_settings import MIB
from firehose.local.config.delivery_stream import read_delivery_stream
from firehose.local.conversion.converter import Converter
from firehose.local.conversion.parquet import parquet_file
from firehose.local.user_error import UserError
from glue.arrow import in_micros
from glue.layout import Format

# Before compression: a row group is then some 64 to 128 MiB.
_BLOCK_BYTES = 512 * MIB

_FORMAT = ds.ParquetFileFormat(coerce_int96_timestamp_unit="us")


class ParquetMerger:
    """Merges the files of one record type, given its Glue TableInput and the request of its delivery stream."""

    def __init__(self, request: Mapping[str, Any], table_input: Mapping[str, Any]) -> None:
        conversion = read_delivery_stream(request).destination.conversion
        assert conversion is not None  # noqa: S101 - a stream of Parquet converts
        settings = replace(conversion.parquet, dictionary=True, block_bytes=_BLOCK_BYTES)
        self._settings = settings
        # A Converter's schema has Hive's names for what is nested. In microseconds, no time is out of range.
        columns = Converter(table_input, reader=conversion.reader).schema
        self._schema = pa.schema([pa.field(one.name, in_micros(one.type)) for one in columns])

    def part(self, where: str, body: bytes) -> Part:
        """Read the schema of a file.

        Raises:
            UserError: it is not a Parquet file, or has columns that the table does not know, which would be lost.
        """
        try:
            file = _FORMAT.make_fragment(pa.BufferReader(body))
            unknown = list(_unknown(file.physical_schema, self._schema, ""))
        except (pa.ArrowException, OSError):
            raise UserError(f"{where} is not a Parquet file, or it is damaged") from None
        if unknown:
            raise UserError(f"{where} has columns that the schemas here do not: {', '.join(unknown)}; use newer ones")
        return Part(Format.PARQUET, file)

    def merge(self, parts: Sequence[Part], *, drop_duplicates: bool) -> Merged:
        """Merge files. Columns that an older one lacks are null, at any depth, as in Athena.

        Raises:
            UserError: a file is damaged.
        """
        rows = self._read([part.content for part in parts])
        if rows.num_rows != sum(part.content.count_rows() for part in parts):
            raise UserError("the rows that were read are not as many as the files say")
        kept = without_duplicates(rows) if drop_duplicates else rows
        ids = ids_digest(change_ids(kept))
        merged = in_order(kept)

        def is_right(body: bytes) -> bool:
            read = self._read([_FORMAT.make_fragment(pa.BufferReader(body))])
            return ids_digest(change_ids(read)) == ids and bool(read.equals(merged))

        body = parquet_file(merged, self._settings, page_index=True)
        return Merged(body, merged.num_rows, rows.num_rows - kept.num_rows, is_right)

    def _read(self, files: list[Any]) -> pa.Table:
        try:
            return ds.FileSystemDataset(files, self._schema, _FORMAT).to_table(use_threads=False).combine_chunks()
        except (pa.ArrowException, OSError):
            raise UserError("a file is damaged, or a column of it has another type than in the schemas") from None


def _unknown(file: Any, table: Any, above: str) -> Iterator[str]:
    """Yield the paths of the fields of a file that the table lacks: "date.requested"."""
    known = {field.name: field.type for field in table}
    for field in file:
        path = f"{above}{field.name}"
        if field.name not in known:
            yield path
        else:
            yield from _unknown(_inner(field.type), _inner(known[field.name]), f"{path}.")


def _inner(kind: pa.DataType) -> Any:
    """Return the fields of a struct, in whatever lists and maps it lies."""
    if pa.types.is_list(kind):
        return _inner(kind.value_type)
    if pa.types.is_map(kind):
        return _inner(kind.item_type)
    return kind if pa.types.is_struct(kind) else ()
