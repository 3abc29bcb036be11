"""The values that all rows of a file share: its partition, and the hidden columns, its place and its time."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from firehose.lake.objects import Lake, StoredObject
from firehose.lake.query.athena.catalog import PATH

# Trino's name for the time when a row's file was written. Athena's guide does not list it, so only DuckDB's SQL has it.
WRITTEN = "$file_modified_time"

HIDDEN_FIELDS = (pa.field(PATH, pa.string()), pa.field(WRITTEN, pa.timestamp("us")))


def shared_values(lake: Lake, stored: StoredObject, partition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a file by the names of their columns."""
    written = datetime.fromtimestamp(stored.written_ms / 1000, UTC).replace(tzinfo=None)
    return {**partition, PATH: lake.where(stored), WRITTEN: written}


def in_files(
    lake: Lake, files: Mapping[StoredObject, Mapping[str, Any]], columns: Collection[str]
) -> list[ds.Expression]:
    """Return what is true of all rows of each file, as Arrow expressions: its partition, and the hidden columns.

    `files` come with the values of their partition keys. An expression takes 0.1 ms to make, so files of a partition
    share one unless the columns include the hidden ones.
    """
    if PATH in columns:
        return [_all_equal(shared_values(lake, stored, partition)) for stored, partition in files.items()]
    shared: dict[tuple[Any, ...], ds.Expression] = {}
    for partition in files.values():
        values = tuple(partition.values())
        if values not in shared:
            shared[values] = _all_equal(partition)
    return [shared[tuple(partition.values())] for partition in files.values()]


def _all_equal(values: Mapping[str, Any]) -> ds.Expression:
    if not values:
        return ds.scalar(True)  # noqa: FBT003 - a value
    return reduce(and_, (ds.field(name) == value for name, value in values.items()))


def schema_read(schema: pa.Schema, columns: list[str] | None, where: ds.Expression | None) -> pa.Schema:
    """Return the part of a table's schema that a scan of these columns needs, with those it filters by.

    An expression does not list the columns it uses, but its text names them. One column too many does no harm.
    """
    wanted = {*(schema.names if columns is None else columns), *re.findall(r"[\w$]+", str(where))}
    return pa.schema([field for field in schema if field.name in wanted])
