"""OpenXJsonSerDe: what each column type makes of each JSON value."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from math import inf, isnan
from typing import Any

import pytest

from firehose.local.config.conversion_settings import OpenXSettings
from tests.converting import MISMATCH, failure, refusal, rows, value

SENSITIVE = OpenXSettings(case_insensitive=False)
DOTS = OpenXSettings(dots_to_underscores=True)


def param(kind: str, written: str, expected: Any, words: str) -> Any:
    return pytest.param(kind, written, expected, id=words)


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        param("string", '"Ab"', "Ab", "text is kept"),
        param("string", '""', "", "empty text is text"),
        param("string", "12", "12", "an integer is its digits"),
        param("string", "-0", "0", "an integer has no negative zero"),
        param("string", "12345678901234567890123", "12345678901234567890123", "an integer of any length is its digits"),
        param("string", "1.0", "1.0", "a double keeps one place"),
        param("string", "1.50", "1.5", "a double has no zeros at its end"),
        param("string", "1e3", "1000.0", "an exponent is written out below ten millions"),
        param("string", "1e7", "1.0E7", "an exponent is Java's from ten millions"),
        param("string", "0.0001", "1.0E-4", "an exponent is Java's below a thousandth"),
        param("string", "-12345678.9", "-1.23456789E7", "a negative double"),
        param("string", "true", "true", "a boolean is its word"),
        param(
            "string", '{"A":{"Bc":1}, "D":[true,null,"E",1.0]}', '{"a":{"bc":1},"d":[true,null,"E",1.0]}', "an object"
        ),
        param("string", '[{"A":"\\"\\n"}]', '[{"a":"\\"\\n"}]', "an array is compact JSON with lower-case keys"),
        param("string", '{"A":1,"a":2}', '{"a":2}', "of two keys that fold together the later stays"),
        param("string", "[]", "[]", "an empty array is its text"),
        param("varchar(3)", '"abcd"', "abc", "a varchar is cut"),
        param("varchar(3)", '"ab "', "ab ", "a varchar keeps space at its end"),
        param("varchar(3)", "12345", "123", "a number in a varchar is cut"),
        param("char(3)", '"abcd"', "abc", "a char is cut"),
        param("char(3)", '"a  "', "a", "a char has no padding"),
        param("char(2)", '"éàü"', "éà", "a char is cut by characters"),
        param("tinyint", "-128", -128, "the least tinyint"),
        param("smallint", "32767", 32767, "the largest smallint"),
        param("int", "2147483647", 2**31 - 1, "the largest int"),
        param("bigint", "-9223372036854775808", -(2**63), "the least bigint"),
        param("int", '"12"', 12, "an integer from text"),
        param("int", '"+12"', 12, "a sign"),
        param("int", '"0012"', 12, "zeros before an integer"),
        param("int", '"0x1F"', 31, "hexadecimal text"),
        param("double", "1", 1.0, "an integer as double"),
        param("double", '"1e3"', 1000.0, "a double from text"),
        param("double", '" 2.5 "', 2.5, "a double's text may have space around it"),
        param("double", '"2d"', 2.0, "Java's suffix of a double"),
        param("double", '"Infinity"', inf, "Java's infinity"),
        param("float", '"-Infinity"', -inf, "Java's infinity as float"),
        param("float", '"0.5"', 0.5, "a float from text"),
        param("decimal(5,2)", "123.45", Decimal("123.45"), "a decimal"),
        param("decimal(5,2)", '"123.45"', Decimal("123.45"), "a decimal from text"),
        param("decimal(5,2)", "1e2", Decimal("100.00"), "a decimal from an exponent"),
        param("decimal(5,2)", "1.235", Decimal("1.24"), "a decimal is rounded half up"),
        param("decimal(5,2)", "-1.235", Decimal("-1.24"), "a negative decimal is rounded away from zero"),
        param("decimal(5,2)", '"1e-999999999"', Decimal("0.00"), "a decimal too small to see"),
        param("decimal(5,2)", '"0e999999999"', Decimal("0.00"), "zero with any exponent"),
        param("decimal", "7", Decimal(7), "a decimal without precision has ten digits"),
        param("decimal(38,0)", "9" * 38, Decimal("9" * 38), "all 38 digits"),
        param("boolean", "true", True, "true"),
        param("boolean", '"TRUE"', True, "true as text in any case"),
        param("boolean", '"false"', False, "false as text"),
        param("boolean", '"yes"', False, "any other text is false"),
        param("boolean", '""', False, "empty text is false"),
        param("date", '"2024-02-29"', date(2024, 2, 29), "a date"),
        param("date", '"2024-1-2"', date(2024, 1, 2), "a date of short fields"),
        param("array<int>", "[]", [], "an empty array stays"),
        param("array<int>", '[1,null,"2"]', [1, None, 2], "nulls in an array stay"),
        param("array<string>", '"a"', ["a"], "text as array"),
        param("array<int>", "5", [5], "a number as array"),
        param("array<array<int>>", "5", [[5]], "a number as array of arrays"),
        param("array<struct<a:int>>", '{"A":1}', [{"a": 1}], "an object as array"),
        param("array<string>", '""', None, "empty text as array is null"),
        param("struct<a:int,b:string>", '{"B":"x"}', {"a": None, "b": "x"}, "a missing member is null"),
        param("struct<a:int,b:string>", "{}", {"a": None, "b": None}, "an empty object is a struct of nulls"),
        param("struct<a:int>", '{"a":1,"c":{"d":[]}}', {"a": 1}, "a member not declared is dropped"),
        param("struct<a:int,b:string>", '[1,"x",true]', {"a": 1, "b": "x"}, "an array by place, what is over ignored"),
        param("struct<a:int,b:string>", "[1]", {"a": 1, "b": None}, "a short array by place"),
        param("struct<a:int,b:string>", "[]", {"a": None, "b": None}, "an empty array as struct"),
        param("struct<a:int>", '" "', None, "blank text as struct is null"),
        param("struct<B:int>", '{"b":1}', {"b": 1}, "a declared name is folded"),
        param("map<string,int>", "{}", [], "an empty map stays"),
        param("map<string,int>", '{"Ab":1,"C":null}', [("ab", 1), ("c", None)], "keys of a map are lower-cased"),
        param("map<string,int>", '{"A":1,"b":3,"a":2}', [("a", 2), ("b", 3)], "of two keys that fold the later stays"),
        param("map<string,int>", '""', None, "empty text as map is null"),
        param("map<int,string>", '{"7":1}', [(7, "1")], "integer keys"),
        param("map<bigint,boolean>", '{"-7":true}', [(-7, True)], "bigint keys"),
        param("map<boolean,int>", '{"TRUE":1}', [(True, 1)], "boolean keys"),
        param("map<double,int>", '{"1.5":1}', [(1.5, 1)], "double keys"),
        param("map<float,int>", '{"0.5":1}', [(0.5, 1)], "float keys"),
        param("map<decimal(3,1),int>", '{"1.25":1}', [(Decimal("1.3"), 1)], "decimal keys"),
        param("map<date,int>", '{"2024-1-2":1}', [(date(2024, 1, 2), 1)], "date keys"),
        param("map<timestamp,int>", '{"0":1}', [("1970-01-01 00:00:00.000000000", 1)], "timestamp keys"),
        param("map<varchar(2),int>", '{"ABC":1}', [("ab", 1)], "varchar keys"),
        param("map<char(2),int>", '{"A ":1}', [("a", 1)], "char keys"),
        param("struct<a:array<map<string,int>>>", '{"A":[{"B":"1"}]}', {"a": [[("b", 1)]]}, "coercion at any depth"),
    ],
)
def test_a_value_becomes(kind: str, written: str, expected: Any) -> None:
    assert value(kind, written) == expected


def test_javas_nan_is_a_double() -> None:
    assert isnan(value("double", '"NaN"'))


@pytest.mark.parametrize(
    "kind",
    [
        "string",
        "int",
        "double",
        "decimal(5,2)",
        "boolean",
        "date",
        "timestamp",
        "char(1)",
        "varchar(1)",
        "array<int>",
        "map<string,int>",
        "struct<a:int>",
        "float",
        "bigint",
    ],
)
@pytest.mark.parametrize("record", ["{}", '{"c":null}'])
def test_absent_and_null_are_null(kind: str, record: str) -> None:
    assert rows({"c": kind}, record) == [{"c": None}]


FOR_INPUT = f"{MISMATCH} For input string"
INT = "int (a number, or its text, without point or exponent, from -2147483648 to 2147483647)"


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        param("int", '"oops"', f"{FOR_INPUT} [c: expected {INT}, got a string]", "text that is no number"),
        param("double", '"oops"', FOR_INPUT, "text that is no double"),
        param("float", '"1_0"', FOR_INPUT, "an underscore is Python's"),
        param("int", '""', FOR_INPUT, "empty text as number"),
        param("double", '""', FOR_INPUT, "empty text as double"),
        param("int", '" 5"', FOR_INPUT, "space before an integer"),
        param("int", "1.5", FOR_INPUT, "a fraction for an integer"),
        param("int", "1.0", FOR_INPUT, "an integer written as double"),
        param("tinyint", "128", FOR_INPUT, "past a tinyint"),
        param("smallint", "-32769", FOR_INPUT, "past a smallint"),
        param("int", "2147483648", FOR_INPUT, "past an int"),
        param("bigint", '"9223372036854775808"', FOR_INPUT, "past a bigint"),
        param("bigint", "9" * 5000, FOR_INPUT, "far past a bigint"),
        param("int", "true", f"{MISMATCH} [c: expected {INT}, got a boolean]", "a boolean for an integer"),
        param("double", "[1]", MISMATCH, "an array for a double"),
        param("double", "1e999", FOR_INPUT, "past a double"),
        param("float", "1e39", FOR_INPUT, "past a float"),
        param("float", '"-3.5e38"', FOR_INPUT, "past a float as text"),
        param("string", "1e400", MISMATCH, "past a double as text"),
        param("string", '{"A":[-1e400]}', MISMATCH, "past a double inside an object as text"),
        param("string", '"\\ud800"', f"{MISMATCH} [c: expected string, got a lone surrogate]", "half a character"),
        param("varchar(3)", '{"\\ud800":1}', MISMATCH, "half a character in a key"),
        param("decimal(5,2)", "1000", FOR_INPUT, "past a decimal"),
        param("decimal(5,2)", "999.995", FOR_INPUT, "rounded past a decimal"),
        param("decimal(5,2)", '"1e999999999"', FOR_INPUT, "far past a decimal"),
        param("decimal(5,2)", '"NaN"', FOR_INPUT, "no decimal"),
        param("decimal(5,2)", "false", MISMATCH, "a boolean for a decimal"),
        param(
            "boolean",
            "1",
            f"{MISMATCH} [c: expected boolean (true, false or a string), got a number]",
            "a number for a boolean",
        ),
        param("boolean", "{}", MISMATCH, "an object for a boolean"),
        param("date", '"2023-02-29"', FOR_INPUT, "a date that no calendar has"),
        param("date", '"2024-01-02 00:00:00"', FOR_INPUT, "a time for a date"),
        param("date", "20240102", FOR_INPUT, "a number for a date"),
        param("struct<a:int>", "42", f"{MISMATCH} Data is not JSONObject  but java.lang.Long", "a number for a struct"),
        param(
            "struct<a:int>", "4.2", f"{MISMATCH} Data is not JSONObject  but java.lang.Double", "a double for a struct"
        ),
        param("struct<a:int>", '"x"', f"{MISMATCH} Data is not JSONObject  but java.lang.String", "text for a struct"),
        param(
            "struct<a:int>", "true", f"{MISMATCH} Data is not JSONObject  but java.lang.Boolean", "true for a struct"
        ),
        param("map<string,int>", '[["k",1]]', f"{MISMATCH} [c: expected map, got an array]", "an array for a map"),
        param("map<string,int>", "1", MISMATCH, "a number for a map"),
        param(
            "map<int,int>", '{"x":1}', f"{FOR_INPUT} [c[*]: expected {INT}, got a string]", "a key that is no number"
        ),
        param("array<int>", "[[1]]", f"{MISMATCH} [c[0]: expected {INT}, got an array]", "an array for an element"),
    ],
)
def test_a_value_is_refused(kind: str, written: str, expected: str) -> None:
    refused = refusal(kind, written)

    assert refused.code == "MalformedData"
    assert refused.message.startswith(expected)


TIMESTAMP = (
    "timestamp (yyyy-MM-dd HH:mm:ss[.S] or yyyy-MM-ddTHH:mm:ss[.S][Z], which are UTC,"
    " or the seconds or milliseconds since 1970)"
)


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        param("timestamp", '"2024-01-02T03:04:05+01:00"', f"{TIMESTAMP}, got a string", "a time with an offset"),
        param("timestamp", "true", f"{TIMESTAMP}, got a boolean", "a boolean for a time"),
        param("int", "1.0", f"{INT}, got a number", "an integer written as double"),
        param("tinyint", "300", "from -128 to 127), got a number", "past a tinyint"),
        param("date", '"02.01.2024"', "date (yyyy-MM-dd), got a string", "a German date"),
        param(
            "decimal(5,2)", "1000", "decimal(5,2) (a number with at most 3 digits before the point)", "past a decimal"
        ),
        param("double", '"1,5"', "double (a number within the range of the type), got a string", "a comma"),
    ],
)
def test_a_message_says_which_forms_are_read(kind: str, written: str, said: str) -> None:
    assert said in refusal(kind, written).message


def test_the_place_of_what_is_refused_is_named_and_its_value_is_not() -> None:
    columns = {"Order": "struct<lines:array<struct<qty:int>>>"}

    refused = failure(columns, '{"order":{"lines":[{"qty":1},{"QTY":"secret"}]}}')

    assert refused.message == f"{FOR_INPUT} [order.lines[1].qty: expected {INT}, got a string]"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"2024-01-01 10:20:30"', "2024-01-01 10:20:30.000000000"),
        ('"2024-1-2 3:4:5.1"', "2024-01-02 03:04:05.100000000"),
        ('"2024-01-01 10:20:30.123456789"', "2024-01-01 10:20:30.123456789"),
        ('"2024-01-01T10:20:30.123456789Z"', "2024-01-01 10:20:30.123456789"),
        ('"2018-02-07T20:38:48Z"', "2018-02-07 20:38:48.000000000"),
        ('"2024-01-01T10:20:30"', "2024-01-01 10:20:30.000000000"),
        ("0", "1970-01-01 00:00:00.000000000"),
        ("-1000", "1969-12-31 23:43:20.000000000"),
        ("-1.5", "1969-12-31 23:59:58.500000000"),
        ("1518033528", "2018-02-07 19:58:48.000000000"),
        ('"1518033528"', "2018-02-07 19:58:48.000000000"),
        ("1518033528123", "2018-02-07 19:58:48.123000000"),
        ('"1518033528123"', "2018-02-07 19:58:48.123000000"),
        ("1518033528.123", "2018-02-07 19:58:48.123000000"),
        ('"1518033528.123456789"', "2018-02-07 19:58:48.123456789"),
        ("1518033528123.5", "2018-02-07 19:58:48.123500000"),
        ("1.518033528e9", "2018-02-07 19:58:48.000000000"),
        ("1000000000000", "2001-09-09 01:46:40.000000000"),
        ("-1000000000000", "1938-04-24 22:13:20.000000000"),
        ('"0e999999999"', "1970-01-01 00:00:00.000000000"),
        ('"1e-999999999"', "1970-01-01 00:00:00.000000000"),
    ],
)
def test_a_time_is_read_in_every_form_that_firehose_takes(written: str, expected: str) -> None:
    assert value("timestamp", written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("999999999999", "2092-10-26 00:40:18.684212736"),
        ("-999999999999", "1847-03-07 23:19:41.315787264"),
        ('"1600-01-01 00:00:00"', "2184-07-20 23:34:33.709551616"),
        ('"9999-12-31T23:59:59Z"', "1816-03-30 05:56:07.066277376"),
        ('"1677-09-21 00:12:43.145224192"', "1677-09-21 00:12:43.145224192"),
        ('"1677-09-21 00:12:43.145224191"', "2262-04-11 23:47:16.854775807"),
        ('"2262-04-11 23:47:16.854775807"', "2262-04-11 23:47:16.854775807"),
        ('"2262-04-11 23:47:16.854775808"', "1677-09-21 00:12:43.145224192"),
        ("1714564809617185", "1938-11-14 18:06:02.196699712"),
    ],
)
def test_a_time_past_the_nanoseconds_of_64_bits_wraps_without_a_word(written: str, expected: str) -> None:
    assert value("timestamp", written) == expected


@pytest.mark.parametrize(
    "written",
    [
        '"TBA"',
        '""',
        '"2024-01-01"',
        '"2024-01-01 10:20"',
        '"2024-02-30 00:00:00"',
        '"2024-01-01 24:00:00"',
        '"2026-9-7T12:00:02Z"',
        '"2024-01-01T1:20:30Z"',
        '"2024-01-01 10:20:30Z"',
        '"2024-01-01 10:20:30+01:00"',
        '"2024-01-01T10:20:30+01:00"',
        '"2024-01-01 10:20:30.1234567890"',
        "true",
        "{}",
        "[1]",
        '"1e999999999"',
        "9223372036854775808",
        '"-1e30"',
        '"NaN"',
        '" 1518033528 x"',
    ],
)
def test_what_is_no_time_is_refused(written: str) -> None:
    refused = refusal("timestamp", written)

    assert refused.code == "MalformedData"
    assert refused.message.startswith(MISMATCH)
    assert "[c: expected timestamp" in refused.message


@pytest.mark.parametrize("declared", ["id", "ID"])
def test_names_match_in_any_case_at_every_depth(declared: str) -> None:
    columns = {declared: "struct<Inner:array<struct<x:int>>>"}

    assert rows(columns, '{"iD":{"INNER":[{"X":1}]}}') == [{"id": {"inner": [{"x": 1}]}}]


def test_case_sensitive_names_match_exactly_at_every_depth_and_map_keys_keep_their_case() -> None:
    columns = {"id": "string", "person": "struct<name:string,age:int>", "attrs": "map<string,array<string>>"}
    record = '{"ID":"x","person":{"NAME":"Bob","age":2},"attrs":{"MixedKey":["v"]}}'

    assert rows(columns, record, by=SENSITIVE) == [
        {"id": None, "person": {"name": None, "age": 2}, "attrs": [("MixedKey", ["v"])]}
    ]


def test_case_sensitive_text_of_an_object_keeps_its_keys() -> None:
    assert value("string", '{"Outer":{"Inner":1}}', SENSITIVE) == '{"Outer":{"Inner":1}}'


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param('{"a.b":1}', 1, id="a dotted key"),
        pytest.param('{"A.b":"1"}', 1, id="a dotted key in another case"),
        pytest.param('{"a.b":1,"a_b":2}', 2, id="the plain key goes first"),
        pytest.param('{"a.b":1,"a_b":null}', None, id="the plain key goes first, null too"),
        pytest.param('{"ab":1}', None, id="another key"),
        pytest.param('{"A.B":"7","a.b":8}', 8, id="of two that fold together the later"),
    ],
)
def test_dots_in_keys_are_underscores_where_the_stream_says_so(record: str, expected: int | None) -> None:
    assert rows({"a_b": "int"}, record, by=DOTS) == [{"a_b": expected}]
    assert rows({"s": "struct<a_b:int>"}, f'{{"s":{record}}}', by=DOTS) == [{"s": {"a_b": expected}}]


def test_of_two_dotted_keys_for_one_name_the_first_wins() -> None:
    assert rows({"a_b_c": "int"}, '{"a.b_c":1,"a_b.c":2}', by=DOTS) == [{"a_b_c": 1}]


def test_dots_in_keys_are_dots_elsewhere() -> None:
    assert rows({"a_b": "int"}, '{"a.b":1}') == [{"a_b": None}]
    assert value("map<string,int>", '{"a.b":1}', DOTS) == [("a.b", 1)]


def mapped(mappings: Mapping[str, str], *, folds: bool = True) -> OpenXSettings:
    return OpenXSettings(case_insensitive=folds, mappings=mappings)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param('{"timestamp":"1"}', 1, id="the mapped key"),
        pytest.param('{"TimeStamp":1}', 1, id="the mapped key in another case"),
        pytest.param('{"ts":1}', None, id="the column's own name is no key any more"),
    ],
)
def test_a_column_is_read_from_the_key_that_it_is_mapped_to(record: str, expected: int | None) -> None:
    assert rows({"ts": "int"}, record, by=mapped({"ts": "Timestamp"})) == [{"ts": expected}]


def test_a_mapping_holds_for_members_of_that_name_too() -> None:
    assert rows({"s": "struct<ts:int>"}, '{"s":{"timestamp":1}}', by=mapped({"ts": "timestamp"})) == [{"s": {"ts": 1}}]


def test_a_case_sensitive_mapping_reaches_keys_in_capitals() -> None:
    assert rows({"id": "int"}, '{"Id":1,"id":2}', by=mapped({"id": "Id"}, folds=False)) == [{"id": 1}]


def test_two_columns_may_be_read_from_one_key() -> None:
    assert rows({"a": "int", "b": "string"}, '{"a":7}', "{}", by=mapped({"b": "a"})) == [
        {"a": 7, "b": "7"},
        {"a": None, "b": None},
    ]
