"""Find and redact rows in Parquet files: the chunks of personal columns are replaced, all else is kept as it is."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from firehose.lake.erasure.arrow_rows import ArrowRows, RedactedRows
from firehose.lake.erasure.parquet_chunks import ColumnChunk, ParquetParts
from firehose.lake.erasure.redaction import Found, Redacted, by_lower_case, unreadable
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.objects import Lake, StoredObject
from firehose.local.user_error import UserError
from glue.model import ArrayType, Field, MapType, Record, RecordType, Type

_ONE_ROW_GROUP = 2**31 - 1

# Whatever damaged bytes make Arrow, or the reader of a footer, raise.
_DAMAGED = (pa.ArrowException, ValueError, OSError, LookupError, TypeError, OverflowError, MemoryError, RecursionError)


class ParquetRows:
    """Finds and redacts rows of one record type that has a subject."""

    def __init__(self, record_type: RecordType) -> None:
        self._row = record_type.row
        self._rows = ArrowRows(record_type)
        # The files of a table have few schemas.
        self._leaves = lru_cache(maxsize=64)(self._leaves_of)

    def find(self, lake: Lake, stored: StoredObject, subjects: Subjects) -> Found:
        """Find rows, reading the column of subjects and, where they are, the personal ones."""
        with lake.open(stored) as file:
            try:
                return self._found(self._row_groups(pq.ParquetFile(file), subjects))
            except _DAMAGED:
                pass
        with lake.open(stored) as file:
            return unreadable(file.read(), subjects)

    def redact(self, body: bytes, subjects: Subjects) -> Redacted:
        """Redact rows.

        Raises:
            UserError: the file is damaged, or of a form in which nothing can be redacted.
        """
        try:
            file = pq.ParquetFile(pa.BufferReader(body))
            groups = list(self._row_groups(file, subjects))
            found = self._found(iter(groups))
            return Redacted(self._written(body, file, groups) if found.values else None, found)
        except _DAMAGED:
            raise UserError("a Parquet file is damaged, or cannot be redacted") from None

    @staticmethod
    def _found(groups: Iterator[RedactedRows]) -> Found:
        found, whose = Found(), set[str]()
        for group in groups:
            whose |= group.subjects
            found = found._replace(rows=found.rows + len(group.rows), values=found.values + group.values)
        return found._replace(subjects=frozenset(whose))

    def _row_groups(self, file: Any, subjects: Subjects) -> Iterator[RedactedRows]:
        for number in range(file.num_row_groups):
            yield self._rows.redacted(file.schema_arrow, partial(_read, file, number), subjects)

    def _written(self, body: bytes, file: Any, groups: list[RedactedRows]) -> bytes:
        parts = ParquetParts(body)
        leaves = self._leaves(file.schema_arrow)
        others: dict[tuple[int, int], ColumnChunk] = {}
        for number, group in enumerate(groups):
            for codec, columns in _by_codec(file, number, group.columns, leaves).items():
                made = _file_of(file.schema_arrow, codec, columns)
                own = [leaf for leaf, (column, _) in enumerate(leaves) if column in columns]
                changed = {leaf: place for place, leaf in enumerate(own) if leaves[leaf][1]}
                others |= {(number, leaf): made.chunk(0, place) for leaf, place in changed.items()}
        return parts.with_chunks(others)

    def _leaves_of(self, schema: Any) -> list[tuple[str, bool]]:
        """Return the column of each leaf, and True if the leaf is personal, in the order of the file."""
        fields_of = by_lower_case(self._row)
        return [
            (column.name, is_personal)
            for column in schema
            for is_personal in _personal_leaves(column.type, fields_of.get(column.name.lower()))
        ]


def _personal_leaves(kind: pa.DataType, field: Field | None, model: Type | None = None) -> Iterator[bool]:
    """Yield for each leaf of a type if it is personal; `model` is the schema's type if it is not that of a field."""
    model = field.type if field else model
    if pa.types.is_struct(kind):
        known = by_lower_case(model) if isinstance(model, Record) else {}
        for inner in kind:
            yield from _personal_leaves(inner.type, known.get(inner.name.lower()))
    elif pa.types.is_map(kind):
        yield from _personal_leaves(kind.key_type, None)
        yield from _personal_leaves(kind.item_type, None, model.values if isinstance(model, MapType) else None)
    elif pa.types.is_nested(kind):
        yield from _personal_leaves(kind.value_type, None, model.items if isinstance(model, ArrayType) else None)
    else:
        yield field is not None and field.pii


def _read(file: Any, row_group: int, columns: Sequence[str]) -> Any:
    return file.read_row_group(row_group, columns=columns, use_threads=False)


class _Codec(NamedTuple):
    """The form of a column chunk's pages."""

    compression: str
    dictionary: bool
    statistics: bool
    page_index: bool
    version: str


def _by_codec(
    file: Any, row_group: int, columns: dict[str, Any], leaves: list[tuple[str, bool]]
) -> dict[_Codec, dict[str, Any]]:
    """Return redacted columns by how their chunks are made; those of one kind are written together, in their order."""
    kinds: dict[_Codec, dict[str, Any]] = {}
    row_group_of = file.metadata.row_group(row_group)
    for leaf, (name, is_personal) in enumerate(leaves):
        if is_personal and name in columns:
            own = row_group_of.column(leaf)
            codec = _Codec(
                "none" if own.compression == "UNCOMPRESSED" else own.compression.lower(),
                own.has_dictionary_page,
                own.is_stats_set,
                own.has_offset_index,
                "1.0" if "PLAIN_DICTIONARY" in own.encodings else "2.6",
            )
            kinds.setdefault(codec, {})[name] = columns[name]
    return kinds


def _file_of(schema: Any, codec: _Codec, columns: dict[str, Any]) -> ParquetParts:
    """Return a file of columns of a row group, whose chunks are made as those in their own file."""
    fields_of = [schema.field(name).with_type(column.type) for name, column in columns.items()]
    out = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields_of)),
        out,
        row_group_size=_ONE_ROW_GROUP,
        compression=codec.compression,
        use_dictionary=codec.dictionary,
        version=codec.version,
        data_page_version="1.0",
        use_deprecated_int96_timestamps=True,
        store_schema=False,
        write_statistics=codec.statistics,
        write_page_index=codec.page_index,
    )
    return ParquetParts(out.getvalue().to_pybytes())
