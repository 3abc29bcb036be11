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
    ("lower(*) FROM (VALUES 'a') AS t (x)", "lower is not an aggregate"),
    ("sum(sum(x)) FROM (VALUES 1) AS t (x)", "cannot nest"),
    ("x FROM (VALUES 1) AS t (x) WHERE sum(x) > 1", "cannot nest or use here"),
    ("x FROM (VALUES 1) AS t (x) TABLESAMPLE BERNOULLI (10)", "SAMPLE"),
    ("x::varchar FROM (VALUES 1) AS t (x)", "Athena has no ::"),
    ("t.y FROM (VALUES 1) AS t (x)", "COLUMN_NOT_FOUND"),
    ("CASE WHEN x > 1 THEN 1 ELSE 'a' END FROM (VALUES 1) AS t (x)", "TYPE_MISMATCH"),
    ("1 IN (1, 'a')", "TYPE_MISMATCH"),
    ("1 BETWEEN 0 AND '5'", "TYPE_MISMATCH"),
    ("TIMESTAMP '2025-01-01 00:00:00' > '2024-01-01'", "TYPE_MISMATCH"),
    ("(1, 2) < (1, 2)", "not supported here"),
    ("(1, 2) IN (SELECT (1, 2))", "the rows of a subquery"),
    ("MAP() = MAP()", "not supported here"),
    ("filter(ARRAY['a'], x -> 1)", "the lambda must return boolean, not integer"),
    ("date_format(TIMESTAMP '2025-01-01 00:00:00', '%U')", "not supported here: %U"),
    ("array_sort(ARRAY[1], (x, y) -> x < y)", "the comparator must return bigint, not boolean"),
    ("1x", "the number 1x"),
    ("1e0+2", "write blanks around an operator"),
    ("1 AS x,", "something is missing"),
    ("1, FROM (VALUES 1) AS t (x)", "something is missing behind the comma"),
    ("x FROM (VALUES 1) AS t (x) ORDER BY x LIMIT 1 OFFSET 1", "OFFSET stands before LIMIT"),
    ("count(DISTINCT x) OVER () FROM (VALUES 1) AS t (x)", "DISTINCT in the arguments of a window function"),
    ("array_agg(x ORDER BY x) OVER () FROM (VALUES 1) AS t (x)", "ORDER BY in the arguments of a window function"),
    ("listagg(x, ',') FROM (VALUES 'a') AS t (x)", "listagg needs WITHIN GROUP"),
    ("extract(MILLISECOND FROM now())", "invalid EXTRACT field: millisecond"),
    ("regexp_like('a', '[[:alpha:]]')", "only Java has"),
    ("regexp_like('a', 'a{2}+')", "only Java has"),
    ("'a!c' LIKE 'a!c' ESCAPE '!'", "escape character must be followed by '%', '_' or the escape character"),
    ("'a' LIKE 'a' ESCAPE ''", "escape string must be a single character"),
    ("CAST(JSON '1' AS date)", "a cast of json to date"),
    ("now() EXCEPT SELECT now()", "EXCEPT of times with a zone"),
    ("x.* FROM (VALUES 1) AS t (x)", "TYPE_MISMATCH: .* stands behind a table or a row, not a integer"),
    ("u.* FROM (VALUES 1) AS t (x)", "table 'u' is not in FROM"),
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
    ("CAST(1 AS string)", "Athena has no type string in a query; write varchar"),
    ("CAST(1 AS float)", "write real"),
    ("!true", "Athena has no !"),
    ("[1, 2]", "an array is written ARRAY[...]"),
    ("x FROM (VALUES 1) AS t (x) WHERE x IN [1]", "an array is written ARRAY[...]"),
    ("CAST(ARRAY[1] AS array(float))", "write real"),
    ("CAST(NULL AS map(varchar, string))", "write varchar"),
    ("CAST(ROW(1) AS ROW(text int64))", "write bigint"),
    ("CURRENT_TIMESTAMP()", "parentheses behind CURRENT_TIMESTAMP"),
    ("INTERVAL '1 day'", "the unit behind the quotes"),
    ("NULL IS UNKNOWN", "no IS UNKNOWN"),
    ("1e", "invalid numeric literal"),
    ("1 AS 'x'", "an alias is written in double quotes"),
    ("x FROM (VALUES 1) AS t (x) HAVING x > 0", "must be an aggregate expression"),
    ("regexp_like('a', x) FROM (VALUES 'a') AS t (x)", "regexp_like with a regular expression that is not a literal"),
    ("regexp_split('abc', '')", "regexp_split with a regular expression that may match an empty text"),
    ("regexp_count('baac', 'a*')", "regexp_count with a regular expression that may match an empty text"),
    ("regexp_replace('ab', 'b*', 'x')", "regexp_replace with a regular expression that may match an empty text"),
    ("regexp_like('a', '[a[b]]')", "a class within a class"),
    ("regexp_like('a', '[\\S,]')", "a class within a class"),
    ("x FROM (VALUES 1) AS t (x) FETCH FIRST 1 ROW WITH TIES", "WITH TIES"),
    ("1 IN ()", "IN needs a value"),
    ("a FROM (VALUES ROW(1, 2)) AS t (a)", "column alias list has 1 entries"),
    ('x FROM (VALUES 1) AS t (x) WHERE x = "abc"', "a text is written in single quotes"),
    ("", "SELECT needs something to select"),
    ("1 == 1", "Athena has no =="),
    ("INTERVAL 1 DAY", "with quotes"),
    ("x FROM (VALUES 1) AS t (x) GROUP BY ALL", "ALL in GROUP"),
    ("* EXCEPT (x) FROM (VALUES 1) AS t (x)", "EXCEPT in STAR"),
    (" AND ".join(["true"] * 3000), "nested as deep"),
    ("0.123456789012345678901234567890123456789", "a decimal has at most 38 digits"),
    ("DECIMAL 'a'", "invalid decimal literal"),
    ("9223372036854775808", "invalid numeric literal"),
    ("0x1F", "hexadecimal numbers"),
    ("0b11", "the number 0b11"),
    ("1_000", "the number 1_000"),
    ("x FROM (VALUES 1) AS t (x) WHERE x ISNULL", "Athena has no ISNULL"),
    ("x IS TRUE FROM (VALUES true) AS t (x)", "IS NULL and IS NOT NULL only"),
    ("-'a'", "cannot apply operator: -varchar(1)"),
    ("system.now()", "a function of another catalog"),
    ("x.y FROM (VALUES 1) AS t (x)", "'y' cannot be read of a value of type integer"),
    ("CAST(MAP(ARRAY['a'], ARRAY[1]) AS array(varchar))", "cannot cast map(varchar(1), integer) to array(varchar)"),
    ("CAST(1 AS date)", "cannot cast integer to date"),
    ("CAST('a' AS array(varchar))", "cannot cast varchar to array(varchar)"),
    ("CAST(json_parse('1') AS date)", "a cast of json to date"),
    ("json_extract('{}', '$.a[*]')", "this form of JSON path"),
    ("*", "SELECT * needs a FROM clause"),
    ("tt.* FROM (VALUES 1) AS ttt (x)", "table 'tt' is not in FROM; did you mean ttt?"),
    ("* FROM (VALUES (1, 2)) AS t (x, y) GROUP BY x", "* selects columns that do not appear in GROUP BY"),
    ("1 FROM (VALUES 1) AS t (x) GROUP BY 1 HAVING true", "all that is grouped by is constant"),
    ("rank(x ORDER BY x) OVER () FROM (VALUES 1) AS t (x)", "ORDER BY in the arguments of a window function"),
    (
        "listagg(x, ',') WITHIN GROUP (ORDER BY x) FROM (VALUES 1) AS t (x)",
        "unexpected parameters (integer) for function listagg",
    ),
    ("lower('a') FILTER (WHERE true)", "FILTER stands behind an aggregate only"),
    ("lower('a') OVER ()", "'lower' is neither an aggregate nor a window function"),
    ("sum(x) IGNORE NULLS OVER () FROM (VALUES 1) AS t (x)", "null treatment clause for sum"),
    ("sum(x) OVER v FROM (VALUES 1) AS t (x) WINDOW w AS (ORDER BY x)", "cannot resolve WINDOW name v"),
    ("x FROM (VALUES 1) AS t (x) ORDER BY 2", "position 2 is not in select list"),
    ("x FROM (VALUES 1) AS t (x) ORDER BY x FETCH FIRST 1 ROW WITH TIES", "FETCH FIRST WITH TIES"),
    ("x FROM (VALUES 1) AS t (x) LIMIT x", "LIMIT and OFFSET take a number"),
    ("1 UNION SELECT 1, 2", "UNION query has different number of fields: 1, 2"),
    ("x FROM (VALUES 1, (2, 3)) AS t (x)", "values rows have different numbers of columns"),
    ("(SELECT 1, 2)", "multiple columns returned by subquery are not supported: 2"),
    ("filter(ARRAY[1], x -> x = (SELECT 1))", "a lambda cannot contain a subquery"),
    ("reduce(ARRAY[1], 0, 5, 6)", "this argument must be a lambda"),
    ("filter(ARRAY[1], (x, y) -> true)", "the lambda takes 1 arguments, not 2"),
    ("x FROM (VALUES 1) AS t (x) SEMI JOIN (VALUES 1) AS u (y) ON true", "SEMI JOIN"),
    ("x FROM (VALUES 1) AS t (x) JOIN (VALUES 1) AS u (y) USING (x)", "'x' of USING is missing on one side"),
    ("x FROM (VALUES 1) AS t (x) LEFT JOIN UNNEST(ARRAY[1]) AS u (y) ON x = y", "takes ON TRUE"),
    ("x FROM (VALUES 1) AS t (x) RIGHT JOIN UNNEST(ARRAY[1]) AS u (y) ON true", "INNER or LEFT"),
    ("ROW(1, 2)[3]", "a row's subscript is a number"),
    ("concat('a')", "concat takes two or more arguments"),
    ("regexp_extract('a', '(?:a|(b*))', 1)", "a group that may be empty or take no part in the match"),
    ("regexp_extract('a', '(a)', 2)", "the pattern has 1 groups; cannot access group 2"),
    ("regexp_replace('a', 'a', x -> 'b')", "regexp_replace with a lambda"),
    ("date_trunc('fortnight', now())", "'fortnight' is not a valid TIMESTAMP field"),
    ("EXTRACT(EPOCH FROM now())", "invalid EXTRACT field"),
    ("format('%s %s', 1)", "more specifiers than arguments"),
    ("INTERVAL '1' DAY - DATE '2025-01-01'", "cannot apply operator: interval day to second - date"),
    ("INTERVAL '1' DAY + INTERVAL '1' MONTH", "cannot apply operator: interval day to second + interval year to month"),
    ("INTERVAL '1' DAY * INTERVAL '1' DAY", "cannot apply operator"),
    ("DATE '2025-01-01' + DATE '2025-01-01'", "cannot apply operator: date + date"),
    (
        "x FROM (VALUES 1) AS t (x) JOIN (VALUES 1) AS u (y) JOIN (VALUES 1) AS v (z) ON z = y ON x = z",
        "JOINS in VALUES",
    ),
    *((call, "array(") for call in ("zip(1, ARRAY[1])", "zip(ARRAY[1], 1)", "zip_with(1, ARRAY[1], (x, y) -> x)")),
    *((call, "array(") for call in ("zip_with(ARRAY[1], 1, (x, y) -> x)", "reduce(1, 0, (s, x) -> s, s -> s)")),
    ("array_sort(1)", "unexpected parameters (integer)"),
    *((call, "array(") for call in ("array_join(1, ',')", "filter(1, x -> true)", "flatten(1)")),
    *((call, "map(") for call in ("map_filter(1, (k, v) -> true)", "map_keys(1)", "transform_values(1, (k, v) -> v)")),
]
WRONG_JOINS = ["JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]
# What LIKE does not take, and where it is written.
LITERALS = [
    *(
        "1",
        "1.5",
        "1e0",
        "X'41'",
        "DECIMAL '1.5'",
        "REAL '1.5'",
        "DATE '2025-01-01'",
        "TIMESTAMP '2025-01-01 10:00:00'",
    ),
    *("INTERVAL '1' DAY", "ARRAY['a']"),
]
KINDS = [
    *("1", "'a'", "true", "DATE '2025-01-01'", "INTERVAL '1' DAY", "INTERVAL '1' MONTH", "X'41'", "json_parse('1')"),
    *(
        "ARRAY[1]",
        "ARRAY['a']",
        "MAP(ARRAY[1], ARRAY[1])",
        "MAP(ARRAY[1], ARRAY['a'])",
        "ROW(1)",
        "ROW(1, 2)",
        "ROW('a')",
    ),
]
FAILING = [
    "from_base('9', 8)",
    "-CAST(-2147483648 AS integer)",
    "width_bucket(1, 0, 10, 0)",
    "array_sort(ARRAY[3, 1], (x, y) -> x - y)",
    "array_sort(ARRAY[3, 1], (x, y) -> IF(x < y, 1))",
    "CAST(12 AS varchar(1))",
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


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_types_that_have_none_in_common_are_not_mixed(kind: str) -> None:
    assert value(f"cardinality(ARRAY[{kind}, {kind}, NULL])") == 3

    for other in KINDS:
        if other != kind:
            with pytest.raises(UserError, match="TYPE_MISMATCH"):
                rows(f"SELECT ARRAY[{kind}, {other}]")


@pytest.mark.parametrize("join", WRONG_JOINS)
@pytest.mark.parametrize("other", ["(VALUES 1) AS u (y)", "UNNEST(ARRAY[1]) AS u (y)", "LATERAL (SELECT x) AS u (y)"])
def test_a_join_without_a_condition_is_a_comma_or_a_cross_join(join: str, other: str) -> None:
    with pytest.raises(UserError, match="syntax error: JOIN needs ON or USING"):
        rows(f"SELECT x, y FROM (VALUES 1) AS t (x) {join} {other}")

    for crossed in (",", "CROSS JOIN"):
        assert rows(f"SELECT x, y FROM (VALUES 1) AS t (x) {crossed} {other}") == [(1, 1)]


@pytest.mark.parametrize("literal", LITERALS)
def test_a_literal_of_any_kind_is_pointed_at(literal: str) -> None:
    sql = f"SELECT 'a',\n  {literal} LIKE 'x'"

    with pytest.raises(UserError, match="LIKE takes a varchar") as refused:
        rows(sql)

    _, line, caret = str(refused.value).split("\n")
    pointed = line[caret.index("^") : caret.rindex("^") + 1]
    assert pointed
    assert pointed in literal


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
