"""Parquet footers under Hive's names: whatever the table and its rows, readers find the same rows."""

import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.config.conversion_settings import MIB, ParquetSettings
from firehose.local.conversion.columns import arrow_type
from firehose.local.conversion.parquet import parquet_file
from glue import hive

SETTINGS = ParquetSettings("SNAPPY", 256 * MIB, MIB, dictionary=False, writer_version="V1")


def table(columns: dict[str, str], *rows: dict[str, Any]) -> pa.Table:
    schema = pa.schema([pa.field(name, arrow_type(hive.parse(kind))) for name, kind in columns.items()])
    return pa.Table.from_pylist(list(rows), schema)


def written(rows: pa.Table, block_bytes: int = 256 * MIB) -> pq.ParquetFile:
    settings = ParquetSettings("SNAPPY", block_bytes, MIB, dictionary=False, writer_version="V1")
    return pq.ParquetFile(io.BytesIO(parquet_file(rows, settings)))


def paths(file: pq.ParquetFile) -> list[str]:
    """The paths of the columns, which the schema and every row group must agree on."""
    schema = [file.schema.column(place).path for place in range(len(file.schema))]
    for group in range(file.num_row_groups):
        chunks = file.metadata.row_group(group)
        assert [chunks.column(place).path_in_schema for place in range(chunks.num_columns)] == schema
    return schema


def shape(file: pq.ParquetFile) -> str:
    """The schema as Parquet's own text, without its field ids."""
    return re.sub(r" field_id=-1|\s+", " ", str(file.schema).split("\n", 1)[1]).strip().replace("  ", " ")


NESTED = {"l": "array<struct<a:int>>", "m": "map<string,array<int>>", "s": "struct<l:array<array<string>>>"}
ROW = {"l": [{"a": 1}, None], "m": [("k", None), ("j", [1])], "s": {"l": [["x"], []]}}


def test_the_root_and_the_levels_of_lists_and_maps_have_the_names_that_hive_writes() -> None:
    file = written(table(NESTED, ROW))

    assert shape(file) == (
        "required group hive_schema {"
        " optional group l (List) { repeated group bag { optional group array_element { optional int32 a; } } }"
        " optional group m (Map) { repeated group map (Map) { required binary key (String);"
        " optional group value (List) { repeated group bag { optional int32 array_element; } } } }"
        " optional group s { optional group l (List) { repeated group bag { optional group array_element (List)"
        " { repeated group bag { optional binary array_element (String); } } } } }"
        " }"
    )
    assert paths(file) == [
        "l.bag.array_element.a",
        "m.map.key",
        "m.map.value.bag.array_element",
        "s.l.bag.array_element.bag.array_element",
    ]
    assert file.read().to_pylist() == [ROW]


def test_every_row_group_has_them() -> None:
    rows = table(NESTED, *[ROW] * 500)
    file = written(rows, block_bytes=rows.nbytes // 20)

    assert file.num_row_groups >= 20
    assert len(paths(file)) == 4
    assert file.read().equals(rows)


def test_other_readers_find_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(parquet_file(table(NESTED, ROW), SETTINGS))

    (found,) = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()

    assert found == ([{"a": 1}, None], {"k": None, "j": [1]}, {"l": [["x"], []]})


def with_value(value: bytes) -> pa.Table:
    """A row with this value beside a list and a map."""
    columns = {"a": "binary", "l": "array<string>", "m": "map<string,int>"}
    return table(columns, {"a": value, "l": [value.decode("latin")]})


LIST, KEY = b"\x04list\x0darray_element", b"\x09key_value\x03key"


@pytest.mark.parametrize("value", [LIST, KEY], ids=["a list's", "a map's"])
def test_a_value_that_looks_like_a_part_of_a_path_stays_a_value(value: bytes) -> None:
    rows = with_value(value)

    file = written(rows)

    assert paths(file) == ["a", "l.bag.array_element", "m.map.key", "m.map.value"]
    assert file.metadata.row_group(0).column(0).statistics.min == value
    assert file.read().equals(rows)


def test_a_file_has_no_statistics_where_one_of_them_would_look_like_a_path() -> None:
    rows = with_value(b"\x19\x38\x01l" + LIST)

    file = written(rows)

    assert paths(file) == ["a", "l.bag.array_element", "m.map.key", "m.map.value"]
    assert file.metadata.row_group(0).column(0).statistics is None
    assert file.read().equals(rows)


def test_a_column_is_selected_by_hives_path_as_in_an_object_of_firehose() -> None:
    found = written(table(NESTED, ROW)).read(columns=["l.bag.array_element.a", "m.map.key"])

    assert found.column_names == ["l", "m"]


def test_columns_and_members_may_be_called_as_arrow_calls_its_groups() -> None:
    columns = {
        "list": "array<int>",
        "key_value": "map<string,int>",
        "s": "struct<list:struct<array_element:int>,key_value:struct<key:int,value:array<int>>>",
        "bag": "struct<map:map<string,struct<list:int>>>",
    }
    row = {
        "list": [1],
        "key_value": [("a", 1)],
        "s": {"list": {"array_element": 2}, "key_value": {"key": 3, "value": [4]}},
        "bag": {"map": [("b", {"list": 5})]},
    }

    file = written(table(columns, row))

    assert paths(file) == [
        "list.bag.array_element",
        "key_value.map.key",
        "key_value.map.value",
        "s.list.array_element",
        "s.key_value.key",
        "s.key_value.value.bag.array_element",
        "bag.map.map.key",
        "bag.map.map.value.list",
    ]
    assert file.read().to_pylist() == [row]


def test_names_longer_than_127_bytes_keep_their_length() -> None:
    name = "n" * 300

    file = written(table({name: "array<int>"}, {name: [1]}))

    assert paths(file) == [f"{name}.bag.array_element"]


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**31), 2**31 - 1),
    "tinyint": st.integers(-128, 127),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    "binary": st.binary(max_size=5) | st.sampled_from([LIST, KEY, b"\x19\x38\x01c" + LIST]),
    "date": st.dates(),
    "decimal(9,2)": st.integers(-(10**8), 10**8).map(lambda cents: Decimal(cents).scaleb(-2)),
}
MEMBERS = st.lists(st.sampled_from(["a", "list", "array_element", "key_value", "key", "map"]), min_size=1, max_size=3)


def types() -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(sorted(SCALARS)),
        lambda inner: (
            inner.map(lambda kind: f"array<{kind}>")
            | inner.map(lambda kind: f"map<string,{kind}>")
            | st.builds(
                lambda names, kind: f"struct<{','.join(f'{name}:{kind}' for name in dict.fromkeys(names))}>",
                MEMBERS,
                inner,
            )
        ),
        max_leaves=4,
    )


def values(kind: hive.HiveType) -> st.SearchStrategy[Any]:
    inner: st.SearchStrategy[Any]
    match kind:
        case hive.Array(element):
            inner = st.lists(values(element), max_size=2)
        case hive.Map(_, value):
            inner = st.lists(st.tuples(SCALARS["string"], values(value)), max_size=2)
        case hive.Struct(fields):
            inner = st.fixed_dictionaries({name: values(field) for name, field in fields})
        case _:
            inner = SCALARS[str(kind)]
    return st.none() | inner


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    columns = draw(st.dictionaries(st.sampled_from(["c", "list", "key_value", "map"]), types(), min_size=1, max_size=3))
    row = st.fixed_dictionaries({name: values(hive.parse(kind)) for name, kind in columns.items()})
    return table(columns, *draw(st.lists(row, max_size=4)))


@given(tables(), st.integers(1, 4))
def test_whatever_the_table_and_its_rows_the_rows_are_found_again(rows: pa.Table, groups: int) -> None:
    file = written(rows, block_bytes=max(1, rows.nbytes // groups))

    assert file.read().equals(rows)
    assert str(file.schema).split("\n")[1].startswith("required group field_id=-1 hive_schema")
    assert file.schema.to_arrow_schema().equals(rows.schema)
    paths(file)
