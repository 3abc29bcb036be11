"""Queries over literal rows: grouping, joins, UNNEST, windows, sets."""

from decimal import Decimal
from typing import Any

import pytest

from tests.lake.athena.asking import rows

QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("array_agg(x) FROM (VALUES 1, 2) AS t (x)", [([1, 2],)]),
    ("map_agg(k, v) FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) AS t (k, v)", [({"a": 1, "b": 2},)]),
    ("multimap_agg(k, v) FROM (VALUES ('a', 1), ('b', 2), ('a', 3)) AS t (k, v)", [({"a": [1, 3], "b": [2]},)]),
    ("histogram(x) FROM (VALUES 1, 2, 1) AS t (x)", [({1: 2, 2: 1},)]),
    ("approx_percentile(x, 0.5) FROM (VALUES 1, 2, 3) AS t (x)", [(2,)]),
    ("approx_percentile(x, 0.5) FROM (VALUES 1, 2, 3, 4) AS t (x)", [(3,)]),
    ("approx_percentile(x, ARRAY[0.0, 0.9, 1.0]) FROM (VALUES 1, 2, 3, 4) AS t (x)", [([1, 4, 4],)]),
    ("max_by(x, y, 2) FROM (VALUES (NULL, 3), ('a', 2), ('b', NULL)) AS t (x, y)", [([None, "a"],)]),
    (
        "x, y, grouping(x, y) FROM (VALUES (1, 'a')) AS t (x, y) GROUP BY CUBE (x, y) ORDER BY 3",
        [(1, "a", 0), (1, None, 1), (None, "a", 2), (None, None, 3)],
    ),
    ("r.* FROM (SELECT CAST(ROW(1, 'a') AS row(x integer, y varchar)) AS r) AS t", [(1, "a")]),
    ("t.r.* FROM (SELECT CAST(ROW(1, 'a') AS row(x integer, y varchar)) AS r) AS t", [(1, "a")]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) ORDER BY x OFFSET 1 LIMIT 1", [(2,)]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) WHERE x IN (VALUES 1, 2) AND x = ANY (VALUES 2, 3)", [(2,)]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) WHERE x <> ALL (VALUES 1, 2)", [(3,)]),
    ("a, b FROM (VALUES ROW(1, 'x'), ROW(2, 'y')) AS t (a, b) ORDER BY a", [(1, "x"), (2, "y")]),
    ("TRY(sum(x) / 0), TRY(sum(x) / 2) FROM (VALUES 1, 3) AS t (x)", [(None, 2)]),
    ("TRY(TRY(sum(x) / 0) + 1) FROM (VALUES 1) AS t (x)", [(None,)]),
    ("TRY_CAST(max(x) AS integer) FROM (VALUES 'a', '5') AS t (x)", [(None,)]),
    ("x, TRY(x / lag(x) OVER (ORDER BY x)) FROM (VALUES 0, 4, 8) AS t (x) ORDER BY x", [(0, None), (4, None), (8, 2)]),
    ("k FROM (VALUES (1, 2), (2, 0)) AS t (k, x) GROUP BY k HAVING TRY(10 / sum(x)) > 0", [(1,)]),
    ("TRY((SELECT 6) / x) FROM (VALUES 0, 2) AS t (x) ORDER BY 1", [(3,), (None,)]),
    ("TRY(x IN (SELECT 1)), TRY(EXISTS (SELECT 1)) FROM (VALUES 1) AS t (x)", [(True, True)]),
    ("number, text FROM (SELECT 1 AS number, CAST(2 AS varchar) AS text)", [(1, "2")]),
    ("'!', '==', '%' LIKE '!%' ESCAPE '!' FROM (VALUES 1)", [("!", "==", True)]),
    ("avg(x) FROM (VALUES 1, 2) AS t (x)", [(1.5,)]),
    ("avg(x) FROM (VALUES 1.0, 2.5) AS t (x)", [(Decimal("1.8"),)]),
    ("sum(x) FROM (VALUES 1, 2) AS t (x)", [(3,)]),
    ("count_if(x > 1) FROM (VALUES 1, 2) AS t (x)", [(1,)]),
    ("listagg(x, '-') WITHIN GROUP (ORDER BY x DESC) FROM (VALUES 'a', 'b') AS t (x)", [("b-a",)]),
    ("max_by(x, y) FROM (VALUES (NULL, 3), (1, 2)) AS t (x, y)", [(None,)]),
    ("max(x, 2) FROM (VALUES 1, 3, 2) AS t (x)", [([3, 2],)]),
    ("count(DISTINCT x) FROM (VALUES 1, 1) AS t (x)", [(1,)]),
    ("array_agg(x ORDER BY x DESC) FILTER (WHERE x > 1) FROM (VALUES 1, 2, 3) AS t (x)", [([3, 2],)]),
    ("bool_or(x > 1) FROM (VALUES 1, 2) AS t (x)", [(True,)]),
    (
        "CAST(x AS timestamp with time zone) FROM (VALUES '2025-01-01 10:00:00.5 UTC', '2025-01-01') AS t (x)",
        [("2025-01-01 10:00:00.500 UTC",), ("2025-01-01 00:00:00.000 UTC",)],
    ),
    ("x FROM (VALUES 1, 2, NULL) AS t (x) ORDER BY x DESC", [(2,), (1,), (None,)]),
    ("x AS y FROM (VALUES 1, 2) AS t (x) ORDER BY y DESC", [(2,), (1,)]),
    ("x + 1 AS y FROM (VALUES 1, 2) AS t (x) ORDER BY -y", [(3,), (2,)]),
    ("DISTINCT x FROM (VALUES 1, 1) AS t (x) ORDER BY x", [(1,)]),
    ("x + 1, count(*) FROM (VALUES 1, 1) AS t (x) GROUP BY x + 1", [(2, 2)]),
    ("x + 2, count(*) FROM (VALUES 1, 1) AS t (x) GROUP BY x", [(3, 2)]),
    ("'a', count(*) FROM (VALUES 1, 1) AS t (x) GROUP BY 1", [("a", 2)]),
    ("x, count(*) AS n FROM (VALUES 1, 1, 2) AS t (x) GROUP BY x HAVING count(*) > 1 ORDER BY count(*)", [(1, 2)]),
    ("x, sum(y) FROM (VALUES (1, 2), (1, 3)) AS t (x, y) GROUP BY ROLLUP (x) ORDER BY 1", [(1, 5), (None, 5)]),
    (
        "x, y, count(*) FROM (VALUES (1, 2), (1, 3)) AS t (x, y) "
        "GROUP BY GROUPING SETS ((x, y), (x), ()) ORDER BY 1, 2",
        [(1, 2, 1), (1, 3, 1), (1, None, 2), (None, None, 2)],
    ),
    ("grouping(x) FROM (VALUES 1) AS t (x) GROUP BY ROLLUP (x) ORDER BY 1", [(0,), (1,)]),
    ("a.x, b.x FROM (VALUES 1, 2) AS a (x) JOIN (VALUES 2, 3) AS b (x) ON a.x = b.x", [(2, 2)]),
    ("* FROM (VALUES (1, 'a')) AS a (x, y) JOIN (VALUES (1, 'b')) AS b (x, z) USING (x)", [(1, "a", "b")]),
    ("a.* FROM (VALUES (1, 'a')) AS a (x, y) CROSS JOIN (VALUES 1) AS b (x)", [(1, "a")]),
    ("x FROM (VALUES 1) AS a (x), (VALUES 2) AS b (y) WHERE y > x", [(1,)]),
    ("x FROM (VALUES 1, 2) AS a (x) LEFT JOIN (VALUES 2) AS b (y) ON x = y ORDER BY y", [(2,), (1,)]),
    ("(SELECT max(y) FROM (VALUES 5) AS b (y) WHERE y > a.x) FROM (VALUES 1) AS a (x)", [(5,)]),
    ("x FROM (VALUES 1, 2) AS a (x) WHERE EXISTS (SELECT 1 FROM (VALUES 2) AS b (y) WHERE y = x)", [(2,)]),
    ("x FROM (VALUES 1, 2) AS a (x) WHERE x IN (SELECT y FROM (VALUES 2) AS b (y))", [(2,)]),
    ("x FROM (VALUES 1, 2) AS a (x) WHERE x >= ALL (SELECT y FROM (VALUES 1, 2) AS b (y))", [(2,)]),
    (
        "x FROM (VALUES 1, 2) AS a (x) UNION SELECT 2.5 ORDER BY x",
        [(Decimal("1.0"),), (Decimal("2.0"),), (Decimal("2.5"),)],
    ),
    ("x FROM (VALUES 1, 2) AS a (x) EXCEPT SELECT 1", [(2,)]),
    (
        "x, y, n FROM UNNEST(ARRAY[1, 2], ARRAY['a']) WITH ORDINALITY AS t (x, y, n) ORDER BY n",
        [(1, "a", 1), (2, None, 2)],
    ),
    ("k, v FROM UNNEST(MAP(ARRAY['a'], ARRAY[1])) AS t (k, v)", [("a", 1)]),
    (
        "id, x FROM (VALUES (1, ARRAY[1]), (2, ARRAY[]), (3, NULL)) AS t (id, a) "
        "LEFT JOIN UNNEST(a) AS u (x) ON TRUE ORDER BY id",
        [(1, 1), (2, None), (3, None)],
    ),
    ("id, x FROM (VALUES (1, ARRAY[1]), (2, ARRAY[])) AS t (id, a), UNNEST(a) AS u (x)", [(1, 1)]),
    ("a, b FROM UNNEST(ARRAY[CAST(ROW(1, 'x') AS ROW(a integer, b varchar)), NULL])", [(1, "x"), (None, None)]),
    ("sum(x) OVER (ORDER BY x) FROM (VALUES 1, 2) AS t (x)", [(1,), (3,)]),
    (
        "sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES 1, 2, 3) AS t (x)",
        [(1,), (3,), (5,)],
    ),
    (
        "lag(x) IGNORE NULLS OVER (ORDER BY y) FROM (VALUES (1, 1), (NULL, 2), (3, 3)) AS t (x, y) ORDER BY y",
        [(None,), (1,), (1,)],
    ),
    ("x, sum(count(*)) OVER (ORDER BY x) FROM (VALUES 1, 2, 2) AS t (x) GROUP BY x ORDER BY x", [(1, 1), (2, 3)]),
    ("CAST(x AS varchar) FROM (VALUES 1, 2) AS t (x) LIMIT 1", [("1",)]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) ORDER BY x OFFSET 1 LIMIT 1", [(2,)]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) WHERE x IN (VALUES 1, 2) AND x = ANY (VALUES 2, 3)", [(2,)]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) WHERE x <> ALL (VALUES 1, 2)", [(3,)]),
    ("a, b FROM (VALUES ROW(1, 'x'), ROW(2, 'y')) AS t (a, b) ORDER BY a", [(1, "x"), (2, "y")]),
    ("number, text FROM (SELECT 1 AS number, CAST(2 AS varchar) AS text)", [(1, "2")]),
    ("'!', '==', '%' LIKE '!%' ESCAPE '!' FROM (VALUES 1)", [("!", "==", True)]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) ORDER BY x FETCH FIRST 2 ROWS ONLY", [(1,), (2,)]),
    ("x FROM (VALUES 1, 2, 3) AS t (x) LIMIT ALL", [(1,), (2,), (3,)]),
    ("CASE x WHEN 1 THEN 'one' ELSE 'other' END FROM (VALUES 1, 2) AS t (x)", [("one",), ("other",)]),
    ("transform(ARRAY[1], x -> x + t.y) FROM (VALUES 5) AS t (y)", [([6],)]),
    ("array_agg(transform(ARRAY[1], x -> x + y)) FROM (VALUES 5) AS t (y)", [([[6]],)]),
    ("approx_percentile(x, ARRAY[0.5, 0.9]) FROM (VALUES 1, 2, 3) AS t (x)", [([2, 3],)]),
    ("count(*) FROM (SELECT 1 WHERE false)", [(0,)]),
    ("max(x) FILTER (WHERE x < 2) FROM (VALUES 1, 2) AS t (x)", [(1,)]),
    ("array_agg(DISTINCT x ORDER BY x) FROM (VALUES 2, 1, 2) AS t (x)", [([1, 2],)]),
    ('"X" FROM (VALUES 1) AS t (x)', [(1,)]),
    (
        "try(from_iso8601_timestamp(x)) FROM (VALUES 'x', '2025-01-01') AS t (x)",
        [(None,), ("2025-01-01 00:00:00.000 UTC",)],
    ),
    (
        "date_diff('day', try(from_iso8601_timestamp(x)), now()) IS NULL FROM (VALUES 'x', '2025-01-01') AS t (x)",
        [(True,), (False,)],
    ),
    ("avg(x) FROM (VALUES INTERVAL '1' DAY, INTERVAL '2' DAY) AS t (x)", [("1 12:00:00.000",)]),
    ("sum(x) FROM (VALUES INTERVAL '1' DAY, INTERVAL '2' HOUR) AS t (x)", [("1 02:00:00.000",)]),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=[one for one, _ in QUERIES])
def test_a_query_answers_as_in_athena(query: str, expected: list[tuple[Any, ...]]) -> None:
    assert rows(f"SELECT {query}") == expected
