"""Several statements in one text, and where each begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.query.athena.split import split

PIECES = ["SELECT 1", "';'", "'it''s;'", '"a;b"', "`c;d`", "-- no; end\n", "/* no; end */", "a - b / c", "\n", "e.f"]
STATEMENT = st.lists(st.sampled_from(PIECES), max_size=4).map(lambda pieces: f"x {' '.join(pieces)} y")


@given(statements=st.lists(STATEMENT, min_size=1, max_size=4), ends=st.booleans())
def test_semicolons_outside_of_texts_names_and_comments_end_statements(statements: list[str], ends: bool) -> None:
    sql = ";".join(statements) + (";" if ends else "")

    assert [one.lstrip() for one in split(sql)] == statements


@given(statements=st.lists(STATEMENT, min_size=1, max_size=4))
def test_a_statement_stays_where_it_is_so_that_an_error_names_its_line_and_column(statements: list[str]) -> None:
    sql = ";\n".join(statements)

    for statement in split(sql):
        begin = len(statement) - len(statement.lstrip())
        assert sql[begin : len(statement)] == statement.lstrip()
        assert statement.count("\n") == sql[: len(statement)].count("\n")


@pytest.mark.parametrize("sql", ["", " \n", ";", "-- a comment", "; /* ; */ ;;"])
def test_sql_without_a_statement_is_returned_as_it_is(sql: str) -> None:
    assert split(sql) == [sql]


@pytest.mark.parametrize("sql", ["SELECT 'open; SELECT 2", 'SELECT "open; 2', "SELECT 1 /* open; 2"])
def test_what_is_not_closed_goes_on_to_the_end(sql: str) -> None:
    assert split(sql) == [sql]


@given(sql=st.text(alphabet="ab'\"`;-/* \n", max_size=30))
def test_any_text_is_split_into_parts_of_it(sql: str) -> None:
    for statement in split(sql):
        assert sql[: len(statement)].endswith(statement.lstrip(" \n"))
