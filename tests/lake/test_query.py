"""SQL over a lake."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner

from firehose.cli.query import query as command
from firehose.lake.objects import StoredObject
from firehose.lake.opening import open_lake
from firehose.lake.query.sql import Dialect, query
from firehose.local.user_error import UserError
from tests.lakes import DEMAND, at, demand, error_document, write_errors, write_parquet

TOP_EVENTS = """
SELECT eventid, count(*) AS demand_count FROM demand
WHERE partition_date >= '2025-01-01' AND coalesce(isdeleted, false) = false
GROUP BY eventid ORDER BY demand_count DESC LIMIT 10;
"""
DELETED = """
SELECT fanid, eventid, date.requested, date.deleted FROM demand
WHERE isdeleted = true AND partition_date BETWEEN '2024-10-01' AND '2024-12-31';
"""
LATENCY = """
SELECT avg(date_diff('second', date.requested, date.notified)) FROM demand
WHERE date.notified IS NOT NULL AND partition_date >= '2025-01-01';
"""
BUCKET = "prd3292.test.us-east-1.demand-capture.tmaws"

app = typer.Typer()
app.command()(command)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "data-pipeline").mkdir()
    return tmp_path


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def upload(client: Any, lake: Path) -> str:
    for path in lake.rglob("*"):
        if path.is_file():
            client.put_object(Bucket=BUCKET, Key=path.relative_to(lake).as_posix(), Body=path.read_bytes())
    return f"s3://{BUCKET}"


def test_the_top_events_are_counted_without_deletions_and_earlier_days(lake: Path) -> None:
    write_parquet(lake, "demand", "2024-12-31", [demand("2024-12-31")])
    rows = [demand("2025-01-01", eventid="e2"), demand("2025-01-01", eventid="e2"), demand("2025-01-01")]
    write_parquet(lake, "demand", "2025-01-01", [*rows, demand("2025-01-01", isdeleted=True)])
    write_parquet(lake, "demand", "2025-01-02", [demand("2025-01-02", eventid="e2", isdeleted=None)])

    answer = query(TOP_EVENTS, str(lake))

    assert answer.columns == ["eventid", "demand_count"]
    assert answer.rows == [("e2", 3), ("e1", 1)]


def test_deletions_are_listed_with_their_times(lake: Path) -> None:
    times = {"requested": at("2024-11-01T10:00:00"), "deleted": at("2025-02-01T10:00:00.123")}
    write_parquet(lake, "demand", "2024-11-01", [demand("2024-11-01", isdeleted=True, date=times)])
    write_parquet(lake, "demand", "2024-11-01", [demand("2024-11-01")])
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01", isdeleted=True)])

    answer = query(DELETED, str(lake))

    assert answer.columns == ["fanid", "eventid", "requested", "deleted"]
    assert answer.rows == [("f1", "e1", at("2024-11-01T10:00:00"), at("2025-02-01T10:00:00.123"))]


def test_seconds_between_two_times_are_whole_ones_as_in_athena(lake: Path) -> None:
    times = {"requested": at("2025-01-01T10:00:00.900"), "notified": at("2025-01-01T10:00:02.100")}
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01", date=times), demand("2025-01-01")])

    answer = query(LATENCY, str(lake))

    assert answer.rows == [(1.0,)]


@pytest.mark.parametrize("sql", [TOP_EVENTS, DELETED, "SELECT * FROM event", "SELECT * FROM sale, notification"])
def test_a_table_without_data_is_empty(lake: Path, sql: str) -> None:
    assert query(sql, str(lake)).rows == []


def test_every_table_has_the_columns_of_its_glue_table(lake: Path) -> None:
    answer = query("SELECT column_name, column_type FROM (DESCRIBE sale)", str(lake), dialect=Dialect.DUCKDB)

    types = dict(answer.rows)
    assert types["salestartdatetime"] == "TIMESTAMP"
    assert types["salestartdate"] == "DATE"
    assert types["saletypes"] == "VARCHAR[]"
    assert types["date"] == "STRUCT(deleted TIMESTAMP)"
    assert types["isdeleted"] == "BOOLEAN"
    assert types["change"].startswith('STRUCT(id VARCHAR, "name" VARCHAR, "at" TIMESTAMP, atmicros BIGINT')
    assert types["partition_date"] == "VARCHAR"


def test_a_field_that_an_older_file_lacks_is_null_at_any_depth(lake: Path) -> None:
    older = pa.schema([("eventid", pa.string()), ("date", pa.struct([("requested", pa.timestamp("ms"))]))])
    write_parquet(
        lake, "demand", "2024-11-01", [{"eventid": "old", "date": {"requested": at("2024-11-01T10:00:00")}}], older
    )
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")])

    answer = query("SELECT eventid, email, date.requested, date.deleted FROM demand ORDER BY eventid DESC", str(lake))

    assert answer.rows[0] == ("old", None, at("2024-11-01T10:00:00"), None)
    assert len(answer.rows) == 2


@pytest.mark.parametrize("moment", ["1800-01-01T00:00:00", "1900-01-01T00:00:00.001", "2199-12-31T23:59:59.999"])
def test_times_to_both_ends_of_br_12_are_read_right(lake: Path, moment: str) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01", requesteddatetime=at(moment))])

    assert query("SELECT requesteddatetime FROM demand", str(lake)).rows == [(at(moment),)]


def test_files_that_hive_ignores_are_ignored(lake: Path) -> None:
    path = write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")])
    for name in ("_SUCCESS", ".part.parquet"):
        (path.parent / name).write_text("no parquet")

    assert query("SELECT count(*) FROM demand", str(lake)).rows == [(1,)]


def test_days_that_a_query_excludes_are_not_read(lake: Path) -> None:
    bad = write_parquet(lake, "demand", "2024-12-31", [demand("2024-12-31")])
    bad.write_text("no parquet")
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")])

    assert query("SELECT eventid FROM demand WHERE partition_date >= '2025-01-01'", str(lake)).rows == [("e1",)]


def write_days(lake: Path) -> None:
    for day, rows in [("2025-01-01", 2), ("2025-01-01", 3), ("2025-01-02", 5), ("2025-01-02", 0)]:
        write_parquet(lake, "demand", day, [demand(day)] * rows)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM demand", [(10,)]),
        ("SELECT partition_date, count(*) FROM demand GROUP BY 1 ORDER BY 1", [("2025-01-01", 5), ("2025-01-02", 5)]),
        ("SELECT count(*) FROM demand WHERE partition_date > '2025-01-01'", [(5,)]),
        ("SELECT count(*) FROM demand WHERE partition_date = '1999-01-01'", [(0,)]),
        ("SELECT count(partition_date) FROM demand WHERE eventid = 'e1'", [(10,)]),
        ("SELECT max(partition_date) FROM demand", [("2025-01-02",)]),
    ],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_rows_are_counted_in_all_files_of_the_dates(lake: Path, dialect: Dialect, sql: str, rows: Any) -> None:
    write_days(lake)

    assert query(sql, str(lake), dialect=dialect).rows == rows


def test_rows_are_counted_by_place(lake: Path, bucket: Any) -> None:
    write_days(lake)
    counts = 'SELECT "$path", count(*) FROM demand GROUP BY 1 ORDER BY 1'

    in_folder = query(counts, str(lake)).rows
    in_bucket = query(counts, upload(bucket, lake)).rows

    assert [rows for _, rows in in_folder] == [2, 3, 5]
    assert [(where.replace(f"s3://{BUCKET}", str(lake)), rows) for where, rows in in_bucket] == in_folder


def test_error_documents_are_the_table_errors(lake: Path) -> None:
    write_errors(
        lake, "2025-01-01", error_document(), error_document(type=None, error={"code": "not_json", "message": "m"})
    )
    write_errors(lake, "2025-01-02", error_document(), "no document")

    answer = query(
        "SELECT error.code, type, count(*), max(recordid), max(cardinality(events)) FROM errors "
        "WHERE partition_date = '2025-01-01' GROUP BY 1, 2 ORDER BY 1",
        str(lake),
    )

    assert answer.rows == [("invalid", "demand", 1, "r1", 1), ("not_json", None, 1, "r1", 1)]


def test_a_lake_in_s3_answers_as_one_in_a_folder(lake: Path, bucket: Any) -> None:
    for day in range(1, 29):
        write_parquet(lake, "demand", f"2025-01-{day:02}", [demand(f"2025-01-{day:02}", eventid=f"e{day}")] * 3)
    write_errors(lake, "2025-01-01", error_document())
    where = upload(bucket, lake)

    counts = "SELECT eventid, count(*), max(date.requested) FROM demand GROUP BY eventid ORDER BY eventid"
    for sql in (counts, LATENCY, "SELECT min(eventid) FROM demand", "SELECT * FROM errors LIMIT 1"):
        assert query(sql, where) == query(sql, str(lake))


def test_a_missing_bucket_and_a_bucket_without_a_lake_are_user_errors(bucket: Any) -> None:
    with pytest.raises(UserError, match="NoSuchBucket"):
        query("SELECT 1", "s3://nobody")
    for where in (f"s3://{BUCKET}", f"s3://{BUCKET}/folder", "s3://"):
        with pytest.raises(UserError, match="is not a lake"):
            query("SELECT 1", where)


def test_an_object_that_may_not_be_read_is_a_user_error(lake: Path, bucket: Any) -> None:
    write_errors(lake, "2025-01-01", error_document())
    opened = open_lake(upload(bucket, lake))

    with pytest.raises(UserError, match="NoSuchKey"):
        opened.open(StoredObject("data-pipeline/gone", 10)).read()


def test_a_missing_folder_and_a_folder_without_a_lake_are_user_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such lake"):
        query("SELECT 1", str(tmp_path / "none"))
    with pytest.raises(UserError, match="is not a lake"):
        query("SELECT 1", str(tmp_path))


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("", "no query"),
        ("SELECT nope FROM demand", "nope"),
        ("SELECT * FROM nothing", "nothing"),
        ("SELECT greatest(x) FROM demand GROUP BY ALL", "x"),
        ("SELECT * FROM read_csv('/etc/hosts')", "lake's tables only"),
        ("SELECT * FROM '/etc/hosts.csv'", "lake's tables only"),
        ("COPY (SELECT 1) TO 'out.csv'", "lake's tables only"),
        ("INSTALL httpfs", "lake's tables only"),
        ("SET enable_external_access = true", "InvalidInput"),
    ],
)
def test_duckdbs_sql_that_cannot_be_run_is_a_user_error_in_one_line(lake: Path, sql: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        query(sql, str(lake), dialect=Dialect.DUCKDB)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("sql", "dialect"),
    [
        ("SELECT eventid::INT FROM demand", Dialect.DUCKDB),
        ("SELECT CAST(eventid AS DATE) FROM demand", Dialect.DUCKDB),
        ("SELECT error(eventid) FROM demand", Dialect.DUCKDB),
        ("SELECT CAST(eventid AS integer) FROM demand", Dialect.ATHENA),
        ("SELECT CAST(eventid AS date) FROM demand", Dialect.ATHENA),
        ("SELECT date_parse(eventid, '%Y') FROM demand", Dialect.ATHENA),
        ("SELECT at_timezone(change.at, eventid), 1 / length(eventid) FROM demand", Dialect.ATHENA),
        ("SELECT from_iso8601_timestamp(eventid) FROM demand", Dialect.ATHENA),
        ("SELECT json_parse(eventid) FROM demand", Dialect.ATHENA),
    ],
)
def test_a_value_is_never_in_an_error_message(lake: Path, sql: str, dialect: Dialect) -> None:
    moment = {"at": at("2025-01-01T10:00:00")}
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01", eventid="SECRET", change=moment)])

    with pytest.raises(UserError) as raised:
        query(sql, str(lake), dialect=dialect)

    assert "SECRET" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_file_that_is_not_parquet_is_a_user_error(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")]).write_text("no parquet")

    with pytest.raises(UserError):
        query("SELECT * FROM demand", str(lake))


def test_a_column_of_another_type_than_its_table_declares_is_a_user_error(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [{"eventid": [1]}], pa.schema([("eventid", pa.list_(pa.int32()))]))

    with pytest.raises(UserError):
        query("SELECT eventid FROM demand", str(lake))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


SHOWN = "SELECT eventid, date, isdeleted, email, '[redacted]' AS x, 1.5 AS n, 2 AS n FROM demand"


def test_the_table_shows_values_as_they_are_on_one_line_each(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01", eventid="a\n\x1b[31mb", fanid="x" * 300)])

    head, _, row = run("SELECT *, '[redacted]' AS x FROM demand", "--lake", str(lake)).splitlines()

    assert head.split()[:3] == ["type", "fanid", "eventid"]
    assert r"a\n\x1b[31mb" in row
    assert "x" * 300 in row
    assert "[redacted]" in row
    assert '"requested":"2025-01-01 10:00:00.000"' in row


def test_csv_is_csv_with_nested_values_as_json_and_null_empty(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")])

    head, row = csv.reader(io.StringIO(run(SHOWN, "--lake", str(lake), "--csv")))

    assert head == ["eventid", "date", "isdeleted", "email", "x", "n", "n"]
    assert json.loads(row[1])["requested"] == "2025-01-01 10:00:00.000"
    assert [row[0], *row[2:]] == ["e1", "false", "", "[redacted]", "1.5", "2"]


def test_json_is_an_array_of_rows_and_loses_no_column(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")] * 2)

    rows = json.loads(run(SHOWN, "--lake", str(lake), "--json"))

    assert len(rows) == 2
    assert rows[0] | {"date": None} == {
        "eventid": "e1",
        "date": None,
        "isdeleted": False,
        "email": None,
        "x": "[redacted]",
        "n": 1.5,
        "n_2": 2,
    }


@pytest.mark.parametrize("option", ["--csv", "--json"])
def test_an_empty_answer_is_printed_as_one(lake: Path, option: str) -> None:
    shown = run("SELECT eventid FROM demand", "--lake", str(lake), option)

    assert shown == {"--csv": "eventid\n", "--json": "[]\n"}[option]


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--csv", "--json"], "not both")],
    ids=["two forms"],
)
def test_conflicting_options_are_a_user_error(lake: Path, options: list[str], says: str) -> None:
    result = CliRunner().invoke(app, ["SELECT 1", "--lake", str(lake), *options])

    assert isinstance(result.exception, UserError)
    assert says in str(result.exception)


def test_an_unknown_format_exits_2(lake: Path) -> None:
    # In a process of its own: in pytest's, what click keeps of the failure makes DuckDB complain of leaks at the end.
    program = [sys.executable, "-c", "from firehose.cli import main; main()"]

    done = subprocess.run(
        [*program, "query", "SELECT 1", "--lake", lake, "--format", "orc"], capture_output=True, check=False
    )

    assert done.returncode == 2
    assert b"orc" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_columns_of_a_lake_are_the_glue_tables(lake: Path) -> None:
    write_parquet(lake, "demand", "2025-01-01", [demand("2025-01-01")])

    assert query("SELECT * FROM demand", str(lake)).columns == [*DEMAND.names, "partition_date"]
