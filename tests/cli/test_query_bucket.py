"""`dmd query --bucket`: SQL over the bucket of anybody's delivery stream, by its Glue tables."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firehose.local.user_error import UserError
from firehose.testing import TestedEndpoint
from tests.commands import dmd, result_of

COLUMNS = {"id": "string", "Qty": "int", "items": "array<struct<sku:string>>"}
KEYS = {"day": "date", "shop": "string"}


def table(location: str = "s3://lake/orders/", **more: Any) -> dict[str, Any]:
    return {
        "Name": "Orders",
        "StorageDescriptor": {
            "Location": location,
            "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()],
        },
        "PartitionKeys": [{"Name": name, "Type": kind} for name, kind in KEYS.items()],
        **more,
    }


def put(folder: Path, key: str, *rows: dict[str, Any]) -> None:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    kinds = pa.struct([("sku", pa.string())])
    schema = pa.schema([("id", pa.string()), ("qty", pa.int32()), ("items", pa.list_(kinds))])
    pq.write_table(pa.Table.from_pylist(list(rows), schema), path)


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    put(folder, "orders/day=2026-01-02/shop=oslo/a.parquet", {"id": "1", "qty": 2, "items": [{"sku": "x"}]})
    put(folder, "orders/day=2026-01-03/shop=rome/b.parquet", {"id": "2", "qty": 3}, {"id": "3", "qty": None})
    put(folder, "other/day=2026-01-03/shop=rome/c.parquet", {"id": "9"})
    (folder / "errors").mkdir()
    (folder / "errors" / "e").write_text("{}")
    return folder


def answer(bucket: Path | str, sql: str, tmp_path: Path, *more: str, **changes: Any) -> Any:
    file = tmp_path / "table.json"
    file.write_text(json.dumps({"Table": table(**changes)}))
    code, printed = dmd("query", sql, "--bucket", str(bucket), "--table", str(file), "--json", *more)
    assert code == 0
    return json.loads(printed)


def test_a_folder_is_read_by_the_table_that_a_file_declares(bucket: Path, tmp_path: Path) -> None:
    sql = "SELECT day, shop, sum(qty) AS qty, count(*) AS n FROM orders GROUP BY day, shop ORDER BY day"

    assert answer(bucket, sql, tmp_path) == [
        {"day": "2026-01-02", "shop": "oslo", "qty": 2, "n": 1},
        {"day": "2026-01-03", "shop": "rome", "qty": 3, "n": 2},
    ]


def test_partition_keys_have_their_own_types_and_rows_know_their_file(bucket: Path, tmp_path: Path) -> None:
    sql = """SELECT id, "$path" AS path FROM orders WHERE day = DATE '2026-01-02' AND items[1].sku = 'x'"""

    (row,) = answer(bucket, sql, tmp_path)

    assert row["id"] == "1"
    assert row["path"].endswith("day=2026-01-02/shop=oslo/a.parquet")


def test_the_sql_may_be_duckdbs_own_and_the_table_be_named_with_its_database(bucket: Path, tmp_path: Path) -> None:
    assert answer(bucket, "SELECT max(qty) AS m FROM orders", tmp_path, "--dialect", "duckdb") == [{"m": 3}]
    assert answer(bucket, 'SELECT max(qty) AS m FROM "shop"."orders"', tmp_path, DatabaseName="shop") == [{"m": 3}]


def test_a_table_without_rows_is_empty(bucket: Path, tmp_path: Path) -> None:
    assert answer(bucket, "SELECT count(*) AS n FROM orders", tmp_path, location="s3://lake/none/") == [{"n": 0}]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"location": ""}, "the table Orders has no StorageDescriptor.Location", id="no location"),
        pytest.param({"location": "s3://lake/errors/"}, "is in no partition of its table", id="outside partitions"),
        pytest.param(
            {"PartitionKeys": [{"Name": "shop", "Type": "int"}]}, "its shop is not of the type int32", id="another type"
        ),
        pytest.param({"Parameters": {"classification": "json"}}, "not of Parquet files", id="another format"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(
    bucket: Path, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=says):
        answer(bucket, "SELECT * FROM orders", tmp_path, **changes)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--bucket", "none"], "no such bucket: none is not a folder", id="no folder"),
        pytest.param(["--bucket", "."], "specify its tables with --table FILE", id="no table"),
        pytest.param(["--bucket", ".", "--lake", "."], "--lake has no effect with --bucket", id="two sources"),
        pytest.param(["--bucket", ".", "--format", "avro"], "--format has no effect with --bucket", id="format"),
        pytest.param(["--lake", ".", "--database", "a"], "--database has no effect without --bucket", id="database"),
        pytest.param([], "specify the lake with --lake, or the bucket", id="nothing"),
    ],
)
def test_options_without_an_effect_and_missing_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.delenv("DMD_LAKE", raising=False)
    with pytest.raises(UserError, match=says):
        result_of("query", "SELECT 1", *arguments)


def test_a_bucket_goes_before_the_lake_of_the_environment(
    bucket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMD_LAKE", "elsewhere")

    assert answer(bucket, "SELECT count(*) AS n FROM orders", tmp_path) == [{"n": 3}]


@pytest.mark.slow
def test_an_endpoint_is_read_by_its_glue_tables(firehose_endpoint: TestedEndpoint, bucket: Path) -> None:
    s3, glue = firehose_endpoint.client("s3"), firehose_endpoint.client("glue")
    for name in ("lake", "elsewhere"):
        s3.create_bucket(Bucket=name)
    for path in bucket.rglob("*.parquet"):
        s3.upload_file(str(path), "lake", str(path.relative_to(bucket)))
    for name, location in {"shop": "s3://lake/orders", "other": "s3://elsewhere/orders/"}.items():
        glue.create_database(DatabaseInput={"Name": name})
        glue.create_table(DatabaseName=name, TableInput=table(location))

    _, printed = dmd("query", "SELECT count(*) AS n FROM orders; SHOW TABLES", "--bucket", "s3://lake", "--csv")
    glue.create_table(DatabaseName="other", TableInput={**table(), "Name": "more"})

    assert printed.split() == ["n", "3", "tab_name", "orders"]
    with pytest.raises(UserError, match="are in other and shop: choose one with --database"):
        result_of("query", "SELECT 1", "--bucket", "s3://lake")
    assert dmd("query", "SELECT count(*) FROM more", "--bucket", "s3://lake", "--database", "other", "--csv")[0] == 0
    with pytest.raises(UserError, match="no Glue table lies in s3://none"):
        result_of("query", "SELECT 1", "--bucket", "s3://none")


def test_a_table_without_partitions_is_read_whole(bucket: Path, tmp_path: Path) -> None:
    assert answer(bucket, "SELECT count(*) AS n FROM orders", tmp_path, PartitionKeys=[]) == [{"n": 3}]
