"""Find and redact the rows of subjects in Arrow data: a row group of a Parquet file, or rows that are to be written."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from firehose.lake.erasure.redaction import Found, redact_row
from firehose.lake.erasure.subjects import Subjects
from glue.model import RecordType, fields
from transform.scrub import REDACTED

_CHANGED_AT = ("change", "atmicros")

# Returns the table of these columns, or of leaves: ["fanid"], ["change.atmicros"].
ReadColumns: TypeAlias = Callable[[Sequence[str]], Any]


class RedactedRows(NamedTuple):
    """The places of rows that are subjects' and held personal data, how many values, and the columns without them."""

    rows: set[int]
    values: int
    subjects: set[str]
    columns: dict[str, Any]

    @property
    def found(self) -> Found:
        """The counts."""
        return Found(len(self.rows), self.values, frozenset(self.subjects))


class ArrowRows:
    """Finds and redacts rows of one record type that has a subject. Names of columns compare without case."""

    def __init__(self, record_type: RecordType) -> None:
        assert record_type.subject is not None  # noqa: S101 - the caller asks
        self._row = record_type.row
        self._subject = tuple(name.lower() for name in record_type.subject)
        self._personal = {
            field.name.lower()
            for field in record_type.row.fields
            if field.pii or any(inner.pii for inner in fields(field.type))
        }

    def in_table(self, table: pa.Table, subjects: Subjects) -> tuple[pa.Table, Found]:
        """Return a table with its rows of subjects redacted, and what was found."""
        redacted = self.redacted(table.schema, partial(_select, table), subjects)
        for name, column in redacted.columns.items():
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(place), column)
        return table, redacted.found

    def redacted(self, schema: pa.Schema, read: ReadColumns, subjects: Subjects) -> RedactedRows:
        """Redact the rows of subjects, reading the column of subjects and, where they are, the personal ones."""
        ids = _path_in(schema, self._subject)
        theirs = {} if ids is None else dict(_rows(read, ids, _path_in(schema, _CHANGED_AT), subjects))
        redacted = RedactedRows(set(), 0, set(), {})
        names = [name for name in schema.names if name.lower() in self._personal]
        if not theirs or not names:
            return redacted
        table, values = read(names), 0
        for name in names:
            column = table.column(name).combine_chunks()
            items = column.take(pa.array(list(theirs), pa.int64())).to_pylist()
            changed = {}
            for place, value in zip(theirs, items, strict=True):
                row = {name: value}
                count = redact_row(row, self._row)
                if count:
                    values += count
                    changed[place] = row[name]
            if changed:
                redacted.columns[name] = _with_values(column, changed)
                redacted.rows.update(changed)
        return redacted._replace(values=values, subjects={theirs[place] for place in redacted.rows})


def _rows(read: ReadColumns, ids: str, times: str | None, subjects: Subjects) -> Iterator[tuple[int, str]]:
    """Yield the place of each row that is to be redacted, and whose it is."""
    column = _leaf(read([ids]), ids).cast(pa.string())
    wanted = subjects.among(lambda: pc.unique(column).to_pylist())
    places = pc.indices_nonzero(pc.is_in(column, value_set=pa.array(wanted, pa.string())))
    if not len(places):
        return
    changed = [None] * len(places) if times is None else _leaf(read([times]), times).take(places).to_pylist()
    for place, subject, micros in zip(places.to_pylist(), column.take(places).to_pylist(), changed, strict=True):
        if subjects.covers(subject, micros):
            yield place, subject


def _select(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    return table.select([path.partition(".")[0] for path in columns])


def _path_in(schema: Any, names: tuple[str, ...]) -> str | None:
    """Return the path of a leaf as a schema spells it, None if it has none: ("date", "at") -> "Date.At"."""
    path, members = [], list(schema)
    for name in names:
        field = next((one for one in members if one.name.lower() == name), None)
        if field is None:
            return None
        path.append(field.name)
        members = list(field.type) if pa.types.is_struct(field.type) else []
    return ".".join(path)


def _leaf(table: Any, path: str) -> Any:
    column = table.column(0).combine_chunks()
    for name in path.split(".")[1:]:
        column = pc.struct_field(column, name)
    return column


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
