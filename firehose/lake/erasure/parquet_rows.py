"""Find and redact rows in Parquet files: the chunks of personal columns are replaced, all else is kept as it is."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from firehose.lake.erasure.parquet_chunks import ColumnChunk, ParquetParts
from firehose.lake.erasure.redaction import Found, Redacted, by_lower_case, redact_row, unreadable
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.objects import Lake, StoredObject
from firehose.local.user_error import UserError
from glue.model import ArrayType, Field, MapType, Record, RecordType, Type, fields
from transform.scrub import REDACTED

_CHANGED_AT = ("change", "atmicros")
_ONE_ROW_GROUP = 2**31 - 1

# Whatever damaged bytes make Arrow, or the reader of a footer, raise.
_DAMAGED = (pa.ArrowException, ValueError, OSError, LookupError, TypeError, OverflowError, MemoryError, RecursionError)


class _RowGroup(NamedTuple):
    """The rows of a row group that are subjects' and hold personal data, and the redacted columns among the leaves."""

    rows: set[int]
    values: int
    subjects: set[str]
    columns: dict[str, Any]


class ParquetRows:
    """Finds and redacts rows of one record type that has a subject."""

    def __init__(self, record_type: RecordType) -> None:
        assert record_type.subject is not None  # noqa: S101 - the caller asks
        self._row = record_type.row
        self._subject = tuple(name.lower() for name in record_type.subject)
        # The files of a table have few schemas.
        self._leaves = lru_cache(maxsize=64)(self._leaves_of)
        self._personal = {
            field.name.lower()
            for field in record_type.row.fields
            if field.pii or any(inner.pii for inner in fields(field.type))
        }

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
    def _found(groups: "Iterator[_RowGroup]") -> Found:
        found, whose = Found(), set[str]()
        for group in groups:
            whose |= group.subjects
            found = found._replace(rows=found.rows + len(group.rows), values=found.values + group.values)
        return found._replace(subjects=frozenset(whose))

    def _row_groups(self, file: Any, subjects: Subjects) -> Iterator[_RowGroup]:
        paths = {tuple(path.lower().split(".")): path for path in _paths(file)}
        ids = paths.get(self._subject)
        for number in range(file.num_row_groups):
            rows = [] if ids is None else self._rows(file, number, (ids, paths.get(_CHANGED_AT)), subjects)
            yield self._redacted(file, number, dict(rows))

    @staticmethod
    def _rows(file: Any, number: int, paths: tuple[str, str | None], subjects: Subjects) -> Iterator[tuple[int, str]]:
        """Yield the place of each row that is to be redacted, and whose it is."""
        subject_path, time_path = paths
        column = _leaf(file.read_row_group(number, columns=[subject_path], use_threads=False), subject_path)
        column = column.cast(pa.string())
        wanted = subjects.among(lambda: pc.unique(column).to_pylist())
        places = pc.indices_nonzero(pc.is_in(column, value_set=pa.array(wanted, pa.string())))
        if not len(places):
            return
        times = [None] * len(places)
        if time_path is not None:
            read = _leaf(file.read_row_group(number, columns=[time_path], use_threads=False), time_path)
            times = read.take(places).to_pylist()
        for place, subject, changed in zip(places.to_pylist(), column.take(places).to_pylist(), times, strict=True):
            if subjects.covers(subject, changed):
                yield place, subject

    def _redacted(self, file: Any, number: int, whose: dict[int, str]) -> _RowGroup:
        redacted = _RowGroup(set(), 0, set(), {})
        names = [name for name in file.schema_arrow.names if name.lower() in self._personal]
        if not whose or not names:
            return redacted
        table = file.read_row_group(number, columns=names, use_threads=False)
        values = 0
        for name in names:
            column = table.column(name).combine_chunks()
            items = column.take(pa.array(list(whose), pa.int64())).to_pylist()
            changed = {}
            for place, value in zip(whose, items, strict=True):
                row = {name: value}
                count = redact_row(row, self._row)
                if count:
                    values += count
                    changed[place] = row[name]
            if changed:
                redacted.columns[name] = _with_values(column, changed)
                redacted.rows.update(changed)
        return redacted._replace(values=values, subjects={whose[place] for place in redacted.rows})

    def _written(self, body: bytes, file: Any, groups: list[_RowGroup]) -> bytes:
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


def _with_values(column: Any, changed: dict[int, Any]) -> Any:
    """Return a column with other values at some places."""
    if pa.types.is_nested(column.type):
        values = column.to_pylist()
        for place, value in changed.items():
            values[place] = value
        return pa.array(values, column.type)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    mask = [False] * len(column)
    for place in changed:
        mask[place] = True
    return pc.if_else(pa.array(mask), pa.scalar(REDACTED).cast(column.type), column)


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


def _leaf(table: Any, path: str) -> Any:
    column = table.column(0).combine_chunks()
    for name in path.split(".")[1:]:
        column = pc.struct_field(column, name)
    return column


def _paths(file: Any) -> list[str]:
    return [file.schema.column(leaf).path for leaf in range(len(file.schema))]
