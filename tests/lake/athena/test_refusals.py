"""SQL that is refused, and SQL that ends with an error as it does in Athena."""

import logging

import pytest
from sqlglot.parsers.athena import AthenaTrinoParser

from firehose.local.user_error import UserError
from tests.lake.athena.asking import fails, rows, value

REFUSED = [
    ("CAST(ARRAY[1] AS varchar)", "TYPE_MISMATCH: cannot cast array(integer) to varchar"),
    ("'a' = 1", "TYPE_MISMATCH"),
    ("date_add('hour', 1, DATE '2025-01-31')", "'hour' is not a valid DATE field"),
    ("DATE '2025-01-31' + INTERVAL '1' HOUR", "cannot add hour, minutes or seconds to a date"),
    ("foo(1)", "FUNCTION_NOT_FOUND: function 'foo' is not known here"),
    ("DISTINCT x FROM (VALUES 1, 1) AS t (x) ORDER BY x + 1", "must appear in select list"),
    ("x, count(*) FROM (VALUES 1, 1) AS t (x)", "must be an aggregate expression or appear in GROUP BY clause"),
    ("x + 2, count(*) FROM (VALUES 1, 1) AS t (x) GROUP BY x + 1", "must be an aggregate"),
    ("x, count(*) AS n FROM (VALUES 1, 1, 2) AS t (x) GROUP BY x HAVING n > 1", "COLUMN_NOT_FOUND"),
    ("x FROM (VALUES 1) AS a (x) CROSS JOIN (VALUES 1) AS b (x)", "ambiguous"),
    ("x FROM (VALUES 1, 2) AS a (x) UNION ALL SELECT 'a'", "TYPE_MISMATCH: column 1 in UNION"),
    ("x FROM UNNEST(ARRAY[1]) AS t (x, y)", "column alias list has 2 entries"),
    ("x FROM UNNEST(5) AS t (x)", "UNNEST takes arrays and maps"),
    ("rank() FROM (VALUES 1) AS t (x)", "requires an OVER clause"),
    ("lower(*) FROM (VALUES 'a') AS t (x)", "lower is no aggregate"),
    ("sum(sum(x)) FROM (VALUES 1) AS t (x)", "cannot nest"),
    ("x FROM (VALUES 1) AS t (x) WHERE sum(x) > 1", "cannot nest or use here"),
    ("x FROM (VALUES 1) AS t (x) TABLESAMPLE BERNOULLI (10)", "SAMPLE"),
    ("x::varchar FROM (VALUES 1) AS t (x)", "Athena has no ::"),
    ("t.y FROM (VALUES 1) AS t (x)", "COLUMN_NOT_FOUND"),
    ("CASE WHEN x > 1 THEN 1 ELSE 'a' END FROM (VALUES 1) AS t (x)", "TYPE_MISMATCH"),
    ("1 IN (1, 'a')", "TYPE_MISMATCH"),
    ("1 BETWEEN 0 AND '5'", "TYPE_MISMATCH"),
    ("TIMESTAMP '2025-01-01 00:00:00' > '2024-01-01'", "TYPE_MISMATCH"),
    ("(1, 2) = (1, 2)", "not supported here"),
    ("filter(ARRAY['a'], x -> 1)", "the lambda must return boolean, not integer"),
    ("date_format(TIMESTAMP '2025-01-01 00:00:00', '%U')", "not supported here: %U"),
    ("array_sort(ARRAY[1], (x, y) -> 1)", "comparator"),
    ("regexp_like('a', '(?=a)')", "only Java has"),
    ("at_timezone(now(), 'Europe/Lodnon')", "did you mean Europe/London"),
    ("date_parse('1', '%U')", "not supported here: %U"),
    ("date_format(now(), CAST(now() AS varchar))", "a format that is not a literal"),
    ("x FROM (VALUES 1) AS t (x) WHERE x LIKE '1'", "LIKE takes a varchar"),
    ("CAST(1 AS char(2))", "the type char"),
    ("CAST(now() AS timestamp(9))", "six fraction digits"),
    ("x FROM (VALUES 1) AS t (x) NATURAL JOIN (VALUES 1) AS u (x)", "METHOD in JOIN"),
    ("INTERVAL '1-2' YEAR TO MONTH", "this form of INTERVAL"),
    ("x FROM (WITH RECURSIVE r (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r)", "WITH RECURSIVE"),
    ("CAST(ROW(1) AS json)", "not supported here"),
    ("format('%x', 1)", "not supported here: %x"),
    ("a.x FROM (VALUES 1) AS a (x) JOIN (VALUES 1) AS b (x) USING (x)", "USING made it one, x"),
    ("CAST(1 AS string)", "the type text"),
    ("1 == 1", "Athena has no =="),
    ("INTERVAL 1 DAY", "with quotes"),
    ("x FROM (VALUES 1) AS t (x) GROUP BY ALL", "ALL in GROUP"),
    ("* EXCEPT (x) FROM (VALUES 1) AS t (x)", "EXCEPT in STAR"),
    (" AND ".join(["true"] * 3000), "nested as deep"),
]
FAILING = [
    "from_base('9', 8)",
    "1 + 2147483647",
    "2147483647 + 1",
    "9223372036854775807 + 1",
    "5 / 0",
    "CAST(' 12' AS bigint)",
    "CAST('1.5' AS bigint)",
    "CAST('2025-01-01T00:00:00' AS timestamp)",
    "sequence(1, 5, -1)",
    "ARRAY[1, 2][3]",
    "ARRAY[1, 2][0]",
    "MAP(ARRAY['a'], ARRAY[1])['b']",
]


@pytest.mark.parametrize(("query", "says"), REFUSED, ids=[one[:80] for one, _ in REFUSED])
def test_what_athena_refuses_or_cannot_be_the_same_is_refused_by_name(query: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        rows(f"SELECT {query}")

    assert says in str(refused.value)


@pytest.mark.parametrize("expression", FAILING)
def test_what_ends_a_query_in_athena_ends_it_here_and_is_null_in_try(expression: str) -> None:
    assert fails(expression)
    assert value(f"TRY({expression})") is None


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        (
            "SELECT fanid,\n  evntid\nFROM demand",
            "line 2:3: COLUMN_NOT_FOUND: column 'evntid' cannot be resolved; did you mean eventid?\n"
            "    evntid\n    ^^^^^^",
        ),
        (
            "SELECT date.requestd FROM demand",
            "line 1:13: column 'requestd' cannot be resolved: the row has requested, triggered, notified, deleted; "
            "did you mean requested?\n  SELECT date.requestd FROM demand\n              ^^^^^^^^",
        ),
        (
            "SELECT * FROM demnd",
            "line 1:15: TABLE_NOT_FOUND: table 'demnd' does not exist; did you mean demand?\n"
            "  SELECT * FROM demnd\n                ^^^^^",
        ),
        (
            "SELECT cuont(*) FROM demand",
            "line 1:8: FUNCTION_NOT_FOUND: function 'cuont' is not known here; "
            "did you mean count or concat or count_if?\n"
            "  SELECT cuont(*) FROM demand\n         ^^^^^",
        ),
        (
            "SELECT max(eventid, fanid, 3) FROM demand",
            "line 1:8: unexpected parameters (varchar, varchar, integer) for function max; "
            "expected: max(T) or max(T, bigint)\n  SELECT max(eventid, fanid, 3) FROM demand\n         ^^^",
        ),
        ("SELECT (1", "line 1:9: syntax error: Expecting )\n  SELECT (1\n          ^"),
        ("SELECT 'a", "syntax error: a text, a name or a comment is not closed"),
        (
            "INSERT INTO demand SELECT 1",
            "line 1:1: not supported here: INSERT; queries, SHOW and DESCRIBE are\n"
            "  INSERT INTO demand SELECT 1\n  ^^^^^^",
        ),
        ("SELECT 1; SELECT 2", "Athena takes one statement at a time"),
        ("-- nothing", "no query in this SQL"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what_was_meant(sql: str, error: str) -> None:
    with pytest.raises(UserError) as refused:
        rows(sql)

    assert str(refused.value) == error


def test_a_warning_of_the_parser_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> list[object]:
        logging.getLogger("sqlglot").warning("this means something else")
        return []

    monkeypatch.setattr(AthenaTrinoParser, "parse", parse)

    with pytest.raises(UserError, match="not supported here: this means something else"):
        rows("SELECT 1")
