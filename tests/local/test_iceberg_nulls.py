"""Lists that are null stay null through PyIceberg, at any depth, when it writes and when it reads."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.types import ListType, MapType, NestedField, StringType, StructType

from firehose.local.iceberg_catalogs import folder_catalog

NAMES = ListType(30, StringType(), element_required=False)
GUEST = StructType(NestedField(20, "name", StringType()), NestedField(21, "names", NAMES))
GUESTS = ListType(10, GUEST, element_required=False)
BY_NAME = MapType(40, StringType(), 41, ListType(42, StructType(NestedField(43, "url", StringType()))))
OF_STRUCTS = MapType(50, StringType(), 51, StructType(NestedField(52, "url", StringType())))
TABLE = Schema(NestedField(1, "guests", GUESTS), NestedField(2, "links", BY_NAME), NestedField(3, "pages", OF_STRUCTS))

texts = st.none() | st.text("ab", max_size=2)
guests = st.none() | st.lists(
    st.none() | st.fixed_dictionaries({"name": texts, "names": st.none() | st.lists(texts, max_size=2)}), max_size=2
)
links = st.none() | st.lists(
    st.tuples(st.text("ab", min_size=1, max_size=1), st.lists(st.fixed_dictionaries({"url": texts}), max_size=2)),
    max_size=2,
    unique_by=lambda pair: pair[0],
)
pages = st.none() | st.lists(
    st.tuples(st.text("ab", min_size=1, max_size=1), st.fixed_dictionaries({"url": texts})),
    max_size=2,
    unique_by=lambda pair: pair[0],
)


@given(st.lists(st.fixed_dictionaries({"guests": guests, "links": links, "pages": pages}), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    catalog = folder_catalog(tmp_path)
    catalog.create_namespace_if_not_exists("db")
    if catalog.table_exists("db.t"):
        catalog.drop_table("db.t")
    table = catalog.create_table("db.t", TABLE)

    table.append(pa.Table.from_pylist(rows, schema_to_pyarrow(table.schema(), include_field_ids=False)))

    assert table.scan().to_arrow().to_pylist() == rows


def test_elements_that_a_null_list_hides_are_no_ones(tmp_path: Path) -> None:
    catalog = folder_catalog(tmp_path)
    catalog.create_namespace("db")
    table = catalog.create_table("db.t", Schema(NestedField(1, "guests", GUESTS)))
    (column,) = schema_to_pyarrow(table.schema(), include_field_ids=False)
    names = [{"name": name, "names": None} for name in ("a", "hidden", "c")]
    hiding = pa.ListArray.from_arrays(
        pa.array([0, 1, 2, 3], pa.int32()),
        pa.array(names, column.type.value_type),
        mask=pa.array([False, True, False]),
    )

    table.append(pa.table({"guests": hiding.cast(column.type)}))

    assert table.scan().to_arrow()["guests"].to_pylist() == [[names[0]], None, [names[2]]]
