"""Comparisons whose answer is not DuckDB's: NaN, rows, arrays; and what no text is compared with."""

import operator
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each, rows, value

EXPRESSIONS: list[tuple[str, Any]] = [
    ("nan() = nan()", False),
    ("nan() <> nan()", True),
    ("NOT (nan() = nan())", True),
    ("CAST(NULL AS double) = nan()", None),
    ("1 = nan()", False),
    ("0e0 = -0e0", True),
    ("contains(ARRAY[nan()], nan())", False),
    ("contains(ARRAY[nan(), NULL], nan())", None),
    ("contains(ARRAY[1e0], 1e0)", True),
    ("array_position(ARRAY[nan()], nan())", 0),
    ("cardinality(array_remove(ARRAY[nan()], nan()))", 1),
    ("cardinality(array_distinct(ARRAY[nan(), nan()]))", 1),
    ("nan() > 1e0", False),
    ("nan() = CAST(NULL AS double)", None),
    ("nan() BETWEEN 0 AND 5e0", False),
    ("nan() IN (nan(), 1e0)", False),
    ("nan() IS DISTINCT FROM nan()", False),
    ("CASE nan() WHEN nan() THEN 1 ELSE 0 END", 0),
    ("is_nan(nullif(nan(), nan()))", True),
    ("ROW(1, 'a') = ROW(1, 'a')", True),
    ("ROW(1, NULL) = ROW(1, 2)", None),
    ("ROW(1, NULL) = ROW(2, 2)", False),
    ("ROW(1, NULL) <> ROW(2, 2)", True),
    ("(1, 2) IN ((3, 4), (1, 2))", True),
    ("(1, NULL) IN ((3, 4), (1, 2))", None),
    ("ARRAY[1, 2] = ARRAY[1, 2]", True),
    ("ARRAY[1, NULL] = ARRAY[1, 2]", None),
    ("ARRAY[1, NULL] = ARRAY[2, 2]", False),
    ("ARRAY[1] <> ARRAY[1, NULL]", True),
    ("ARRAY[ROW(1, ARRAY['a'])] = ARRAY[ROW(1, ARRAY['a'])]", True),
    ("CAST(NULL AS array(integer)) = ARRAY[1]", None),
    ("transform(ARRAY[ARRAY[1], ARRAY[2]], x -> x = ARRAY[1])", [True, False]),
    ("NULL + 1", None),
    ("-NULL", None),
]


@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS, ids=[one for one, _ in EXPRESSIONS])
def test_a_comparison_is_true_false_or_unknown_as_in_athena(expression: str, expected: Any) -> None:
    assert value(expression) == expected


def test_rows_of_two_columns_are_selected_by_their_pairs() -> None:
    table = "(VALUES (1, 2), (1, NULL), (2, 2)) AS t (a, b)"

    assert rows(f"SELECT a, b FROM {table} WHERE (a, b) = (1, 2)") == [(1, 2)]
    assert rows(f"SELECT a, b FROM {table} WHERE (a, b) <> (1, 2)") == [(2, 2)]


ZONED = (
    "(VALUES (TIMESTAMP '2025-01-01 12:00:00 UTC', 1), (TIMESTAMP '2025-01-01 13:00:00 Europe/Paris', 2), "
    "(TIMESTAMP '2025-01-01 14:00:00 UTC', 3)) AS x (t, n)"
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"sum(n) FROM {ZONED} GROUP BY t ORDER BY t", [(3,), (3,)]),
        (
            f"date_trunc('hour', t AT TIME ZONE 'UTC') AS h, count(*) FROM {ZONED} GROUP BY ROLLUP (1) ORDER BY h",
            [("2025-01-01 12:00:00 UTC", 2), ("2025-01-01 14:00:00 UTC", 1), (None, 3)],
        ),
        (
            f"DISTINCT t AT TIME ZONE 'UTC' AS u FROM {ZONED} ORDER BY u DESC",
            [("2025-01-01 14:00:00 UTC",), ("2025-01-01 12:00:00 UTC",)],
        ),
        (f"count(DISTINCT t), approx_distinct(t), count(t) FROM {ZONED}", [(2, 2, 3)]),
        (f"count(*) FROM (SELECT t FROM {ZONED} UNION SELECT t FROM {ZONED})", [(2,)]),
        (f"* FROM {ZONED} WHERE n = 3 GROUP BY t, n", [("2025-01-01 14:00:00 UTC", 3)]),
    ],
)
def test_times_of_one_instant_are_one_value_in_whatever_zone(query: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows(f"SELECT {query}") == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "compare"),
    # Python's comparisons of floats are IEEE's, and so are Trino's.
    [("=", operator.eq), ("<>", operator.ne), ("<", operator.lt), ("<=", operator.le), (">", operator.gt)],
)
def test_nothing_is_equal_to_nan_or_in_order_with_it(written: str, compare: Callable[[float, float], bool]) -> None:
    doubles = st.none() | st.sampled_from([float("nan"), float("inf"), -1.5, 0.0, 2.0])

    @settings(max_examples=12, deadline=None)
    @given(st.lists(st.tuples(doubles, doubles), min_size=1, max_size=10))
    def holds(given_rows: list[tuple[float | None, float | None]]) -> None:
        expected = [None if a is None or b is None else compare(a, b) for a, b in given_rows]

        assert each(f"a {written} b", ["double", "double"], given_rows) == expected

    holds()


def test_two_large_tables_are_joined_by_their_doubles_in_a_moment() -> None:
    table = "(SELECT x / 2e0 AS d FROM UNNEST(sequence(1, 10000)) AS a (x)) AS"
    began = time.process_time()

    assert rows(f"SELECT count(*) FROM {table} l JOIN {table} r ON l.d = r.d") == [(10000,)]
    assert time.process_time() - began < 1  # all pairs would take longer
