"""`dmd run --format iceberg` and queries of its tables: the rows of the Parquet lake, each once, at any time before."""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from moto import mock_aws

from firehose.lake.iceberg.catalogs import folder_tables
from firehose.lake.query.sql import Dialect, query
from firehose.local.user_error import UserError
from glue.layout import Format
from glue.schema import load
from tests.commands import SAMPLE, dmd, result_of, write
from tests.given import change, s

pytestmark = pytest.mark.slow

TYPES = load()
ICEBERG, PARQUET = Format.ICEBERG, Format.PARQUET


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> dict[Format, Path]:
    """The sample in both formats; the Iceberg lake got it twice."""
    made = {one: tmp_path_factory.mktemp(one) for one in (PARQUET, ICEBERG)}
    for one in (PARQUET, ICEBERG, ICEBERG):
        assert run(made[one], str(SAMPLE), file_format=one)["adds_up"]
    return made


def run(lake: Path, *sources: str, file_format: Format = ICEBERG) -> dict[str, Any]:
    code, printed = dmd("run", *sources, "--lake", str(lake), "--format", file_format, "--json")
    assert code == 0
    summary: dict[str, Any] = json.loads(printed)
    return summary


def rows(lake: Path, name: str) -> list[dict[str, Any]]:
    """The rows of an Iceberg table, by PyIceberg alone."""
    table = folder_tables(str(lake)).load(name)
    assert table is not None
    found: list[dict[str, Any]] = table.scan().to_arrow().to_pylist()
    return found


def canonical(found: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in found)


@pytest.mark.parametrize("name", TYPES)
def test_rows_are_those_of_the_parquet_lake_one_by_one_although_the_file_was_run_twice(
    lakes: dict[Format, Path], name: str
) -> None:
    files = ds.dataset(
        lakes[PARQUET] / f"data-pipeline/parquet/{name}",
        format=ds.ParquetFileFormat(coerce_int96_timestamp_unit="us"),
        partitioning=ds.partitioning(pa.schema([("partition_date", pa.string())]), flavor="hive"),
    )

    assert canonical(rows(lakes[ICEBERG], name)) == canonical(files.to_table().to_pylist())


@pytest.mark.parametrize("name", [*TYPES, *(f"latest_{name}" for name in TYPES), "errors"])
def test_duckdb_answers_the_same_over_both(lakes: dict[Format, Path], name: str) -> None:
    sql = f"SELECT * FROM {name} ORDER BY ALL"  # noqa: S608 - ours

    parquet, iceberg = (query(sql, str(lakes[one]), dialect=Dialect.DUCKDB) for one in (PARQUET, ICEBERG))

    assert iceberg.columns == parquet.columns
    if name != "errors":
        assert len(iceberg.rows) > 0
        assert canonical_rows(iceberg.rows) == canonical_rows(parquet.rows)


def canonical_rows(found: list[tuple[Any, ...]]) -> list[str]:
    return [json.dumps(one, sort_keys=True, default=str) for one in found]


def test_the_current_tables_are_what_the_views_show(lakes: dict[Format, Path]) -> None:
    lake = str(lakes[ICEBERG])

    code, printed = dmd("iceberg", "merge", "--full", "--lake", lake, "--json")

    counts = {one["table"]: one["inserted"] for one in json.loads(printed)}
    assert (code, counts["demand_current"]) == (0, 574)
    for name in TYPES:
        current = query(f"SELECT * EXCLUDE entity FROM {name}_current ORDER BY ALL", lake, dialect=Dialect.DUCKDB)  # noqa: S608 - ours
        view = query(f"SELECT * FROM latest_{name} ORDER BY ALL", lake, dialect=Dialect.DUCKDB)  # noqa: S608 - ours
        assert (current.columns, canonical_rows(current.rows)) == (view.columns, canonical_rows(view.rows))
        assert counts[f"{name}_current"] == len(view.rows)


def test_the_summary_counts_as_in_parquet_mode(lakes: dict[Format, Path], tmp_path: Path) -> None:
    iceberg, parquet = run(tmp_path, str(SAMPLE)), run(lakes[PARQUET], str(SAMPLE), file_format=PARQUET)

    same = ("read", "dropped", "failed", "adds_up")
    assert {name: iceberg[name] for name in same} == {name: parquet[name] for name in same}
    counts = [
        [(one["type"], one["rows"], one["partitions"]) for one in summary["delivered"]]
        for summary in (iceberg, parquet)
    ]
    assert counts[0] == counts[1]
    assert all(one["objects"] == one["partitions"] and one["bytes"] > 0 for one in iceberg["delivered"])


def test_a_failed_record_is_kept_as_in_the_other_modes_and_no_row_is_put_outside_the_tables(
    lakes: dict[Format, Path],
) -> None:
    found = [json.loads(dmd("errors", "--lake", str(lakes[one]), "--json")[1])["records"] for one in (PARQUET, ICEBERG)]

    assert found[0] == found[1]
    folders = {path.name for path in (lakes[ICEBERG] / "data-pipeline").iterdir()}
    assert folders == {"iceberg", "errors"}


def test_files_in_turn_give_each_row_once_and_a_file_of_the_same_name_with_other_lines_is_another(
    tmp_path: Path,
) -> None:
    lake = tmp_path / "lake"
    (tmp_path / "a").mkdir()
    first = write(tmp_path / "changes.jsonl", change("sale", id=s("s1")), change("sale", id=s("s2")))
    other = write(tmp_path / "a" / "changes.jsonl", change("sale", id=s("s3")))

    for source in (first, other, first, other):
        run(lake, source)

    assert sorted(row["id"] for row in rows(lake, "sale")) == ["s1", "s2", "s3"]


def test_standard_input_is_read_as_a_file_is(tmp_path: Path) -> None:
    body = Path(write(tmp_path / "in.jsonl", change("sale", id=s("s1")))).read_bytes()
    for _ in range(2):
        result = result_of("run", "-", "--lake", str(tmp_path / "lake"), "--format", "iceberg", standard_input=body)
        assert result.exit_code == 0

    assert [row["id"] for row in rows(tmp_path / "lake", "sale")] == ["s1"]


def test_a_field_that_a_schema_has_gained_is_a_column_of_the_next_run(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    text = Path("glue/schemas/sale.avsc").read_text()
    (schemas / "sale.avsc").write_text(text)
    options = ("--lake", str(tmp_path / "lake"), "--format", "iceberg", "--schemas", str(schemas))
    assert dmd("run", write(tmp_path / "one.jsonl", change("sale", id=s("s1"))), *options)[0] == 0
    newer = json.loads(text)
    newer["fields"].append({"name": "note", "type": ["null", "string"], "default": None, "doc": "a note"})
    (schemas / "sale.avsc").write_text(json.dumps(newer))

    assert dmd("run", write(tmp_path / "two.jsonl", change("sale", id=s("s2"), note=s("n"))), *options)[0] == 0

    assert {row["id"]: row["note"] for row in rows(tmp_path / "lake", "sale")} == {"s1": None, "s2": "n"}


@mock_aws
def test_a_bucket_of_no_environment_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3").create_bucket(Bucket="elsewhere")

    with pytest.raises(UserError, match="the bucket of no environment"):
        dmd("run", write(tmp_path / "in.jsonl", change("sale")), "--lake", "s3://elsewhere", "--format", "iceberg")


# Versions ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that got three sales, by a run each."""
    lake = tmp_path_factory.mktemp("grown")
    for number in range(3):
        start = s(f"2025-01-0{number + 1}T10:00:00Z")
        run(lake, write(lake / f"{number}.jsonl", change("sale", id=s(f"s{number}"), saleStartDateTime=start)))
    return lake


def asked(lake: Path, sql: str) -> list[tuple[Any, ...]]:
    return query(sql, str(lake), file_format=ICEBERG).rows


def test_every_commit_is_a_snapshot_that_can_be_queried(grown: Path) -> None:
    snapshots = asked(
        grown,
        "SELECT snapshot_id, parent_id, operation, cast(element_at(summary, 'added-records') as integer), committed_at "
        'FROM "sale$snapshots" ORDER BY committed_at',
    )

    assert [row[2:4] for row in snapshots] == [("append", 1)] * 3
    assert [row[1] for row in snapshots] == [None, snapshots[0][0], snapshots[1][0]]
    for number, (snapshot, *_) in enumerate(snapshots, 1):
        ids = asked(grown, f"SELECT id FROM sale FOR VERSION AS OF {snapshot} ORDER BY id")  # noqa: S608 - ours
        assert ids == [(f"s{each}",) for each in range(number)]


def test_a_time_reads_the_snapshot_that_was_the_newest_then(grown: Path) -> None:
    (_, (second,), _) = asked(grown, 'SELECT committed_at FROM "sale$snapshots" ORDER BY committed_at')

    at = f"SELECT count(*) FROM sale FOR TIMESTAMP AS OF TIMESTAMP '{second}'"  # noqa: S608 - ours
    joined = (
        "SELECT a.id, b.id FROM sale a LEFT JOIN sale FOR TIMESTAMP AS OF "  # noqa: S608 - ours
        f"TIMESTAMP '{second}' b ON a.id = b.id ORDER BY a.id"
    )

    assert asked(grown, at) == [(2,)]
    assert asked(grown, joined) == [("s0", "s0"), ("s1", "s1"), ("s2", None)]
    with pytest.raises(UserError, match="has no snapshot of that time or before"):
        asked(grown, "SELECT count(*) FROM sale FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'")


def test_files_and_partitions_are_tables_too(grown: Path) -> None:
    assert asked(
        grown, 'SELECT partition.partition_date, record_count, file_count FROM "sale$partitions" ORDER BY 1'
    ) == [(f"2025-01-0{day}", 1, 1) for day in (1, 2, 3)]
    files = asked(grown, 'SELECT content, file_format, record_count, file_size_in_bytes FROM "sale$files"')
    sizes = sorted(path.stat().st_size for path in (grown / "data-pipeline/iceberg/sale/data").rglob("*.parquet"))
    assert sorted(row[3] for row in files) == sizes
    assert {row[:3] for row in files} == {(0, "PARQUET", 1)}


def test_a_query_reads_only_the_files_of_the_dates_that_it_asks_for(grown: Path, tmp_path: Path) -> None:
    lake = tmp_path / "damaged"
    shutil.copytree(grown, lake)
    assert dmd("iceberg", "tables", "--lake", str(lake), "--moved")[0] == 0
    for damaged in (lake / "data-pipeline/iceberg/sale/data/partition_date=2025-01-02").iterdir():
        damaged.write_bytes(b"PAR1")

    assert asked(lake, "SELECT id FROM sale WHERE partition_date >= '2025-01-03'") == [("s2",)]
    with pytest.raises(UserError, match=r"partition_date=2025-01-02.* is not a Parquet file"):
        asked(lake, "SELECT id FROM sale")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT 1 FROM sale FOR VERSION AS OF 7", "sale has no snapshot 7"),
        ("SELECT 1 FROM sale FOR VERSION AS OF 'main'", "takes the number of a snapshot, not varchar"),
        ("SELECT 1 FROM sale FOR TIMESTAMP AS OF 7", "takes a timestamp, not integer"),
        ('SELECT 1 FROM "sale$refs"', r"sale\$snapshots, sale\$files, sale\$partitions are"),
        ('SELECT 1 FROM "sales$files"', "table 'sales' does not exist"),
        ("SELECT 1 FROM latest_sale FOR VERSION AS OF 7", "latest_sale has no versions"),
        ("SELECT 1 FROM errors FOR VERSION AS OF 7", "errors has no versions"),
    ],
)
def test_a_version_that_cannot_be_read_is_refused_by_what_is_wrong(grown: Path, sql: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        asked(grown, sql)


def test_a_table_of_files_has_no_versions(lakes: dict[Format, Path]) -> None:
    with pytest.raises(UserError, match="only tables of a lake in Iceberg mode do"):
        query("SELECT 1 FROM sale FOR VERSION AS OF 7", str(lakes[PARQUET]))


def test_a_deleted_row_is_read_by_no_query_and_by_those_of_a_time_before(grown: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(grown, lake)
    assert dmd("iceberg", "tables", "--lake", str(lake), "--moved")[0] == 0
    table = folder_tables(str(lake)).load("sale")
    assert table is not None
    last = table.metadata.current_snapshot_id

    table.delete("id = 's1'")

    assert asked(lake, "SELECT id FROM sale ORDER BY id") == [("s0",), ("s2",)]
    assert len(asked(lake, f"SELECT id FROM sale FOR VERSION AS OF {last}")) == 3  # noqa: S608 - ours


def test_times_are_times(lakes: dict[Format, Path]) -> None:
    ((value,),) = query("SELECT max(change.at) FROM sale", str(lakes[ICEBERG])).rows

    assert isinstance(value, dt.datetime)
