"""`dmd query`: how results are written, where to, and where the SQL comes from."""

import csv
import io
import json
import os
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from firehose.local.user_error import UserError
from tests.commands import dmd, result_of
from tests.lakes import at, demand, write_parquet
from tests.terminals import at_terminal

NESTED = "SELECT eventid, date, ARRAY[1, 2] AS n, CAST(ROW('x') AS ROW(a varchar)) AS r, ARRAY[] AS none FROM demand"


@pytest.fixture
def lake(tmp_path: Path) -> str:
    write_parquet(tmp_path, "demand", "2025-01-01", [demand("2025-01-01")])
    return str(tmp_path)


def query(lake: str, *arguments: str) -> str:
    code, printed = dmd("query", *arguments, "--lake", lake)
    assert code == 0
    return printed


def test_a_record_has_a_line_a_column_and_nested_values_below_each_other(lake: str) -> None:
    assert query(lake, NESTED, "--output", "vertical").splitlines() == [
        "── 1 ───────────────────────────────────",
        "eventid   e1",
        "date      requested: 2025-01-01 10:00:00.000",
        "          triggered: null",
        "          notified: null",
        "          deleted: null",
        "n         - 1",
        "          - 2",
        "r         a: x",
        "none      []",
    ]


def test_values_nested_in_nested_values_are_indented(lake: str) -> None:
    row = "ROW(ARRAY['x', 'y'], MAP(ARRAY['k'], ARRAY[1]))"
    sql = f"SELECT ARRAY[CAST({row} AS ROW(a array(varchar), m map(varchar, integer)))] AS c"

    assert query(lake, sql, "--output", "vertical").splitlines()[1:] == [
        "c   - a:",
        "        - x",
        "        - y",
        '      m: {"k":1}',
    ]


@pytest.mark.parametrize("output", ["table", "vertical"])
def test_control_characters_stay_on_the_line_and_do_nothing_to_the_terminal(lake: str, output: str) -> None:
    printed = query(lake, "SELECT chr(27) || '[31m' || chr(10) || 'x' AS a", "--output", output)

    assert r"\x1b[31m\nx" in printed
    assert "\x1b" not in printed


def test_a_table_counts_the_columns_that_wide_characters_take(lake: str) -> None:
    head, rule, *rows = query(lake, "SELECT * FROM (VALUES ('日本', 'x'), ('abcd', 'y')) AS t (a, b)").splitlines()

    assert (head, rule) == ("a      b", "────────")
    assert rows == ["日本   x", "abcd   y"]


@pytest.mark.slow
def test_what_is_wider_than_the_terminal_is_shown_a_record_at_a_time(lake: str) -> None:
    wide = f"SELECT '{'x' * 60}' AS a, '{'y' * 60}' AS b"

    assert at_terminal(80, "query", wide, "--lake", lake)[1:] == [f"a   {'x' * 60}", f"b   {'y' * 60}"]
    assert at_terminal(200, "query", wide, "--lake", lake)[2:] == [f"{'x' * 60}   {'y' * 60}"]


@pytest.mark.slow
def test_a_table_of_one_column_stays_one_so_that_its_lines_can_be_copied(lake: str) -> None:
    lines = at_terminal(40, "query", "SHOW CREATE TABLE sale", "--lake", lake)

    assert lines[:2] == ["createtab_stmt", "─" * 40]
    assert lines[2].startswith("CREATE EXTERNAL TABLE")
    assert max(map(len, lines)) > 40


@pytest.mark.slow
def test_one_column_of_nested_values_is_shown_as_records(lake: str) -> None:
    lines = at_terminal(40, "query", "SELECT date FROM demand", "--lake", lake)

    assert lines[1:3] == ["date   requested: 2025-01-01 10:00:00.000", "       triggered: null"]


@pytest.mark.slow
def test_a_path_is_never_broken_over_lines(lake: str) -> None:
    lines = at_terminal(40, "query", 'SELECT "$path" AS p, 1 AS n FROM demand', "--lake", lake)

    assert lines[1].startswith(f"p   {lake}/data-pipeline/parquet/demand/partition_date=2025-01-01/")
    assert lines[1].endswith(".parquet")


def test_in_a_pipe_nothing_is_too_wide(lake: str) -> None:
    assert len(query(lake, f"SELECT '{'x' * 500}' AS a").splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        ([], "a\n─\n1\n\nb\n─\n2\n"),
        (["--output", "csv"], "a\n1\n\nb\n2\n"),
        (["--json"], '[{"a":1}]\n[{"b":2}]\n'),
    ],
    ids=["table", "csv", "json"],
)
@pytest.mark.parametrize("dialect", ["athena", "duckdb"])
def test_every_statements_result_is_shown(lake: str, options: list[str], printed: str, dialect: str) -> None:
    assert query(lake, "SELECT 1 AS a; SELECT 2 AS b;", "--dialect", dialect, *options) == printed


def test_the_statement_that_is_refused_is_located_and_those_before_it_are_shown(lake: str) -> None:
    with pytest.raises(UserError, match="line 2:10: COLUMN_NOT_FOUND"):
        result_of("query", "SELECT 1;\n  SELECT nope FROM demand", "--lake", lake)


def test_of_duckdbs_own_statements_the_queries_have_results(lake: str) -> None:
    sql = "CREATE TEMP TABLE t AS SELECT 1 AS a; INSERT INTO t VALUES (2); SELECT * FROM t ORDER BY a"

    assert query(lake, sql, "--dialect", "duckdb", "--csv") == "a\n1\n2\n"


def test_a_file_is_written_for_its_user_alone_in_the_form_that_its_name_says(lake: str, tmp_path: Path) -> None:
    for ending in ("csv", "json", "parquet", "txt"):
        assert query(lake, NESTED.replace(", ARRAY[] AS none", ""), "-o", str(tmp_path / f"a.{ending}")) == ""

    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("a.*")] == [0o600] * 4
    assert next(csv.reader(io.StringIO((tmp_path / "a.csv").read_text())))[:2] == ["eventid", "date"]
    assert json.loads((tmp_path / "a.json").read_text())[0]["n"] == [1, 2]
    assert (tmp_path / "a.txt").read_text().startswith("eventid ")
    (row,) = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert (row["date"]["requested"], row["n"], row["r"]) == (at("2025-01-01T10:00:00"), [1, 2], {"a": "x"})


def test_parquet_keeps_the_types_of_a_result_without_rows_and_every_column(lake: str, tmp_path: Path) -> None:
    query(lake, "SELECT date, 1 AS a, 2.50 AS a FROM demand WHERE 1 = 0", "-o", str(tmp_path / "a.parquet"))

    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.names == ["date", "a", "a_2"]
    assert [str(schema.field(name).type) for name in ("a", "a_2")] == ["int32", "decimal128(3, 2)"]


def test_more_rows_than_are_in_memory_at_once_are_written(lake: str, tmp_path: Path) -> None:
    rows = (
        "SELECT n FROM UNNEST(sequence(1, 10000)) AS a (n) UNION ALL SELECT n FROM UNNEST(sequence(1, 10000)) AS b (n)"
    )

    assert len(query(lake, rows, "--csv").splitlines()) == 20_001
    query(lake, rows, "-o", str(tmp_path / "a.parquet"))
    assert pq.read_metadata(tmp_path / "a.parquet").num_rows == 20_000


def test_a_query_that_is_refused_leaves_the_file_as_it_was(lake: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("before")

    with pytest.raises(UserError):
        result_of("query", "SELECT nope FROM demand", "-o", str(tmp_path / "a.csv"), "--lake", lake)

    assert (tmp_path / "a.csv").read_text() == "before"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["SELECT 1", "--csv", "--output", "json"], "not both"),
        (["SELECT 1", "--output", "parquet"], "-o FILE"),
        (["SELECT 1; SELECT 2", "-o", "{folder}/a.parquet"], "holds one result"),
        (["SELECT 1", "-f", "a.sql"], "either the SQL or -f"),
        (["SELECT 1", "-o", "{folder}/a.xlsx"], "a.xlsx: .xlsx names no form"),
        (["SELECT nope", "-o", "{folder}/none/a.csv"], "none is not a folder"),
    ],
    ids=[
        "two forms",
        "parquet on standard output",
        "two results in parquet",
        "two sources of SQL",
        "a file of an unknown form",
        "a file in no folder",
    ],
)
def test_what_cannot_be_together_is_refused(lake: str, tmp_path: Path, arguments: list[str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        result_of("query", *(one.format(folder=tmp_path) for one in arguments), "--lake", lake)


def test_sql_may_be_in_a_file_or_come_from_standard_input(lake: str, tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("﻿-- both\nSELECT 1 AS a;\nSELECT 2 AS b;\n", encoding="utf-8")

    assert query(lake, "-f", str(tmp_path / "a.sql"), "--csv") == "a\n1\n\nb\n2\n"
    for arguments in ([], ["-f", "-"]):
        piped = result_of("query", *arguments, "--csv", "--lake", lake, standard_input="SELECT 3 AS c")
        assert piped.stdout == "c\n3\n"


def test_a_file_of_sql_that_cannot_be_read_is_named(lake: str, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"SELECT '\xe9'")

    with pytest.raises(UserError, match=r"latin is not a text in UTF-8"):
        result_of("query", "-f", str(tmp_path / "latin"), "--lake", lake)
    with pytest.raises(FileNotFoundError) as raised:
        result_of("query", "-f", str(tmp_path / "none"), "--lake", lake)
    assert raised.value.filename == str(tmp_path / "none")


@pytest.fixture
def dmd_lake(lake: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DMD_LAKE", lake)
    return lake


def test_commands_that_only_read_take_their_lake_from_dmd_lake(dmd_lake: str) -> None:
    assert os.environ["DMD_LAKE"] == dmd_lake
    assert dmd("query", "SELECT count(*) AS n FROM demand", "--csv") == (0, "n\n1\n")
    assert dmd("errors") == (0, "nothing failed\n")
    assert dmd("console", "-c", 'print(sql("SELECT count(*) AS n FROM demand"))') == (0, "[{'n': 1}]\n")


@pytest.mark.parametrize("command", [["run", "changes.jsonl"], ["replay"]], ids=lambda command: command[0])
def test_a_command_that_writes_is_told_its_lake(dmd_lake: str, command: list[str]) -> None:
    result = result_of(*command)

    assert result.exit_code == 2
    assert "--lake" in result.stderr
    assert dmd_lake not in result.stderr
