"""Intervals, times read by a format, and format()."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each, fails, value

EXPRESSIONS: list[tuple[str, Any]] = [
    ("2 * INTERVAL '1' DAY", "2 00:00:00.000"),
    ("INTERVAL '1' DAY * 1.5", "1 12:00:00.000"),
    ("INTERVAL '1' DAY / 2", "0 12:00:00.000"),
    ("INTERVAL '1' SECOND / 3", "0 00:00:00.333"),
    ("INTERVAL '1' MONTH * 14", "1-2"),
    ("INTERVAL '1' YEAR / 5", "0-2"),
    ("DATE '2025-01-01' + INTERVAL - '1' DAY", date(2024, 12, 31)),
    ("DATE '2025-01-01' + 3 * INTERVAL '1' DAY", date(2025, 1, 4)),
    ("DATE '2025-01-01' + INTERVAL '24' HOUR", date(2025, 1, 2)),
    ("DATE '2025-01-01' + (DATE '2025-01-03' - DATE '2025-01-01')", date(2025, 1, 3)),
    ("CAST(TIMESTAMP '2025-01-01 00:00:00' + INTERVAL '1' DAY AS varchar)", "2025-01-02 00:00:00.000"),
    ("CAST(TIMESTAMP '2025-01-01 00:00:00' + INTERVAL '1' MONTH AS varchar)", "2025-02-01 00:00:00"),
    ("typeof(TIMESTAMP '2025-01-01 00:00:00 UTC' - INTERVAL '1' HOUR)", "timestamp(3) with time zone"),
    ("day(TIMESTAMP '2025-01-03 12:00:00' - TIMESTAMP '2025-01-01 00:00:00')", 2),
    ("extract(HOUR FROM TIMESTAMP '2025-01-03 12:00:00' - TIMESTAMP '2025-01-01 00:00:00')", 12),
    ("hour(INTERVAL '-30' HOUR)", -6),
    ("minute(INTERVAL '90' MINUTE)", 30),
    ("year(INTERVAL '14' MONTH)", 1),
    ("month(INTERVAL '14' MONTH)", 2),
    ("date_parse('10:30 PM', '%h:%i %p')", datetime(1970, 1, 1, 22, 30)),
    ("date_parse('01/15', '%m/%d')", datetime(2000, 1, 15)),
    ("date_parse('1/2/25', '%c/%e/%y')", datetime(2025, 1, 2)),
    ("parse_datetime('2025-01-02T03:04:05Z', 'yyyy-MM-dd''T''HH:mm:ssZ')", "2025-01-02 03:04:05.000 UTC"),
    ("parse_datetime('2025-01-02T03:04:05-0530', 'yyyy-MM-dd''T''HH:mm:ssZ')", "2025-01-02 03:04:05.000 -05:30"),
    ("parse_datetime('2025-01-02 03:04:05.123456', 'yyyy-MM-dd HH:mm:ss.SSSSSS')", "2025-01-02 03:04:05.123 UTC"),
    ("parse_datetime('2025-01-02T03Z', 'yyyy-MM-dd''T''HH''Z''')", "2025-01-02 03:00:00.000 UTC"),
    ("format_datetime(TIMESTAMP '2025-01-02 03:04:05', 'yyyy-MM-dd''T''HH:mm:ss''Z''')", "2025-01-02T03:04:05Z"),
    ("format_datetime(TIMESTAMP '2025-01-02 03:04:05', '''Z'' Z ZZ ZZZ')", "Z +0000 +00:00 UTC"),
    ("parse_datetime('10:30', 'HH:mm')", "1970-01-01 10:30:00.000 UTC"),
    ("from_iso8601_timestamp('2025-01-01T10:00:00+0230')", "2025-01-01 10:00:00.000 +02:30"),
    ("from_iso8601_timestamp('2025-01-01T10:00:00+02')", "2025-01-01 10:00:00.000 +02:00"),
    ("format('%s', CAST(NULL AS varchar))", "null"),
    ("format('%.2f', CAST(NULL AS double))", "nu"),
    ("format('%5d|%-5s|%5.1f|%.2s', 7, 'ab', 3.14159, 'abc')", "    7|ab   |  3.1|ab"),
    ("format('%05d %,d', -42, -1234567)", "-0042 -1,234,567"),
    ("format('%2$s %1$s', 'a', 'b')", "b a"),
    ("format('%b', true)", "true"),
]
FAILING = [
    "DATE '2025-01-31' + INTERVAL '1' HOUR",
    "sequence(DATE '2025-01-01', DATE '2025-01-02', INTERVAL '1' HOUR)",
    "date_parse('2025-01-02 x', '%Y-%m-%d')",
    "parse_datetime('2025-01-02T03:04:05', 'yyyy-MM-dd''T''HH:mm:ssZ')",
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS, ids=[one for one, _ in EXPRESSIONS])
def test_an_expression_is_worth_what_it_is_in_athena(expression: str, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize("expression", FAILING)
def test_what_ends_a_query_in_athena_ends_it_here_and_is_null_in_try(expression: str) -> None:
    assert fails(expression)
    assert value(f"TRY({expression})") is None


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.none() | st.dates(date(1970, 1, 1), date(2069, 12, 31))), min_size=1, max_size=10))
def test_two_digits_of_a_year_are_of_1970_to_2069(given_rows: list[tuple[date | None]]) -> None:
    written = [(one and f"{one.year % 100:02}-{one:%m-%d}",) for (one,) in given_rows]

    assert each("CAST(date_parse(a, '%y-%m-%d') AS date)", ["varchar"], written) == [one for (one,) in given_rows]


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**6), 10**6), st.sampled_from([-2.5, 0.1, 3.0])), min_size=1, max_size=10))
def test_an_interval_times_or_by_a_number_is_cut_to_milliseconds(given_rows: list[tuple[int, float]]) -> None:
    interval = "(a * INTERVAL '0.001' SECOND)"
    kinds = ["integer", "double"]

    assert each(f"to_milliseconds({interval} * b)", kinds, given_rows) == [int(a * b) for a, b in given_rows]
    assert each(f"to_milliseconds({interval} / b)", kinds, given_rows) == [int(a / b) for a, b in given_rows]
