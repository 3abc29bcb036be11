"""Regular expressions whose meaning in Java differs from RE2's, and ISO 8601's weeks and days of a year."""

from datetime import date
from typing import Any

import duckdb
import pytest

from tests.lake.athena.asking import fails, value

LINE = "'ab' || chr(10)"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"regexp_like({LINE}, 'b$')", True),
        (f"regexp_like({LINE}, '(a|b$)')", True),
        (f"regexp_like({LINE}, 'a$')", False),
        ("regexp_like('$', '\\$')", True),
        ("regexp_like('a$', '[$]')", True),
        ("regexp_extract('ab', 'b$')", "b"),
        ("regexp_replace('ab  ', '\\s+$')", "ab"),
        ("regexp_replace('  ab', '^\\s*', '')", "ab"),
        ("regexp_like(chr(11), '\\s')", True),
        ("regexp_like(chr(11), '[\\s,]')", True),
        ("regexp_like(chr(11), '\\S')", False),
        ("regexp_like(chr(10), '[\\s\\S]')", True),
        ("regexp_like('cafe', '\\bcafe\\b')", True),
        ("regexp_like(']', '[\\[\\]]')", True),
    ],
)
def test_a_regular_expression_means_what_it_means_in_java(expression: str, expected: Any) -> None:
    assert value(expression.replace("\\\\", "\\")) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (f"regexp_extract({LINE}, 'b$')", "ends with a line break"),
        (f"regexp_replace({LINE}, 'b$', 'x')", "ends with a line break"),
        (f"regexp_like({LINE}, '(?m)b$')", "ends with a line break"),
        ("regexp_like('café', 'caf\\b')", "letters beyond ASCII"),
    ],
)
def test_a_text_for_which_it_would_not_ends_the_query(expression: str, reason: str) -> None:
    with pytest.raises(duckdb.Error, match=reason):
        value(expression)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-W03-1", date(2025, 1, 13)),
        ("2025-W03", date(2025, 1, 13)),
        ("2020-W53-7", date(2021, 1, 3)),
        ("2025-123", date(2025, 5, 3)),
        ("2024-366", date(2024, 12, 31)),
        ("2025-03", date(2025, 3, 1)),
        ("2025", date(2025, 1, 1)),
    ],
)
def test_a_date_may_be_written_as_a_week_or_as_a_day_of_its_year(written: str, expected: date) -> None:
    assert value(f"from_iso8601_date('{written}')") == expected
    moment = value(f"CAST(from_iso8601_timestamp('{written}T10:30:00.1239Z') AS varchar)")
    assert moment == f"{expected} 10:30:00.123 UTC"


@pytest.mark.parametrize("written", ["2025-W54-1", "2025-W53-1", "2025-W03-8", "2025-366", "2025-000", "2025-13", "x"])
def test_a_date_that_is_in_no_calendar_ends_the_query(written: str) -> None:
    assert fails(f"from_iso8601_date('{written}')")
    assert value(f"TRY(from_iso8601_date('{written}'))") is None
