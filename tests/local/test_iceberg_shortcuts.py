"""PyIceberg's shortcuts change neither what is written, nor metadata that somebody holds."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.io import pyarrow as writing
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import BucketTransform, IdentityTransform
from pyiceberg.types import DoubleType, ListType, LongType, MapType, NestedField, StringType, StructType

from firehose.local.iceberg_catalogs import folder_catalog
from firehose.local.iceberg_shortcuts import OWN

GUEST = StructType(NestedField(20, "name", StringType(), doc="in full"), NestedField(21, "age", LongType()))
GUESTS = ListType(10, GUEST, element_required=False)
BY_NAME = MapType(40, StringType(), 41, ListType(42, DoubleType(), element_required=False), value_required=False)
COLUMNS = Schema(
    NestedField(1, "day", StringType(), doc="by which it is partitioned"),
    NestedField(2, "guests", GUESTS),
    NestedField(3, "prices", BY_NAME),
    NestedField(4, "host", StructType(NestedField(50, "name", StringType()))),
    NestedField(5, "number", LongType()),
)
NUMBER, DAY = COLUMNS.find_field("number").field_id, COLUMNS.find_field("day").field_id
SPEC = PartitionSpec(
    PartitionField(DAY, 1000, IdentityTransform(), "day"), PartitionField(NUMBER, 1001, BucketTransform(2), "bucket")
)

texts = st.none() | st.text("ab", max_size=2)
numbers = st.none() | st.integers(0, 9)
rows_of_days = st.lists(
    st.fixed_dictionaries(
        {
            "day": st.none() | st.sampled_from(["", "2025-01-01", "2025-01-02", "a/b"]),
            "guests": st.none() | st.lists(st.none() | st.fixed_dictionaries({"name": texts, "age": numbers})),
            "prices": st.none()
            | st.dictionaries(st.text("ab"), st.none() | st.lists(st.floats(0, 1))).map(
                lambda prices: list(prices.items())
            ),
            "host": st.none() | st.fixed_dictionaries({"name": texts}),
            "number": numbers,
        }
    ),
    min_size=1,
    max_size=12,
)


@contextmanager
def pyiceberg_alone() -> Iterator[None]:
    with patch.multiple(writing, **OWN):
        yield


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Any]:
    with closing(folder_catalog(tmp_path)) as made:
        made.create_namespace("db")
        yield made


def new_table(catalog: Any, name: str) -> Table:
    if catalog.table_exists(name):
        catalog.drop_table(name)
    table: Table = catalog.create_table(name, COLUMNS, partition_spec=SPEC)
    return table


def append(table: Table, rows: list[dict[str, Any]], *, with_ids: bool = True) -> None:
    table.append(pa.Table.from_pylist(rows, writing.schema_to_pyarrow(table.schema(), include_field_ids=with_ids)))


def files(table: Table) -> list[tuple[Any, ...]]:
    """Return of each data file of a table what its manifest says, its columns with field ids and docs, and its rows."""
    found = []
    for task in table.scan().plan_files():
        file = task.file
        said = (file.record_count, file.value_counts, file.null_value_counts, file.lower_bounds, file.upper_bounds)
        with table.io.new_input(file.file_path).open() as opened:
            rows = pq.read_table(pa.BufferReader(opened.read()), partitioning=None)
        columns = rows.schema.to_string(show_field_metadata=True, truncate_metadata=False)
        found.append((repr(file.partition), *said, file.column_sizes, columns, rows.to_pylist()))
    return sorted(found, key=lambda one: one[0])


@given(rows_of_days, st.booleans())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_files_of_a_commit_are_those_that_pyiceberg_alone_writes(
    catalog: Any, rows: list[dict[str, Any]], with_ids: bool
) -> None:
    ours, own = new_table(catalog, "db.ours"), new_table(catalog, "db.own")

    append(ours, rows, with_ids=with_ids)
    with pyiceberg_alone():
        append(own, rows, with_ids=with_ids)

    assert files(ours) == files(own)


def test_files_are_written_by_the_schema_and_the_properties_of_their_commit(catalog: Any) -> None:
    """Results that are remembered are those of the same schema and properties."""
    table = new_table(catalog, "db.t")
    row = {"day": "2025-01-01", "number": 1}
    append(table, [row])
    with table.transaction() as transaction:
        transaction.set_properties({"write.metadata.metrics.column.number": "none"})
        with transaction.update_schema() as update:
            update.add_column("more", StringType(), doc="later")

    append(table, [{**row, "more": "x"}])

    new, old = (task.file for task in table.scan().plan_files())
    more = table.schema().find_field("more").field_id
    assert (NUMBER in old.lower_bounds, NUMBER in new.lower_bounds) == (True, False)
    assert (more in old.lower_bounds, more in new.lower_bounds) == (False, True)


def test_a_commit_leaves_the_metadata_that_somebody_holds_as_they_were(catalog: Any) -> None:
    table = new_table(catalog, "db.t")
    append(table, [{"day": "2025-01-01"}])
    held = table.metadata
    before = held.model_dump_json()

    with table.transaction() as transaction:
        transaction.append(pa.table({"day": ["2025-01-02"], "number": [2]}))
        transaction.set_properties({"mark": "2"})
        with transaction.update_schema() as update:
            update.add_column("more", StringType())

    assert held.model_dump_json() == before
    assert (len(table.snapshots()), table.properties["mark"]) == (2, "2")
