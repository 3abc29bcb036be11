"""Shortcuts in PyIceberg: the same files for less CPU. This file loads PyIceberg: import it before tables are used.

PyIceberg 0.12 is made for few commits of many rows, and a stream commits few rows often. For each partition of a commit
it filters all rows, for each file it derives the same things from the same schema again, and it copies all metadata of
the table some twenty times a commit. docs/scale.md has what that costs, bench/iceberg_flush.py measures it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa
from pyiceberg.io import pyarrow as writing
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadataCommonFields

_Result = TypeVar("_Result")

_ROW = "_row"
_REMEMBERED = 16

# Functions of schemas and properties, which are the same for all files of a commit, and seldom change between commits.
_OF_SCHEMAS = (
    "sanitize_column_names",
    "compute_statistics_plan",
    "parquet_path_to_id_mapping",
    "pyarrow_to_schema",
    "_check_pyarrow_schema_compatible",
)

_project = writing._to_requested_schema


def take_shortcuts() -> None:
    """Have PyIceberg take them, in this process."""
    vars(writing).update(SHORTCUTS)
    # A transaction copies them, deeply, whenever it looks at them. They are frozen: whatever changes them makes others.
    metadata: Any = TableMetadataCommonFields
    metadata.__deepcopy__ = lambda itself, _=None: itself


def _remembered(work: Callable[..., _Result]) -> Callable[..., _Result]:
    """Return a function that finds its last results again, by equal arguments: a Schema has no hash."""
    known: tuple[tuple[Any, _Result], ...] = ()

    def found(*positional: Any, **named: Any) -> _Result:
        nonlocal known
        arguments = (*positional, *named.items())
        same = next((one for one in known if _same(one[0], arguments)), None)
        result = same[1] if same else work(*positional, **named)
        # The newest arguments come first: those that are the same objects need no comparison.
        known = ((arguments, result), *[one for one in known if one is not same][: _REMEMBERED - 1])
        return result

    return found


def _same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(
        mine.equals(yours, check_metadata=True) if isinstance(mine, pa.Schema) else mine is yours or mine == yours
        for mine, yours in zip(one, other, strict=True)
    )


def _partitions(spec: PartitionSpec, schema: Schema, arrow_table: pa.Table) -> "Iterator[writing._TablePartition]":
    """Yield the rows of each partition, in their order: all are put in the order of partitions once, and cut."""
    names = [f"_partition_{field.name}" for field in spec.fields]
    columns = []
    for field in spec.fields:
        source = schema.find_field(field.source_id)
        values = writing._get_field_from_arrow_table(arrow_table, str(schema.find_column_name(field.source_id)))
        columns.append(field.transform.pyarrow_transform(source.field_type)(values))
    keys = pa.table([*columns, pa.array(range(arrow_table.num_rows))], [*names, _ROW])
    groups = keys.group_by(names, use_threads=False).aggregate([(_ROW, "list")])
    places = groups[f"{_ROW}_list"].combine_chunks()
    ordered = arrow_table.take(places.flatten()).combine_chunks()
    start = 0
    for values, count in zip(groups.select(names).to_pylist(), places.value_lengths().to_pylist(), strict=True):
        key = [PartitionFieldValue(field, values[name]) for field, name in zip(spec.fields, names, strict=True)]
        yield writing._TablePartition(PartitionKey(key, spec, schema), ordered.slice(start, count))
        start += count


@_remembered
def _with_ids(schema: Schema) -> pa.Schema:
    return writing.schema_to_pyarrow(schema, include_field_ids=True)


def _unless_as_requested(requested_schema: Schema, file_schema: Schema, batch: pa.RecordBatch, **options: Any) -> Any:
    """Return rows as a schema has them. Those with its types, field ids and docs, as IcebergRows makes, stay so."""
    if options.get("include_field_ids") and batch.schema.equals(_with_ids(requested_schema), check_metadata=True):
        return batch
    return _project(requested_schema, file_schema, batch, **options)


# What they replace, by name, and what replaces it.
OWN: Mapping[str, Any] = {
    name: getattr(writing, name) for name in (*_OF_SCHEMAS, "_determine_partitions", "_to_requested_schema")
}
SHORTCUTS: Mapping[str, Any] = {
    **{name: _remembered(OWN[name]) for name in _OF_SCHEMAS},
    "_determine_partitions": _partitions,
    "_to_requested_schema": _unless_as_requested,
}
