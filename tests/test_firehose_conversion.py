"""Record format conversion: JSON rows by a Glue table, on the exact fast path and on OpenXJsonSerDe's slow one."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.conversion.columns import UnsupportedColumnError
from firehose.conversion.converter import Converter
from firehose.conversion.openx import read_rows
from glue.arrow import columns
from tests.firehose_streams import table

COLUMNS = {
    "flag": "boolean",
    "tiny": "tinyint",
    "qty": "int",
    "big": "bigint",
    "price": "decimal(5,2)",
    "share": "double",
    "small": "float",
    "large": "decimal(38,10)",
    "name": "string",
    "code": "varchar(3)",
    "day": "date",
    "at": "timestamp",
    "tags": "array<string>",
    "place": "struct<city:string,class:struct<end:timestamp>>",
    "links": "map<string,array<struct<url:string>>>",
}
CONVERTER = Converter(table(COLUMNS))


def converted(*rows: str | bytes) -> list[dict[str, Any]]:
    """The rows, without their nulls."""
    done = CONVERTER.convert([row.encode() if isinstance(row, str) else row for row in rows])
    assert done.failures == []
    return [{key: value for key, value in row.items() if value is not None} for row in done.rows.to_pylist()]


def failure(row: str | bytes) -> tuple[str, str]:
    done = CONVERTER.convert([row.encode() if isinstance(row, str) else row])
    assert (done.rows.num_rows, done.owners) == (0, [])
    (failed,) = done.failures
    return failed.code.removeprefix("DataFormatConversion."), failed.message


def test_an_exactly_typed_row_converts_to_the_tables_types() -> None:
    row = {
        "flag": True,
        "tiny": -128,
        "qty": 2**31 - 1,
        "big": -(2**63),
        "price": 1.5,
        "share": 2,
        "name": "é",
        "code": "abc",
        "day": "2024-02-29",
        "at": "1900-01-01 05:30:00.123",
        "tags": ["a", None],
        "place": {"class": {"end": "2024-01-01 00:00:00"}},
        "links": {"home": [{"url": "u"}, {}], "none": None},
    }

    (made,) = converted(json.dumps(row) + "\n")

    assert made == {
        **row,
        "price": Decimal("1.50"),
        "share": 2.0,
        "day": date(2024, 2, 29),
        "at": datetime(1900, 1, 1, 5, 30, 0, 123000),
        "place": {"city": None, "class": {"end": datetime(2024, 1, 1)}},
        "links": [("home", [{"url": "u"}, {"url": None}]), ("none", None)],
    }


def test_absent_and_null_are_null_and_empty_stays_empty() -> None:
    nulls = json.dumps(dict.fromkeys(COLUMNS))
    empty = '{"tags":[],"links":{},"place":{}}'

    assert converted("{}", nulls, empty) == [
        {},
        {},
        {"tags": [], "links": [], "place": {"city": None, "class": None}},
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            '{"NAME":"x","Place":{"City":"y"}}', {"name": "x", "place": {"city": "y", "class": None}}, id="case"
        ),
        pytest.param('{"unknown":1,"qty":1}', {"qty": 1}, id="an unknown name"),
        pytest.param(
            '{"qty":"12","share":"1e3","big":"-5"}', {"qty": 12, "share": 1000.0, "big": -5}, id="number text"
        ),
        pytest.param('{"name":12,"code":true}', {"name": "12"}, id="scalars as text, true is too long"),
        pytest.param('{"name":{"A":[1,{"B":2}]}}', {"name": '{"a":[1,{"b":2}]}'}, id="an object as text"),
        pytest.param('{"tags":"a"}', {"tags": ["a"]}, id="a scalar as array"),
        pytest.param('{"place":["x"]}', {"place": {"city": "x", "class": None}}, id="an array as struct"),
        pytest.param('{"links":{"Home":{"url":1}}}', {"links": [("home", [{"url": "1"}])]}, id="map keys"),
        pytest.param('{"flag":"TRUE"}', {"flag": True}, id="boolean text"),
        pytest.param('{"price":"123.45"}', {"price": Decimal("123.45")}, id="decimal text"),
        pytest.param('{"price":1e2}', {"price": Decimal("100.00")}, id="decimal exponent"),
        pytest.param('{"day":"2024-1-2"}', {"day": date(2024, 1, 2)}, id="a short date"),
    ],
)
def test_a_row_that_is_not_exact_is_read_as_openx_reads_it(row: str, expected: dict[str, Any]) -> None:
    if "code" in row:
        assert failure(row)[0] == "MalformedData"
        row = row.replace(',"code":true', "")

    assert converted(row) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-01 10:20:30", "2024-01-01T10:20:30"),
        ("2024-1-2 3:4:5.1", "2024-01-02T03:04:05.100000"),
        ("2024-01-01T10:20:30.123456789Z", "2024-01-01T10:20:30.123000"),
        ("2024-01-01T10:20:30", "2024-01-01T10:20:30"),
        (1714564809, "2024-05-01T12:00:09"),
        (1714564809.5, "2024-05-01T12:00:09.500000"),
        (1714564809617, "2024-05-01T12:00:09.617000"),
        ("1714564809617", "2024-05-01T12:00:09.617000"),
        (-1, "1969-12-31T23:59:59"),
        ("1677-09-22 00:00:00", "1677-09-22T00:00:00"),
        ("2262-04-10 23:59:59.999", "2262-04-10T23:59:59.999"),
    ],
)
def test_a_time_is_read_in_every_form_that_firehose_takes(value: Any, expected: str) -> None:
    assert converted(json.dumps({"at": value})) == [{"at": datetime.fromisoformat(expected)}]


@pytest.mark.parametrize(
    "value",
    [
        "TBA",
        "",
        "2024-02-30 00:00:00.000",
        "2024-01-01",
        "2024-01-01 10:20",
        "2024-01-01T1:20:30Z",
        "2024-01-01 10:20:30+01:00",
        "1677-09-21 23:59:59.999",
        "2262-04-11 00:00:00.000",
        999_999_999_999,
        1_714_564_809_617_185,
        True,
        {},
    ],
)
def test_a_time_that_cannot_be_read_or_would_wrap_is_malformed_and_never_another_time(value: Any) -> None:
    code, message = failure(json.dumps({"at": value}))

    assert code == "MalformedData"
    assert message.startswith("at: expected timestamp")


@pytest.mark.parametrize(
    ("row", "code", "path"),
    [
        ("", "MalformedData", "the record is empty"),
        (" \n", "MalformedData", "the record is empty"),
        ("[{}]", "MalformedData", "expected a JSON object, got an array"),
        ("1", "MalformedData", "expected a JSON object, got a number"),
        ("nope", "ParseError", "not JSON"),
        ('{"qty":1}x', "ParseError", "not JSON"),
        ('{"share":NaN}', "ParseError", "not JSON"),
        (b'{"name":"\xff"}', "MalformedData", "not UTF-8"),
        ('{"name":"\\ud800"}', "MalformedData", "name:"),
        ('{"qty":2147483648}', "MalformedData", "qty:"),
        ('{"tiny":128}', "MalformedData", "tiny:"),
        ('{"qty":1.5}', "MalformedData", "qty:"),
        ('{"qty":true}', "MalformedData", "qty:"),
        ('{"flag":"yes"}', "MalformedData", "flag:"),
        ('{"share":1e999}', "MalformedData", "share:"),
        ('{"price":1.234}', "MalformedData", "price:"),
        ('{"price":1000}', "MalformedData", "price:"),
        ('{"price":"NaN"}', "MalformedData", "price:"),
        ('{"price":"1_0"}', "MalformedData", "price:"),
        ('{"code":"abcd"}', "MalformedData", "code:"),
        ('{"day":"2023-02-29"}', "MalformedData", "day:"),
        ('{"place":"x"}', "MalformedData", "place:"),
        ('{"place":{"class":{"end":"secret"}}}', "MalformedData", "place.class.end:"),
        ('{"links":[1]}', "MalformedData", "links:"),
        ('{"links":{"A":[],"a":[]}}', "MalformedData", "links[*]: two keys"),
        ('{"a":' * 3000 + "1" + "}" * 3000, "ParseError", "nested deeper than 128 levels"),
        ('{"name":1e400}', "MalformedData", "name:"),
        ('{"name":{"A":[-1e400]}}', "MalformedData", "name:"),
        ('{"small":1e39}', "MalformedData", "small:"),
        ('{"small":"-3.5e38"}', "MalformedData", "small:"),
    ],
)
def test_what_does_not_fit_fails_with_its_path_and_without_its_value(row: str | bytes, code: str, path: str) -> None:
    found, message = failure(row)

    assert found == code
    assert path in message
    assert "secret" not in message


@pytest.mark.parametrize(
    "row", ['{"A":%s1%s}', '{"name":%s1%s}', '{"price":%s1%s}', '{"tags":[{"%s":"]}"}]}{"NAME":%s1%s}']
)
def test_how_deep_a_row_may_nest_is_a_number_of_ours_and_not_pythons(row: str) -> None:
    row = row.replace('"%s":', '"\\"[{[{":')
    deepest, deeper, deep = (row % ("[" * levels, "]" * levels) for levels in (127, 128, 900))

    done = CONVERTER.convert([each.encode() for each in (deepest, deeper, deep)])

    messages = {each.index: each.message for each in done.failures}
    assert messages[1] == messages[2] == "the record is nested deeper than 128 levels"
    assert "nested" not in messages.get(0, "")


def test_brackets_in_text_are_no_nesting() -> None:
    text = '[{"\\' * 300

    assert converted(json.dumps({"NAME": text, "tags": ["[" * 200]})) == [{"name": text, "tags": ["[" * 200]}]


@pytest.mark.parametrize(
    "number", ["9" * 28 + "." + "9" * 10, "-" + "9" * 28, "0.0000000001", "1e27", "0", "1.50000000000"]
)
def test_a_decimal_that_fits_its_column_is_delivered(number: str) -> None:
    assert converted(f'{{"large":{number}}}', f'{{"large":"{number}"}}') == [{"large": Decimal(number)}] * 2


@pytest.mark.parametrize(
    "number",
    [
        "12345678901234567890123456789012345678",
        "1" + "0" * 28,
        "-" + "9" * 29,
        "1" * 42,
        "1e28",
        "1e40",
        "1e999",
        "1e-11",
    ],
)
def test_a_decimal_that_does_not_fit_is_malformed_and_never_another_number(number: str) -> None:
    assert failure(f'{{"large":{number}}}')[0] == "MalformedData"
    assert failure(f'{{"large":"{number}"}}')[0] == "MalformedData"


@pytest.mark.parametrize("number", [3.4028235e38, -3.4028235e38, 1e-50])
def test_a_number_that_a_float_holds_is_delivered(number: float) -> None:
    (made,) = converted(json.dumps({"small": number}))

    assert made["small"] == pytest.approx(number)


def test_one_bad_record_fails_alone() -> None:
    done = CONVERTER.convert([b'{"qty":1}', b'{"at":"2024-02-30 00:00:00.000"}', b'{"qty":3}', b"bad"])

    assert [row["qty"] for row in done.rows.to_pylist()] == [1, 3]
    assert done.owners == [0, 2]
    assert [each.index for each in done.failures] == [1, 3]


def test_documents_one_after_the_other_are_a_row_each() -> None:
    done = CONVERTER.convert([b'{"qty":1}', b'{"qty":2}\n{"qty":3} ', b'{"qty":4}'])

    assert [row["qty"] for row in done.rows.to_pylist()] == [1, 2, 3, 4]
    assert done.owners == [0, 1, 1, 2]


def test_no_records_are_no_rows() -> None:
    assert CONVERTER.convert([]).rows.num_rows == 0


@pytest.mark.parametrize("kind", ["binary", "array<binary>", "struct<a:map<string,binary>>"])
def test_a_binary_column_is_refused_as_openx_refuses_it(kind: str) -> None:
    with pytest.raises(UnsupportedColumnError, match="InvalidSchema"):
        Converter(table({"id": kind}))


def test_a_map_with_other_keys_than_text_and_integers_is_refused() -> None:
    with pytest.raises(UnsupportedColumnError, match="id: maps"):
        Converter(table({"id": "map<timestamp,int>"}))


def test_a_field_may_have_any_name() -> None:
    names = ["class", "__init__", "from", "f0", "date"]
    made = Converter(table({name: f"struct<{name}:int>" for name in names}))
    row = {name: {name: place} for place, name in enumerate(names)}

    assert made.convert([json.dumps(row).encode()]).rows.to_pylist() == [row]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INSTANTS = st.datetimes(datetime(1678, 1, 1), datetime(2261, 12, 31)).map(
    lambda at: at - timedelta(microseconds=at.microsecond % 1000)
)


def written(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


EXACT = st.fixed_dictionaries(
    {},
    optional={
        "flag": st.none() | st.booleans(),
        "qty": st.none() | st.integers(-(2**31), 2**31 - 1),
        "price": st.none() | st.integers(-99_999, 99_999).map(lambda cents: cents / 100),
        "share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "name": st.none() | TEXT,
        "day": st.none() | st.dates().map(str),
        "at": st.none() | INSTANTS.map(written),
        "tags": st.none() | st.lists(st.none() | TEXT, max_size=3),
        "place": st.none() | st.fixed_dictionaries({}, optional={"city": st.none() | TEXT}),
        "links": st.none() | st.dictionaries(TEXT.map(str.lower), st.none() | st.just([{"url": "u"}]), max_size=2),
    },
)


@given(st.lists(EXACT, max_size=5))
def test_the_fast_path_reads_as_the_slow_path_does(rows: list[dict[str, Any]]) -> None:
    texts = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    known = columns(table(COLUMNS))
    slow = [{**dict.fromkeys(known), **read} for text in texts for read in read_rows(text, known)]

    fast = CONVERTER.convert(texts)
    again = CONVERTER.convert([json.dumps(row, default=str).encode() for row in slow])

    assert (fast.failures, fast.owners) == ([], list(range(len(rows))))
    assert fast.rows.equals(again.rows)
    assert fast.rows.column("at").to_pylist() == [
        datetime.fromisoformat(row["at"]) if row.get("at") else None for row in rows
    ]
    assert fast.rows.column("name").to_pylist() == [row.get("name") for row in rows]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1", "2024-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.binary(max_size=30) | st.dictionaries(st.sampled_from(sorted(COLUMNS)), JSON).map(json.dumps)))
def test_any_records_become_rows_or_failures_each_once(rows: list[bytes | str]) -> None:
    done = CONVERTER.convert([row.encode() if isinstance(row, str) else row for row in rows])

    assert len(done.owners) == done.rows.num_rows
    assert sorted({*done.owners} | {each.index for each in done.failures}) == list(range(len(rows)))
    assert not {*done.owners} & {each.index for each in done.failures}
    done.rows.validate(full=True)
