"""JSON documents as rows of Iceberg tables: the forms that are read, and what fails, one record alone."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from firehose.local.behaviour import OBSERVED, Behaviour, ExtraKeys, IcebergTimes
from firehose.local.conversion.converter import Converted
from firehose.local.conversion.iceberg_rows import IcebergRows

BAD_DATA, MISSING = "ICEBERG_BAD_DATA", "Iceberg.MissingColumnWithinRecord"
MISMATCH, INVALID = "Iceberg.SchemaTypeMismatch", "Iceberg.InvalidColumnValue"

PLACE = StructType(NestedField(20, "town", StringType()), NestedField(21, "seats", IntegerType()))
LIST = ListType(30, LongType(), element_required=False)
MAP = MapType(40, StringType(), 41, DateType(), value_required=False)
EPOCH_2024 = 1725475875114000  # 2024-09-04T18:51:15.114Z


def schema(*required: str, **columns: IcebergType) -> Schema:
    fields = [
        NestedField(place, name, kind, required=name in required)
        for place, (name, kind) in enumerate(columns.items(), 1)
    ]
    return Schema(*fields)


def convert(table: Schema, *records: bytes, behaviour: Behaviour = OBSERVED) -> Converted:
    return IcebergRows(table, behaviour).convert(records)


def value(kind: IcebergType, written: Any, behaviour: Behaviour = OBSERVED) -> Any:
    """The column of one record with this value, or the code of its failure."""
    found = convert(schema(x=kind), json.dumps({"x": written}).encode(), behaviour=behaviour)
    return found.rows.column("x")[0].as_py() if not found.failures else found.failures[0].code


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        (BooleanType(), True, True),
        (BooleanType(), "false", False),
        (BooleanType(), 1, True),
        (IntegerType(), 2147483647, 2147483647),
        (IntegerType(), "-5", -5),
        (LongType(), 9223372036854775807, 9223372036854775807),
        (FloatType(), 1.5, 1.5),
        (DoubleType(), 3, 3.0),
        (DoubleType(), "2.25", 2.25),
        (DecimalType(5, 2), 3.25, Decimal("3.25")),
        (DecimalType(38, 0), "9" * 38, Decimal("9" * 38)),
        (DecimalType(5, 2), "3.2500", Decimal("3.25")),
        (DecimalType(5, 2), 1e2, Decimal(100)),
        (DecimalType(5, 2), "0e-999999", Decimal(0)),
        (DecimalType(5, 2), "-999.99", Decimal("-999.99")),
        (DecimalType(38, 10), "-" + "9" * 28 + "." + "9" * 10, Decimal("-" + "9" * 28 + "." + "9" * 10)),
        (DecimalType(2, 2), "0.25", Decimal("0.25")),
        (DecimalType(2, 2), ".25", Decimal("0.25")),
        (StringType(), "", ""),
        (StringType(), "é", "é"),
        (DateType(), "2024-09-04", dt.date(2024, 9, 4)),
        (DateType(), -1, dt.date(1969, 12, 31)),
        (TimeType(), "18:56:15.096", dt.time(18, 56, 15, 96000)),
        (TimeType(), 1, dt.time(0, 0, 0, 1)),
        (TimestampType(), EPOCH_2024, dt.datetime(2024, 9, 4, 18, 51, 15, 114000)),
        (TimestampType(), "2024-09-04T18:51:15.114", dt.datetime(2024, 9, 4, 18, 51, 15, 114000)),
        (TimestampType(), "2024-09-04T18:51:15Z", dt.datetime(2024, 9, 4, 18, 51, 15)),
        (TimestampType(), "2024-09-04T20:51:15+02:00", dt.datetime(2024, 9, 4, 18, 51, 15)),
        (TimestampType(), -2208988800000000, dt.datetime(1900, 1, 1)),
        (TimestamptzType(), EPOCH_2024, dt.datetime(2024, 9, 4, 18, 51, 15, 114000, dt.UTC)),
        (TimestamptzType(), "2024-09-04T18:51:15", dt.datetime(2024, 9, 4, 18, 51, 15, tzinfo=dt.UTC)),
        (UUIDType(), "f79c3e09-677c-4bbd-a479-3f349cb785e7", b"\xf7\x9c>\tg|K\xbd\xa4y?4\x9c\xb7\x85\xe7"),
        (BinaryType(), "aGk=", b"hi"),
        (BinaryType(), "_-8=", b"\xff\xef"),
        (BinaryType(), "abcde0", b"\xab\xcd\xe0"),
        (FixedType(2), "6869", b"hi"),
        (PLACE, {"town": "Bern", "seats": 3}, {"town": "Bern", "seats": 3}),
        (PLACE, '{"town": "Bern"}', {"town": "Bern", "seats": None}),
        (PLACE, {}, {"town": None, "seats": None}),
        (LIST, [1, None, "2"], [1, None, 2]),
        (LIST, "[1]", [1]),
        (LIST, [], []),
        (MAP, {"a": "2024-09-04", "b": None}, [("a", dt.date(2024, 9, 4)), ("b", None)]),
        (MAP, '{"A": 0}', [("A", dt.date(1970, 1, 1))]),
        (LongType(), None, None),
    ],
)  # fmt: skip
def test_a_value_is_read_in_each_form_of_the_documentation(kind: IcebergType, written: Any, read: Any) -> None:
    found = value(kind, written)
    assert (found.bytes if isinstance(kind, UUIDType) else found) == read


@pytest.mark.parametrize(
    ("kind", "written", "code"),
    [
        (BooleanType(), "yes", INVALID),
        (BooleanType(), [], MISMATCH),
        (IntegerType(), 2147483648, INVALID),
        (IntegerType(), 1.5, INVALID),
        (IntegerType(), True, MISMATCH),
        (LongType(), 9223372036854775808, INVALID),
        (FloatType(), 1e39, INVALID),
        (DoubleType(), True, MISMATCH),
        (DoubleType(), "many", INVALID),
        (DecimalType(5, 2), 1000, INVALID),
        (DecimalType(5, 2), "0.001", INVALID),
        (DecimalType(5, 2), "1000.00", INVALID),
        (DecimalType(38, 10), "12345678901234567890123456789012345678", INVALID),
        (DecimalType(5, 2), "1e999999", INVALID),
        (DecimalType(5, 2), "1e-999999", INVALID),
        (StringType(), 1, MISMATCH),
        (StringType(), {"a": 1}, MISMATCH),
        (StringType(), "\ud800", INVALID),
        (DateType(), "2024-02-30", INVALID),
        (DateType(), "04.09.2024", INVALID),
        (TimeType(), "25:00:00", INVALID),
        (TimestampType(), "2024-09-04 18:51:15.114", INVALID),
        (TimestampType(), 1.5, INVALID),
        (TimestampType(), True, MISMATCH),
        (UUIDType(), "x", INVALID),
        (BinaryType(), "?", INVALID),
        (FixedType(2), "aGk", INVALID),
        (PLACE, [1], MISMATCH),
        (PLACE, "Bern", MISMATCH),
        (PLACE, {"seats": "many"}, INVALID),
        (LIST, "ab", MISMATCH),
        (LIST, {"a": 1}, MISMATCH),
        (MAP, [], MISMATCH),
        (MAP, {"a": "soon"}, INVALID),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_or_form_fails_its_record(kind: IcebergType, written: Any, code: str) -> None:
    assert value(kind, written) == code


def test_the_place_of_what_does_not_fit_is_named_and_its_value_is_not() -> None:
    table = schema(at=ListType(2, PLACE, element_required=False))

    [failure] = convert(table, b'{"at": [null, {"seats": "secret"}]}').failures

    assert failure.message == "at[1].seats: expected int (a whole number or its text)"


@pytest.mark.parametrize(
    "record", [b"", b"  \n", b"oops", b"[1]", b'"a"', b"3", b'{"x": 1}{"x": 2}', b'{"x": "\xff"}', b'{"x":' * 2000]
)
def test_a_record_is_one_document(record: bytes) -> None:
    [failure] = convert(schema(x=LongType()), record).failures

    assert failure.code == BAD_DATA


def test_a_newline_after_the_document_is_harmless() -> None:
    assert convert(schema(x=LongType()), b'{"x":1}\n').rows.to_pylist() == [{"x": 1}]


def test_names_match_exactly_and_absent_columns_are_null_and_other_keys_are_skipped() -> None:
    found = convert(schema(x=LongType(), y=LongType()), b'{"x": 1, "Y": 2, "z": {"a": []}}')

    assert found.rows.to_pylist() == [{"x": 1, "y": None}]


def test_a_date_in_a_struct_or_list_that_is_absent_is_null_and_its_record_is_fine() -> None:
    dates = StructType(
        NestedField(20, "day", DateType()), NestedField(21, "days", ListType(22, DateType(), element_required=False))
    )
    table = schema(at=dates, all=ListType(30, dates, element_required=False))
    whole = {"day": dt.date(2024, 5, 1), "days": [dt.date(2024, 5, 2), None]}
    written = b'{"day":"2024-05-01","days":["2024-05-02",null]}'

    found = convert(table, b"{}", b'{"at":{}}', b'{"at":%b,"all":[null,%b,{}]}' % (written, written))

    nothing = {"day": None, "days": None}
    assert found.failures == []
    assert found.rows.to_pylist() == [
        {"at": None, "all": None},
        {"at": nothing, "all": None},
        {"at": whole, "all": [None, whole, nothing]},
    ]


def test_a_key_that_is_no_column_fails_its_record_by_a_switch() -> None:
    refusing = replace(OBSERVED, iceberg_extra_keys=ExtraKeys.REFUSED)

    found = convert(schema(x=LongType()), b'{"x": 1, "z": 2}', b'{"x": 3}', behaviour=refusing)

    assert [each.code for each in found.failures] == [MISMATCH]
    assert found.rows.to_pylist() == [{"x": 3}]


def test_times_are_microseconds_alone_by_a_switch() -> None:
    strict = replace(OBSERVED, iceberg_times=IcebergTimes.MICROSECONDS)

    assert value(TimestampType(), "2024-09-04T18:51:15Z", strict) == MISMATCH
    assert value(TimestampType(), 0, strict) == dt.datetime(1970, 1, 1)


@pytest.mark.parametrize("record", [b"{}", b'{"x": null}'])
def test_a_required_column_that_is_missing_or_null_fails_its_record(record: bytes) -> None:
    found = convert(schema("x", x=LongType(), y=LongType()), b'{"x": 1}', record)

    assert [(each.index, each.code) for each in found.failures] == [(1, MISSING)]
    assert found.rows.to_pylist() == [{"x": 1, "y": None}]


def test_a_required_member_at_any_depth_that_is_missing_fails_its_record() -> None:
    inner = StructType(NestedField(2, "town", StringType(), required=True))
    table = schema(at=inner, all=ListType(3, LongType(), element_required=True))

    found = convert(table, b'{"at": {"town": "Bern"}}', b'{"at": {}}', b'{"all": [1, null]}', b"{}")

    assert [(each.index, each.code) for each in found.failures] == [(1, MISSING), (2, MISSING)]
    assert found.owners == [0, 3]


GOOD = [b'{"x": 1, "day": "2024-09-04"}', b'{"x": "2", "day": 3}', b'{"day": null}']
BAD = [b'{"x": 1.5}', b'{"day": "2024-02-30"}', b"oops", b'{"x": []}']


@given(st.lists(st.sampled_from(GOOD + BAD), max_size=60))
def test_a_bad_record_fails_alone_wherever_it_is(records: list[bytes]) -> None:
    table = schema(x=LongType(), day=DateType())

    found = convert(table, *records)

    good = [place for place, record in enumerate(records) if record in GOOD]
    assert found.owners == good
    assert [failure.index for failure in found.failures] == [p for p in range(len(records)) if p not in good]
    assert found.rows.to_pylist() == [convert(table, records[place]).rows.to_pylist()[0] for place in good]


DATED = StructType(
    NestedField(50, "day", DateType()),
    NestedField(51, "price", DecimalType(5, 2)),
    NestedField(52, "all", ListType(53, StructType(NestedField(54, "day", DateType())), element_required=False)),
    NestedField(55, "by", MapType(56, StringType(), 57, DecimalType(5, 2), value_required=False)),
)
DAYS = st.none() | st.dates().map(str)
PRICES = st.none() | st.decimals(-999, 999, places=2).map(str)
DATED_VALUES = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "day": DAYS,
        "price": PRICES,
        "all": st.none() | st.lists(st.none() | st.fixed_dictionaries({"day": DAYS}), max_size=3),
        "by": st.none() | st.dictionaries(st.text(max_size=2), PRICES, max_size=3),
    },
)


@given(st.lists(st.tuples(DATED_VALUES, DAYS), max_size=8))
def test_usual_rows_are_the_same_all_at_once_and_value_by_value(values: list[tuple[Any, Any]]) -> None:
    table = schema(x=DATED, day=DateType())
    records = [json.dumps({"x": value, "day": day}).encode() for value, day in values]

    found = convert(table, *records)

    reading = IcebergRows(table, replace(OBSERVED, iceberg_extra_keys=ExtraKeys.REFUSED))  # has no usual rows
    assert found.failures == []
    assert found.rows == reading.convert(records).rows
    found.rows.validate(full=True)
    assert [row["day"] for row in found.rows.to_pylist()] == [day and dt.date.fromisoformat(day) for _, day in values]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KINDS = [
    BooleanType(), IntegerType(), LongType(), FloatType(), DoubleType(), DecimalType(9, 2), DateType(), TimeType(),
    TimestampType(), TimestamptzType(), StringType(), UUIDType(), FixedType(2), BinaryType(), PLACE, LIST, MAP,
]  # fmt: skip


@given(st.sampled_from(KINDS), JSON)
def test_whatever_the_value_its_record_is_a_row_or_a_failure_without_the_value(kind: IcebergType, written: Any) -> None:
    found = convert(schema(x=kind), json.dumps({"x": written}).encode())

    assert found.rows.num_rows + len(found.failures) == 1
    found.rows.validate(full=True)
