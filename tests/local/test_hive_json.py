"""HiveJsonSerDe: what each column type makes of each JSON value, and the times that its formats read."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from firehose.local.config.conversion_settings import HiveJsonSettings
from firehose.local.conversion.joda import JodaPatternError
from tests.converting import HIVE, MISMATCH, failure, refusal, rows, value


def param(kind: str, written: str, expected: Any, words: str) -> Any:
    return pytest.param(kind, written, expected, id=words)


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        param("string", '"Ab"', "Ab", "text is kept"),
        param("string", "1.50", "1.50", "a number is the text it was written in"),
        param("string", "1E3", "1E3", "an exponent is the text it was written in"),
        param("string", "-0", "-0", "an integer is the text it was written in"),
        param("string", "false", "false", "a boolean is its word"),
        param("varchar(3)", "12345", "123", "a number in a varchar is cut"),
        param("char(3)", '"a   b"', "a", "a char is cut and then has no padding"),
        param("binary", '"é"', "é".encode(), "binary is the bytes of the text"),
        param("binary", "12", b"12", "a number's text as binary"),
        param("tinyint", "-128", -128, "the least tinyint"),
        param("tinyint", "200", -56, "Jackson takes bytes without a sign"),
        param("tinyint", "255", -1, "the largest byte without a sign"),
        param("int", "12.9", 12, "a fraction is cut off"),
        param("int", "-12.9", -12, "a negative fraction is cut off"),
        param("int", "1e3", 1000, "an exponent for an integer"),
        param("bigint", "1e-5", 0, "a small fraction for an integer"),
        param("double", "1", 1.0, "an integer as double"),
        param("float", "0.5", 0.5, "a float"),
        param("decimal(5,2)", "1.235", Decimal("1.24"), "a decimal is rounded half up"),
        param("decimal(5,2)", '"1.5"', Decimal("1.50"), "a decimal is read from its text"),
        param("boolean", "true", True, "true"),
        param("boolean", '"True"', True, "true as text in any case"),
        param("boolean", '"yes"', False, "any other text is false"),
        param("boolean", "1", False, "a number is not the word true"),
        param("date", '"2024-1-2"', date(2024, 1, 2), "a date of short fields"),
        param("date", '"2024-02-30"', date(2024, 3, 1), "a day past its month rolls into the next"),
        param("array<string>", "[1,null,true]", ["1", None, "true"], "scalars in an array"),
        param("struct<n:string,age:int>", '{"N":"Bob","x":[1]}', {"n": "Bob", "age": None}, "names in any case"),
        param("struct<name:string,age:int>", "{}", {"name": None, "age": None}, "an empty object"),
        param("struct<a:int,b:int>", '{"_col1":7}', {"a": None, "b": 7}, "a member by its place"),
        param("map<string,int>", '{"Mixed":1,"mixed":2}', [("Mixed", 1), ("mixed", 2)], "map keys are kept"),
        param("map<string,array<string>>", '{"a":["B"]}', [("a", ["B"])], "arrays in a map"),
        param("map<int,int>", '{"+7":1}', [(7, 1)], "integer keys"),
        param("map<double,int>", '{"1.5":1}', [(1.5, 1)], "double keys"),
        param("map<boolean,int>", '{"TRUE":1,"x":2}', [(True, 1), (False, 2)], "boolean keys"),
        param("map<date,int>", '{"2024-1-2":1}', [(date(2024, 1, 2), 1)], "date keys"),
        param("map<decimal(3,1),int>", '{"1.25":1}', [(Decimal("1.3"), 1)], "decimal keys"),
        param("map<timestamp,int>", '{"2024-1-2 3:4:5":1}', [("2024-01-02 03:04:05.000000000", 1)], "time keys"),
        param("map<binary,int>", '{"A":1}', [(b"A", 1)], "binary keys"),
        param("map<varchar(2),int>", '{"ABC":1}', [("AB", 1)], "varchar keys"),
    ],
)
def test_a_value_becomes(kind: str, written: str, expected: Any) -> None:
    assert value(kind, written, HIVE) == expected


NOT_NUMERIC = f"{MISMATCH} Current token (VALUE_STRING) not numeric, can not use numeric value accessors"
INT = "int (a number from -2147483648 to 2147483647)"
ARRAY_EXPECTED = f"{MISMATCH} java.io.IOException: Start of Array expected"
OBJECT_EXPECTED = f"{MISMATCH} java.io.IOException: Start of Object expected"
INCORRECT = "One or more fields have incorrect format. Exception when validating field (root)"


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        param("array<string>", '"solo"', ARRAY_EXPECTED, "text for an array"),
        param("array<struct<a:int>>", '{"a":1}', ARRAY_EXPECTED, "an object for an array"),
        param("map<string,array<string>>", '{"k":"x"}', f"{ARRAY_EXPECTED} [c[*]: expected array", "text inside a map"),
        param("struct<a:string>", '["Bob",41]', OBJECT_EXPECTED, "an array for a struct"),
        param("struct<a:string>", "42", OBJECT_EXPECTED, "a number for a struct"),
        param("map<string,int>", "[]", OBJECT_EXPECTED, "an array for a map"),
        param("int", '"7"', f"{NOT_NUMERIC} [c: expected {INT}, got a string]", "text for an integer"),
        param("double", '"7"', NOT_NUMERIC, "text for a double"),
        param("string", '{"nested":1}', f"{INCORRECT} [c: expected string, got an object]", "an object for a string"),
        param("array<string>", '[{"a":1}]', INCORRECT, "an object for an element of text"),
        param("boolean", "{}", INCORRECT, "an object for a boolean"),
        param("int", "true", f"{MISMATCH} [c: expected {INT}, got a boolean]", "a boolean for an integer"),
        param("tinyint", "256", MISMATCH, "past a byte"),
        param("tinyint", "-129", MISMATCH, "below a byte"),
        param("smallint", "32768", MISMATCH, "past a smallint"),
        param("int", "2147483648", MISMATCH, "past an int"),
        param("bigint", "1e400", MISMATCH, "far past a bigint"),
        param("float", "1e39", MISMATCH, "past a float"),
        param("double", "[]", MISMATCH, "an array for a double"),
        param("decimal(5,2)", "1000", MISMATCH, "past a decimal"),
        param("decimal(5,2)", '"oops"', MISMATCH, "text that is no decimal"),
        param("date", '"2024-13-01"', MISMATCH, "a thirteenth month"),
        param("date", '"2024-01-32"', MISMATCH, "a 32nd day"),
        param("date", "20240102", MISMATCH, "a number for a date"),
        param("date", "{}", MISMATCH, "an object for a date"),
        param("timestamp", "1518033528", MISMATCH, "an epoch without a format for it"),
        param("timestamp", '"2024-01-01T10:20:30"', MISMATCH, "a time with a T"),
        param("struct<a:int>", '{"_col1":7}', MISMATCH, "a member by a place that there is not"),
        param("struct<a:int>", '{"_col00":7}', MISMATCH, "a place with zeros before it"),
        param("map<int,int>", '{"x":1}', f"{MISMATCH} [c[*]: expected {INT}, got a string]", "a key that is no number"),
        param("map<timestamp,int>", '{"0":1}', MISMATCH, "a key that is no time"),
        param("string", '"\\udc00"', MISMATCH, "half a character"),
    ],
)
def test_a_value_is_refused(kind: str, written: str, expected: str) -> None:
    refused = refusal(kind, written, HIVE)

    assert refused.code == "MalformedData"
    assert refused.message.startswith(expected)


@pytest.mark.parametrize(
    ("formats", "said"),
    [
        ((), "at: expected timestamp (yyyy-MM-dd HH:mm:ss[.S], which is UTC), got a string"),
        (("yyyy-MM-dd",), "(one of the stream's TimestampFormats, or yyyy-MM-dd HH:mm:ss[.S], which is UTC)"),
    ],
)
def test_a_message_says_which_times_are_read(formats: tuple[str, ...], said: str) -> None:
    refused = failure({"at": "timestamp"}, '{"at":"2024-01-02T03:04:05+01:00"}', HiveJsonSettings(formats))

    assert said in refused.message


@pytest.mark.parametrize("kind", ["string", "int", "boolean", "date", "timestamp", "binary", "array<int>"])
@pytest.mark.parametrize("record", ["{}", '{"c":null}', '{"other":{"c":1}}'])
def test_absent_and_null_are_null(kind: str, record: str) -> None:
    assert rows({"c": kind}, record, by=HIVE) == [{"c": None}]


def test_columns_match_in_any_case_or_by_their_place_and_the_later_wins() -> None:
    columns = {"id": "int", "Name": "string"}

    assert rows(columns, '{"ID":1,"NAME":"a","_col0":2}', '{"_col1":3,"name":4,"_colx":5}', by=HIVE) == [
        {"id": 2, "name": "a"},
        {"id": None, "name": "4"},
    ]
    assert failure(columns, '{"_col2":"secret"}', HIVE).message == (
        f"{MISMATCH} [the record: a name like _col3, but there is no such column]"
    )


def nanoseconds(text: str) -> str:
    return text if "." in text else f"{text}.000000000"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-01-02 03:04:05", "2024-01-02 03:04:05"),
        ("2024-1-2 3:4:5.1", "2024-01-02 03:04:05.100000000"),
        ("2024-01-02 03:04:05.123456789", "2024-01-02 03:04:05.123456789"),
        (" 2024-01-02 03:04:05 ", "2024-01-02 03:04:05"),
        ("2024-02-30 00:00:00", "2024-03-01 00:00:00"),
        ("2024-01-02 25:61:61", "2024-01-03 02:02:01"),
        ("2024-01-02 +3:-4:05", "2024-01-02 02:56:05"),
        ("1600-01-01 00:00:00", "2184-07-20 23:34:33.709551616"),
    ],
)
def test_a_time_is_read_as_java_sql_timestamp_reads_it(written: str, expected: str) -> None:
    assert value("timestamp", f'"{written}"', HIVE) == nanoseconds(expected)


@pytest.mark.parametrize(
    "written",
    [
        "2024-01-02",
        "2024-01-02 03:04",
        "2024-01-02 03:04:05.",
        "2024-01-02 03:04:05.1234567890",
        "24-01-02 00:00:00",
        "2024-13-02 03:04:05",
        "2024-01-32 03:04:05",
        "2024-01-02  03:04:05",
        "2024-01-02 03:04:05Z",
        "",
    ],
)
def test_a_time_that_java_sql_timestamp_does_not_read_is_refused(written: str) -> None:
    assert refusal("timestamp", f'"{written}"', HIVE).code == "MalformedData"


FORMATS = [
    ("millis", "1518033528123", "2018-02-07 19:58:48.123000000"),
    ("MILLIS", "-1.9", "1969-12-31 23:59:59.999000000"),
    ("millis", "9223372036854775807", "1969-12-31 23:59:59.999000000"),
    ("yyyy-MM-dd'T'HH:mm:ss", "2024-01-02T03:04:05", "2024-01-02 03:04:05"),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2024-01-02T03:04:05.120+0130", "2024-01-02 01:34:05.120000000"),
    ("yyyy-MM-dd'T'HH:mm:ssZ", "2024-01-02T03:04:05Z", "2024-01-02 03:04:05"),
    ("yyyy-MM-dd'T'HH:mm:ssZZ", "2024-01-02T03:04:05-05:00", "2024-01-02 08:04:05"),
    ("yyyy-MM-dd HH:mm ZZZ", "2024-07-02 03:04 Europe/Paris", "2024-07-02 01:04:00"),
    ("yyyy-MM-dd HH:mm z", "2024-07-02 03:04 PDT", "2024-07-02 10:04:00"),
    ("yyyy-MM-dd HH:mm z", "2024-07-02 03:04 gmt", "2024-07-02 03:04:00"),
    ("d/M/yyyy", "2/1/2024", "2024-01-02 00:00:00"),
    ("dd/MMM/yyyy:HH:mm:ss Z", "02/jan/2024:03:04:05 +0000", "2024-01-02 03:04:05"),
    ("d MMMM yyyy", "2 January 2024", "2024-01-02 00:00:00"),
    ("d MMMM yyyy", "2 Sep 2024", "2024-09-02 00:00:00"),
    ("EEE, d MMM yyyy", "Tue, 2 Jan 2024", "2024-01-02 00:00:00"),
    ("EEEE d MMM yyyy", "Monday 2 Jan 2024", "2024-01-01 00:00:00"),
    ("yyyyMMddHHmmss", "20240102030405", "2024-01-02 03:04:05"),
    ("yyyyMMddHHmmssSSS", "20240102030405678", "2024-01-02 03:04:05.678000000"),
    ("yyyy-MM-dd HH:mm:ss.SSSSSSSSS", "2024-01-02 03:04:05.123456789", "2024-01-02 03:04:05.123000000"),
    ("yyyy-DDD", "2024-366", "2024-12-31 00:00:00"),
    ("YYYY", "2024", "2024-01-01 00:00:00"),
    ("M-yy", "3-24", "2024-03-01 00:00:00"),
    ("M-yy", "3-96", "1996-03-01 00:00:00"),
    ("M-yy", "3-2031", "2031-03-01 00:00:00"),
    ("hh:mm a", "12:30 AM", "1970-01-01 00:30:00"),
    ("hh:mm a", "12:30 pm", "1970-01-01 12:30:00"),
    ("h a", "7 PM", "1970-01-01 19:00:00"),
    ("HH a", "19 PM", "1970-01-01 19:00:00"),
    ("K a", "0 PM", "1970-01-01 12:00:00"),
    ("kk:mm", "24:15", "1970-01-01 00:15:00"),
    ("HH 'o''clock'", "07 O'CLOCK", "1970-01-01 07:00:00"),
    ("''HH''", "'07'", "1970-01-01 07:00:00"),
    ("G yyyy", "AD 2024", "2024-01-01 00:00:00"),
]


@pytest.mark.parametrize(("pattern", "written", "expected"), FORMATS)
def test_a_time_is_read_by_a_pattern_of_joda(pattern: str, written: str, expected: str) -> None:
    assert value("timestamp", f'"{written}"', HiveJsonSettings((pattern,))) == nanoseconds(expected)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("yyyy-MM-dd", "2024-02-30"),
        ("yyyy-MM-dd", "2024-13-01"),
        ("yyyy-MM-dd", "2024-01-01x"),
        ("HH:mm", "24:00"),
        ("HH:mm", "7:60"),
        ("kk", "0"),
        ("h a", "13 PM"),
        ("K a", "12 PM"),
        ("yyyy-DDD", "2023-366"),
        ("yyyyMM", "20241"[:4]),
        ("MMM", "Foo"),
        ("ZZZ", "Nowhere/Land"),
        ("z", "XYZ"),
        ("HH.SS", "07.123"),
        ("millis", "1e3"),
        ("millis", "9223372036854775808"),
    ],
)
def test_what_a_pattern_does_not_read_is_refused(pattern: str, written: str) -> None:
    assert refusal("timestamp", f'"{written}"', HiveJsonSettings((pattern,))).code == "MalformedData"


def test_formats_are_tried_in_their_order_and_java_sql_timestamp_last() -> None:
    formats = HiveJsonSettings(("dd/MM/yyyy", "MM/dd/yyyy", "yyyy-dd-MM HH:mm:ss", "millis"))

    found = [
        value("timestamp", written, formats)[:10]
        for written in ('"02/01/2024"', '"02/28/2024"', '"2024-03-02 00:00:00"', "86400000", '"2024-03-31 00:00:00.0"')
    ]

    assert found == ["2024-01-02", "2024-02-28", "2024-02-03", "1970-01-02", "2024-03-31"]


@pytest.mark.parametrize("pattern", ["yyyy'T", "yyyy-xx", "bb", "yyyy yyyy", "CC", "e"])
def test_a_pattern_that_is_not_carried_out_is_refused_when_the_stream_is_made(pattern: str) -> None:
    with pytest.raises(JodaPatternError, match="TimestampFormats"):
        value("timestamp", '"x"', HiveJsonSettings((pattern,)))
