"""JSON: casts to and from it, and its scalars as texts, by Trino's rules."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each, fails, plan, rows, value

# A document, the type that it is cast to, and the value.
CASTS: list[tuple[str, str, Any]] = [
    ("15", "varchar", "15"),
    ("1.5", "varchar", "1.5E0"),
    ('"x"', "varchar", "x"),
    ("true", "varchar", "true"),
    ("null", "varchar", None),
    ("1.7", "integer", 2),
    ('"12"', "bigint", 12),
    ("true", "integer", 1),
    ("12", "double", 12.0),
    ("1.25", "decimal(5,1)", Decimal("1.3")),
    ("0", "boolean", False),
    ('"true"', "boolean", True),
    ('[1, null, "b"]', "array(varchar)", ["1", None, "b"]),
    ("[[1], [2]]", "array(array(integer))", [[1], [2]]),
    ("null", "array(integer)", None),
    ('{"a": 1, "b": null}', "map(varchar, integer)", {"a": 1, "b": None}),
    ('{"a": {"b": [1]}}', "map(varchar, map(varchar, array(integer)))", {"a": {"b": [1]}}),
    ('{"a": [1, 2]}', "map(varchar, json)", {"a": "[1,2]"}),
    ('{"1": "x"}', "map(integer, varchar)", {1: "x"}),
    ('{"b": "x", "A": 1}', "row(a integer, b varchar, c double)", {"a": 1, "b": "x", "c": None}),
    ('[1, "x"]', "row(a integer, b varchar)", {"a": 1, "b": "x"}),
    ('[{"a": 1}, {"a": 2}, null]', "array(row(a integer))", [{"a": 1}, {"a": 2}, None]),
    ("null", "row(a integer)", None),
]
NO_CASTS = [
    ('{"a": 1}', "varchar"),
    ('"x"', "integer"),
    ("[1]", "row(a integer, b integer)"),
    ("5", "array(integer)"),
    ("[1]", "map(varchar, integer)"),
    ('"x"', "row(a integer)"),
    ('{"a": 1, "a": 2}', "map(varchar, integer)"),
]


@pytest.mark.parametrize(("document", "kind", "expected"), CASTS, ids=[f"{one[0]} {one[1]}" for one in CASTS])
def test_json_is_cast_by_the_form_of_its_value(document: str, kind: str, expected: Any) -> None:
    assert value(f"CAST(JSON '{document}' AS {kind})") == expected


@pytest.mark.parametrize(("document", "kind"), NO_CASTS)
def test_json_of_another_form_ends_the_query_and_is_null_in_try_cast(document: str, kind: str) -> None:
    assert fails(f"CAST(json_parse('{document}') AS {kind})")
    assert value(f"TRY_CAST(json_parse('{document}') AS {kind})") is None


@pytest.mark.parametrize(
    "kind", ["varchar", "integer", "boolean", "array(integer)", "map(varchar, integer)", "row(a integer)"]
)
def test_what_a_document_does_not_have_is_null_in_any_cast(kind: str) -> None:
    assert value(f"CAST(json_extract('{{}}', '$.a') AS {kind})") is None
    assert value(f"CAST(json_extract('no json', '$.a') AS {kind})") is None
    assert value(f"CAST(json_extract('{{\"a\": null}}', '$.a') AS {kind})") is None


def test_an_array_of_documents_is_unnested_into_columns() -> None:
    document = """json_parse('[{"a": 1, "b": "x"}, {"a": 2}]')"""

    assert rows(
        f"SELECT a, b FROM UNNEST(CAST({document} AS array(row(a integer, b varchar)))) AS t (a, b) ORDER BY a"
    ) == [(1, "x"), (2, None)]


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ('{"price": 1.50}', "$.price", "1.50"),
        ('{"n": -1e5}', "$.n", "-1e5"),
        ('{"n": 12345678901234567890123}', "$.n", "12345678901234567890123"),
        ('{"a": "x \\" 1.50, 2"}', "$.a", 'x " 1.50, 2'),
        ("[1.10, [true, null]]", "$[1][0]", "true"),
        ("[1.10, [true, null]]", "$[1][1]", None),
        ("1.50", "$", "1.50"),
        ("", "$.a", None),
    ],
)
def test_a_number_in_a_document_is_read_as_it_is_written(document: str, path: str, expected: str | None) -> None:
    assert value(f"json_extract_scalar('{document}', '{path}')") == expected


def test_a_map_with_keys_that_are_no_texts_is_cast_to_json_by_the_text_of_its_keys() -> None:
    assert value("json_format(CAST(MAP(ARRAY[10, 9], ARRAY['x', 'y']) AS json))") == '{"10":"x","9":"y"}'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"b": 1, "a": {"z": 2, "c": 3}}', '{"a":{"c":3,"z":2},"b":1}'),
        ('{"a": 1, "b": 2, "a": 3}', '{"a":3,"b":2}'),
        ('[{"b": 1, "a": null}]', '[{"a":null,"b":1}]'),
        ("[1e10, 1.10, 1e-5, 12345678.5, 0.001, 9999999.0]", "[1.0E10,1.1,1.0E-5,1.23456785E7,0.001,9999999.0]"),
        ("[-0, -0.0, 123456789012345678901234567890]", "[0,-0.0,123456789012345678901234567890]"),
        ('{"s1": "n1", "n": "1e10 \\" 1.50"}', '{"n":"1e10 \\" 1.50","s1":"n1"}'),
        ("null", "null"),
    ],
)
def test_parsed_json_has_its_keys_in_order_once_and_doubles_as_java_writes_them(written: str, expected: str) -> None:
    assert value(f"json_format(json_parse('{written}'))") == expected
    assert value(f"json_format(json_extract(json_parse('{written}'), '$'))") == expected


@pytest.mark.parametrize("written", ["NaN", "[1,]", '{"a": 1,}', "Infinity", "[1] 2", "{a: 1}", ""])
def test_what_only_a_lenient_parser_takes_is_no_json(written: str) -> None:
    assert fails(f"json_parse('{written}')")
    assert value(f"json_extract('{written}', '$')") is None


def test_extracted_json_keeps_the_order_of_its_keys() -> None:
    assert value("""json_extract('{"x": {"b": 1e10, "a": 1}}', '$.x')""") == '{"b":1.0E10,"a":1}'


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1e10", "1.0E10"),
        ("nan()", '"NaN"'),
        ("-infinity()", '"-Infinity"'),
        ("REAL '1.5'", "1.5"),
        ("1.50", "1.50"),
        ("'n1'", '"n1"'),
        ("MAP(ARRAY[1e10, 2e0], ARRAY[1, NULL])", '{"1.0E10":1,"2.0":null}'),
        (
            """CAST(ROW(1e10, JSON '{"b": 2.50, "a": 1}') AS ROW(d double, j json))""",
            '{"d":1.0E10,"j":{"a":1,"b":2.5}}',
        ),
        ("""CAST(JSON '{"a": [1e10]}' AS map(varchar, json))""", '{"a":[1.0E10]}'),
    ],
)
def test_numbers_cast_to_json_are_written_as_java_writes_them(expression: str, expected: str) -> None:
    assert value(f"json_format(CAST({expression} AS json))") == expected


@pytest.mark.parametrize(
    ("array", "wanted", "expected"),
    [
        ("[1, 2]", "2", True),
        ("[1, 2]", "'2'", False),
        ('["2"]', "'2'", True),
        ("[[1]]", "1", False),
        ("[1.50]", "1.5", True),
        ("[1.0]", "1", False),
        ("[true]", "true", True),
        ("[1, null]", "3", False),
        ("[1]", "CAST(NULL AS bigint)", None),
        ('{"a": 1}', "1", None),
        ("no json", "1", None),
    ],
)
def test_an_array_contains_a_value_of_one_form_at_its_own_level(array: str, wanted: str, expected: bool | None) -> None:
    assert value(f"json_array_contains('{array}', {wanted})") is expected


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9])?", fullmatch=True)
TEXTS = st.text('ab0. -1e,[]{}:"\\', max_size=8)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(TEXTS, NUMBERS), min_size=1, max_size=8))
def test_numbers_and_texts_of_any_document_are_read_as_they_are_written(written: list[tuple[str, str]]) -> None:
    documents = [(f'{{"t": {json.dumps(text)}, "n": [{number}, {number}]}}',) for text, number in written]

    assert each("json_extract_scalar(a, '$.t')", ["varchar"], documents) == [text for text, _ in written]
    assert each("json_extract_scalar(a, '$.n[1]')", ["varchar"], documents) == [number for _, number in written]


@pytest.mark.parametrize(
    "expression",
    ["CAST(json_parse(x) AS varchar)", "CAST(json_parse(x) AS bigint)", "hour(from_iso8601_timestamp(lower(x)))"],
)
def test_what_is_read_often_is_planned_and_run_once(expression: str) -> None:
    """Macros repeat their arguments: within each other the plans were of 25,000 letters, and took a second each."""
    assert len(plan(f"SELECT {expression} FROM (VALUES '1.5') AS t (x)")) < 3_000
