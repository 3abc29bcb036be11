"""Records converted by a table: one value through one column, for tables of what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from firehose.local.config.conversion_settings import HiveJsonSettings, OpenXSettings
from firehose.local.conversion.converter import Converted, Converter
from tests.firehose_streams import table

OPENX = OpenXSettings()
HIVE = HiveJsonSettings()

MISMATCH = "Data does not match the schema."


@dataclass(frozen=True)
class Failed:
    """What a failure says."""

    code: str
    message: str


def convert(
    columns: Mapping[str, str], *records: str | bytes, by: OpenXSettings | HiveJsonSettings = OPENX
) -> Converted:
    encoded = [record.encode() if isinstance(record, str) else record for record in records]
    return Converter(table(columns), by).convert(encoded)


def rows(columns: Mapping[str, str], *records: str | bytes, by: OpenXSettings | HiveJsonSettings = OPENX) -> list[Any]:
    """The rows, none of which failed."""
    done = convert(columns, *records, by=by)
    assert done.failures == []
    return plain(done.rows)


def failure(columns: Mapping[str, str], record: str | bytes, by: OpenXSettings | HiveJsonSettings = OPENX) -> Failed:
    """How the only record failed."""
    done = convert(columns, record, by=by)
    assert (done.rows.num_rows, done.owners) == (0, [])
    (failed,) = done.failures
    return Failed(failed.code.removeprefix("DataFormatConversion."), failed.message)


def value(kind: str, written: str, by: OpenXSettings | HiveJsonSettings = OPENX) -> Any:
    """What a column of this type holds of this JSON."""
    return rows({"c": kind}, f'{{"c":{written}}}', by=by)[0]["c"]


def refusal(kind: str, written: str, by: OpenXSettings | HiveJsonSettings = OPENX) -> Failed:
    """How a record fails whose one column is of this type and holds this JSON."""
    return failure({"c": kind}, f'{{"c":{written}}}', by)


def plain(made: pa.RecordBatch | pa.Table) -> list[dict[str, Any]]:
    """Rows as Python values; a time is its text, because Python has no nanoseconds."""
    written = [(name, _written(made.column(name).type)) for name in made.schema.names]
    cast = [made.column(name).cast(kind) for name, kind in written]
    found: list[dict[str, Any]] = pa.table(cast, names=made.schema.names).to_pylist()
    return found


def _written(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(pa.field(kind.value_field.name, _written(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(_written(kind.key_type), _written(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(each.name, _written(each.type)) for each in kind])
    return kind
