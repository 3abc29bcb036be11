"""Glue tables as Arrow schemas."""

import pyarrow as pa
import pytest

from glue import hive
from glue.arrow import columns, schema
from tests.firehose_streams import table


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("boolean", pa.bool_()),
        ("tinyint", pa.int8()),
        ("smallint", pa.int16()),
        ("int", pa.int32()),
        ("bigint", pa.int64()),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("decimal(38,10)", pa.decimal128(38, 10)),
        ("string", pa.string()),
        ("char(3)", pa.string()),
        ("varchar(3)", pa.string()),
        ("binary", pa.binary()),
        ("date", pa.date32()),
        ("timestamp", pa.timestamp("ms")),
        ("array<int>", pa.list_(pa.field("element", pa.int32()))),
        ("map<string,int>", pa.map_(pa.string(), pa.int32())),
        ("struct<Date:date>", pa.struct([("date", pa.date32())])),
    ],
)
def test_a_hive_type_has_one_arrow_type(kind: str, expected: pa.DataType) -> None:
    assert schema(table({"c": kind})) == pa.schema([pa.field("c", expected)])


def test_names_are_lower_case_and_everything_is_nullable() -> None:
    made = schema(table({"fanId": "struct<aB:int>"}))

    assert made.names == ["fanid"]
    assert made.field(0).nullable
    assert made.field(0).type.field(0).name == "ab"
    assert made.field(0).type.field(0).nullable


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"id": "set<string>"}, "column id: set<string>: expected a Hive type"),
        ({"id": "int", "ID": "int"}, "two columns of the table are called id"),
        ({}, r"no StorageDescriptor\.Columns"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_column(given: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        columns(table(given))


def test_columns_come_in_the_tables_order() -> None:
    assert list(columns(table({"b": "int", "a": "date"})).values()) == [hive.Primitive("int"), hive.Primitive("date")]
