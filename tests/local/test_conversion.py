"""Record format conversion: the records of a batch, what no column decides, and the fast path against the slow."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.config.conversion_settings import HiveJsonSettings, OpenXSettings
from firehose.local.conversion.converter import Converter
from tests.converting import HIVE, MISMATCH, OPENX, convert, failure, plain, rows
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
    "mark": "char(3)",
    "day": "date",
    "at": "timestamp",
    "tags": "array<string>",
    "place": "struct<city:string,class:struct<end:timestamp>>",
    "links": "map<string,array<struct<url:string>>>",
    "days": "map<date,int>",
}
CONVERTER = Converter(table(COLUMNS))

SERDES = [pytest.param(OPENX, id="OpenX"), pytest.param(HIVE, id="Hive")]


@pytest.mark.parametrize("by", SERDES)
@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        pytest.param("", "MalformedData", "The record was empty or contained only whitespace.", id="empty"),
        pytest.param(" \r\n\t", "MalformedData", "The record was empty or contained only whitespace.", id="space"),
        pytest.param("1", "MalformedData", "The input JSON contained a primitive at the top level.", id="a number"),
        pytest.param("null", "MalformedData", "The input JSON contained a primitive at the top level.", id="null"),
        pytest.param("[{}]", "MalformedData", MISMATCH, id="an array"),
        pytest.param("{} []", "MalformedData", MISMATCH, id="an array after an object"),
        pytest.param("nope", "ParseError", "Encountered malformed JSON.", id="text"),
        pytest.param('{"qty":1}x', "ParseError", "Encountered malformed JSON.", id="text after an object"),
        pytest.param('{"qty":1},{"qty":2}', "ParseError", "Encountered malformed JSON.", id="a comma between two"),
        pytest.param('{"qty":1', "ParseError", "Encountered malformed JSON.", id="cut off"),
        pytest.param('{"qty":01}', "ParseError", "Encountered malformed JSON.", id="a zero before"),
        pytest.param('{"qty":NaN}', "ParseError", "Encountered malformed JSON.", id="not a number"),
        pytest.param("{'qty':1}", "ParseError", "Encountered malformed JSON.", id="other quotes"),
        pytest.param('{"a":' * 3000 + "1" + "}" * 3000, "ParseError", "Encountered malformed JSON.", id="very deep"),
        pytest.param(b'{"qty":"\xff"}', "MalformedData", "The record is not UTF-8.", id="no UTF-8"),
    ],
)
def test_what_is_no_object_of_json_fails(
    record: str | bytes, code: str, message: str, by: OpenXSettings | HiveJsonSettings
) -> None:
    failed = failure({"qty": "int"}, record, by)

    assert failed.code == code
    assert failed.message.startswith(message)


@pytest.mark.parametrize("by", SERDES)
def test_documents_one_after_the_other_are_a_row_each(by: OpenXSettings | HiveJsonSettings) -> None:
    done = convert({"qty": "int"}, '{"qty":1}', '{"qty":2}{"qty":3}\n{"qty":4} ', '{"QTY":5}', by=by)

    assert [row["qty"] for row in plain(done.rows)] == [1, 2, 3, 4, 5]
    assert done.owners == [0, 1, 1, 1, 2]


def test_of_two_members_of_one_name_the_later_wins() -> None:
    assert rows({"qty": "int"}, '{"qty":1,"qty":2}', '{"qty":1,"QTY":3}', '{"QTY":4,"qty":5}') == [
        {"qty": 2},
        {"qty": 3},
        {"qty": 5},
    ]


@pytest.mark.parametrize(
    "row", ['{"A":%s1%s}', '{"name":%s1%s}', '{"price":%s1%s}', '{"tags":[{"%s":"]"}]}{"NAME":%s1%s}']
)
def test_how_deep_a_row_may_nest_is_a_number_of_ours_and_not_pythons(row: str) -> None:
    row = row.replace('"%s":', '"\\"[{[{":')
    deepest, deeper, deep = (row % ("[" * levels, "]" * levels) for levels in (127, 128, 900))

    done = CONVERTER.convert([each.encode() for each in (deepest, deeper, deep)])

    messages = {each.index: each.message for each in done.failures}
    assert messages[1] == messages[2] == "Encountered malformed JSON. [nested deeper than 128 levels]"
    assert "nested" not in messages.get(0, "")


def test_brackets_in_text_are_no_nesting() -> None:
    text = '[{"\\' * 300

    assert rows({"name": "string", "tags": "array<string>"}, json.dumps({"NAME": text, "tags": ["[" * 200]})) == [
        {"name": text, "tags": ["[" * 200]}
    ]


def test_one_bad_record_fails_alone() -> None:
    done = CONVERTER.convert([b'{"qty":1}', b'{"at":"2024-02-30 00:00:00.000"}', b'{"qty":3}', b"bad"])

    assert [row["qty"] for row in plain(done.rows)] == [1, 3]
    assert done.owners == [0, 2]
    assert [each.index for each in done.failures] == [1, 3]


def test_a_record_of_which_one_document_is_bad_fails_whole() -> None:
    done = CONVERTER.convert([b'{"qty":1}{"qty":"x"}', b'{"qty":2}'])

    assert (done.owners, [each.index for each in done.failures]) == ([1], [0])


def read_slowly(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The records that the slow path reads from now on, none of which becomes a row."""
    read: list[bytes] = []

    def no_documents(raw: bytes) -> list[Any]:
        read.append(raw)
        return []

    monkeypatch.setattr("firehose.local.conversion.converter.documents", no_documents)
    return read


def test_one_inexact_time_leaves_the_rest_of_a_batch_to_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_slowly(monkeypatch)
    records = [json.dumps({"at": f"2024-01-01 00:{place % 60:02}:00"}).encode() for place in range(400)]
    records[123] = b'{"at":"1600-01-01 00:00:00"}'

    CONVERTER.convert(records)

    assert records[123] in read
    assert len(read) <= 16


def test_no_records_are_no_rows() -> None:
    assert CONVERTER.convert([]).rows.num_rows == 0


@pytest.mark.parametrize(
    ("columns", "by", "message"),
    [
        pytest.param(
            {"id": "string", "raw": "binary", "s": "struct<a:array<binary>>"},
            OPENX,
            "org.openx.data.JsonSerDe [raw: binary, s.a[]: binary]",
            id="binary by OpenX",
        ),
        pytest.param({"m": "map<binary,int>"}, OPENX, "org.openx.data.JsonSerDe [m[*]: binary]", id="binary keys"),
        pytest.param({"tags": "set<string>"}, OPENX, "org.openx.data.JsonSerDe [column tags: ", id="a set"),
        pytest.param(
            {"either": "uniontype<int,string>"},
            HIVE,
            "org.apache.hive.hcatalog.data.JsonSerDe [column either: ",
            id="a union by Hive",
        ),
    ],
)
def test_every_record_fails_by_a_column_that_the_serde_has_no_type_for(
    columns: dict[str, str], by: OpenXSettings | HiveJsonSettings, message: str
) -> None:
    done = convert(columns, "{}", "oops", by=by)

    assert (done.rows.num_rows, done.owners) == (0, [])
    assert {(each.index, each.code) for each in done.failures} == {
        (0, "DataFormatConversion.InvalidSchema"),
        (1, "DataFormatConversion.InvalidSchema"),
    }
    assert done.failures[0].message.startswith(
        f"The schema is invalid. One or more columns have types that are not supported by {message}"
    )


def test_a_table_without_columns_is_refused_when_the_stream_is_made() -> None:
    with pytest.raises(ValueError, match="no StorageDescriptor"):
        Converter(table({}))


def test_a_field_may_have_any_name() -> None:
    names = ["class", "__init__", "from", "f0", "date", "map", "list", "bag"]
    columns = {**{name: f"struct<{name}:int>" for name in names}, 'a "b" \\': "int", "sp ace": "int"}
    row = {**{name: {name: place} for place, name in enumerate(names)}, 'a "b" \\': 1, "sp ace": 2}

    assert rows(columns, json.dumps(row)) == [row]


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
        "tiny": st.none() | st.integers(-128, 127),
        "qty": st.none() | st.integers(-(2**31), 2**31 - 1),
        "price": st.none() | st.integers(-99_999, 99_999).map(lambda cents: cents / 100),
        "share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "small": st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
        "name": st.none() | TEXT,
        "code": st.none() | TEXT.map(lambda text: text[:3]),
        "mark": st.none() | TEXT.map(lambda text: text[:3].rstrip(" ")),
        "day": st.none() | st.dates().map(str),
        "at": st.none() | INSTANTS.map(written),
        "tags": st.none() | st.lists(st.none() | TEXT, max_size=3),
        "place": st.none() | st.fixed_dictionaries({}, optional={"city": st.none() | TEXT}),
        "links": st.none() | st.dictionaries(TEXT.map(str.lower), st.none() | st.just([{"url": "u"}]), max_size=2),
    },
)


@pytest.mark.parametrize("by", SERDES)
@given(exact=st.lists(EXACT, max_size=5))
def test_the_fast_path_reads_as_the_slow_path_does(
    exact: list[dict[str, Any]], by: OpenXSettings | HiveJsonSettings
) -> None:
    texts = [json.dumps(row, ensure_ascii=False) for row in exact]
    # A name that no column has takes a row off the fast path and is else without effect.
    slow_texts = [json.dumps({**row, "_": 0}, ensure_ascii=False) for row in exact]

    fast, slow = convert(COLUMNS, *texts, by=by), convert(COLUMNS, *slow_texts, by=by)

    assert fast.failures == slow.failures == []
    assert fast.owners == slow.owners == list(range(len(exact)))
    assert fast.rows.equals(slow.rows)
    assert fast.rows.column("at").cast("timestamp[us]").to_pylist() == [
        datetime.fromisoformat(row["at"]) if row.get("at") else None for row in exact
    ]
    assert fast.rows.column("name").to_pylist() == [row.get("name") for row in exact]


def test_a_name_that_no_column_has_takes_a_row_off_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_slowly(monkeypatch)

    CONVERTER.convert([b'{"qty":1}'])
    CONVERTER.convert([b'{"qty":1,"_":0}'])

    assert read == [b'{"qty":1,"_":0}']


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1", "2024-01-01", "2024-01-01 00:00:00", "1e99", "0x1f", "true"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*COLUMNS, *map(str.upper, COLUMNS), "_col3", "place.city"])
ANY_SERDE = [
    *SERDES,
    pytest.param(OpenXSettings(case_insensitive=False, dots_to_underscores=True, mappings={"qty": "big"}), id="set"),
    pytest.param(HiveJsonSettings(("millis", "yyyy-MM-dd", "dd/MMM/yy HH:mm z")), id="formats"),
]


@pytest.mark.parametrize("by", ANY_SERDE)
@given(records=st.lists(st.binary(max_size=30) | st.dictionaries(NAMES, JSON).map(json.dumps), max_size=8))
def test_any_records_become_rows_or_failures_each_once(
    records: list[bytes | str], by: OpenXSettings | HiveJsonSettings
) -> None:
    done = convert(COLUMNS, *records, by=by)

    assert len(done.owners) == done.rows.num_rows
    assert sorted({*done.owners} | {each.index for each in done.failures}) == list(range(len(records)))
    assert not {*done.owners} & {each.index for each in done.failures}
    assert all(each.code.startswith("DataFormatConversion.") for each in done.failures)
    done.rows.validate(full=True)
