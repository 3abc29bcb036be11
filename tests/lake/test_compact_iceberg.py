"""Compaction of Iceberg tables: a partition's small files become one, whatever others commit meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from firehose.lake.compact import iceberg_tables
from firehose.lake.iceberg.catalogs import folder_tables
from firehose.lake.report.figures import read_figures
from firehose.local.endpoint.endpoint import Endpoint
from firehose.local.faults import Fault, Faults
from firehose.local.faulty_catalog import FaultyCatalog
from firehose.pipeline.iceberg_tables import TablePlace
from firehose.pipeline.names import Names
from glue.layout import Format
from tests.commands import result_of
from tests.compacting import NOW, age, compact, counted, demand, fans, files, iceberg_table, run, unnamed
from tests.local_aws import local_aws
from tests.overtaken import Overtaken

pytestmark = pytest.mark.slow

PIECES = [[demand("c"), demand("b", "2025-01-02")], [demand("a")], [demand("b"), demand("a", "2025-01-02")]]


def fans_then(lake: Path, snapshot: int) -> list[str]:
    return sorted(iceberg_table(lake).scan(snapshot_id=snapshot).to_arrow()["fanid"].to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    run(tmp_path / "lake", tmp_path, *PIECES, file_format="iceberg")
    return tmp_path / "lake"


def with_catalog(lake: Path, catalog: Callable[[Any], Any]) -> TablePlace:
    """The tables of a lake, reached by a catalog over its own."""
    place = folder_tables(str(lake))
    return TablePlace(catalog(place.catalog), place.namespace, place.address)


@pytest.fixture
def meanwhile(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Has something done before the first commit of a compaction."""

    def set_up(what: Callable[[], object]) -> None:
        def done() -> None:
            monkeypatch.undo()
            what()

        monkeypatch.setattr(
            iceberg_tables, "lake_tables", lambda _: with_catalog(lake, lambda own: Overtaken(own, done))
        )

    return set_up


def test_a_partition_becomes_one_file_with_the_same_rows_in_one_commit(lake: Path, tmp_path: Path) -> None:
    before, snapshots, marks = counted(lake), iceberg_table(lake).snapshots(), iceberg_table(lake).properties
    dry = result_of("compact", "--lake", str(lake), "--json", "--dry-run", *NOW).stdout

    counts = compact(lake)

    assert counted(lake) == before
    assert len(files(lake)) == 2
    names = ("partitions", "files_before", "files_after", "rows", "duplicates_dropped", "undone")
    assert [counts[name] for name in names] == [2, 5, 2, 5, 0, []]
    assert counts["bytes_after"] == sum(path.stat().st_size for path in files(lake)) < counts["bytes_before"]
    assert '"partitions":2,"files_before":5,"files_after":2' in dry
    assert [one.snapshot_id for one in iceberg_table(lake).snapshots()][:-1] == [one.snapshot_id for one in snapshots]
    assert [fans_then(lake, one.snapshot_id) for one in snapshots] == [
        ["b", "c"],
        ["a", "b", "c"],
        ["a", "a", "b", "b", "c"],
    ]
    assert iceberg_table(lake).properties == marks
    assert compact(lake)["partitions"] == 0
    run(lake, tmp_path, *PIECES, file_format="iceberg")
    assert counted(lake) == before


def test_a_report_counts_the_files_of_the_newest_snapshot(lake: Path) -> None:
    compact(lake)

    partitions = read_figures(str(lake)).files.partitions

    assert [(one.type, one.files, one.format) for one in partitions] == [("demand", 1, "iceberg")] * 2


def test_rows_are_in_the_order_of_compacted_parquet_files(tmp_path: Path) -> None:
    for file_format in ("parquet", "iceberg"):
        run(tmp_path / file_format, tmp_path, *PIECES, file_format=file_format)
        compact(tmp_path / file_format)
    parquet, iceberg = (
        result_of("query", "SELECT fanid, partition_date FROM demand", "--lake", str(tmp_path / one), "--csv").stdout
        for one in ("parquet", "iceberg")
    )

    assert sorted(iceberg.splitlines()) == sorted(parquet.splitlines())
    assert iceberg_table(tmp_path / "iceberg").scan(row_filter="partition_date = '2025-01-01'").to_arrow()[
        "fanid"
    ].to_pylist() == ["a", "b", "c"]


def test_rows_that_were_delivered_twice_are_dropped_where_that_is_asked_for(lake: Path) -> None:
    iceberg_table(lake).append(iceberg_table(lake).scan(row_filter="partition_date = '2025-01-01'").to_arrow())

    assert compact(lake, "--drop-duplicates")["duplicates_dropped"] == 3
    assert fans(lake) == ["a", "a", "b", "b", "c"]


def test_what_a_writer_commits_meanwhile_stays(lake: Path, tmp_path: Path, meanwhile: Any) -> None:
    meanwhile(lambda: run(lake, tmp_path, [demand("new")], file_format="iceberg"))

    counts = compact(lake)

    assert (counts["undone"], counts["files_after"]) == ([], 2)
    assert fans(lake) == ["a", "a", "b", "b", "c", "new"]
    assert len(files(lake)) == 3


def test_files_that_another_has_replaced_meanwhile_are_left_as_they_are(lake: Path, meanwhile: Any) -> None:
    meanwhile(lambda: iceberg_table(lake).delete("partition_date = '2025-01-01'"))

    counts = compact(lake)

    assert counts["undone"] == ["iceberg/demand/2025-01-01: its files have been replaced meanwhile"]
    assert (counts["partitions"], fans(lake), unnamed(lake)) == (1, ["a", "b"], set())


@pytest.mark.parametrize("fault", [Fault.ICEBERG_CONFLICT, Fault.ICEBERG_UNKNOWN])
def test_a_commit_that_is_refused_or_unknown_is_tried_again(
    lake: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    before, faults = counted(lake), Faults()
    faults.inject(fault, 2)
    monkeypatch.setattr(
        iceberg_tables, "lake_tables", lambda _: with_catalog(lake, lambda own: FaultyCatalog(own, faults))
    )

    assert compact(lake)["files_after"] == 2
    assert (counted(lake), len(files(lake)), unnamed(lake)) == (before, 2, set())


@pytest.mark.parametrize(("min_files", "left"), [("2", 2), ("9", 5)])
def test_a_compaction_that_stood_still_until_another_took_over_commits_nothing(
    lake: Path, meanwhile: Any, min_files: str, left: int
) -> None:
    """The other has removed its files, whether it then replaced the same sources or found too few of them."""
    before = counted(lake)

    def take_over() -> None:
        age(lake)
        compact(lake, "--min-files", min_files)

    meanwhile(take_over)

    counts = compact(lake)

    assert "iceberg/demand: another job has taken it over" in counts["undone"]
    assert (counted(lake), len(files(lake)), unnamed(lake)) == (before, left, set())


def test_the_tables_of_a_bucket_are_compacted_only_if_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names("test")
    with local_aws() as address:
        for name, value in Endpoint(address).variables.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=names.bucket)
        boto3.client("glue").create_database(DatabaseInput={"Name": names.database(Format.ICEBERG)})
        result_of("iceberg", "tables", "--glue", "--environment", "test")
        lake = f"s3://{names.bucket}"
        run(lake, tmp_path, [demand("a")], [demand("b")], file_format="iceberg")

        left = result_of("compact", "--lake", lake, *NOW)
        named = compact(lake, "--format", "iceberg")

        assert "the Iceberg tables are left to AWS Glue's optimizers; --format iceberg" in left.stderr
        assert "nothing was merged" in left.stdout
        assert (named["undone"], named["files_before"], named["files_after"]) == ([], 2, 1)
        rows = result_of("query", "SELECT fanid FROM demand ORDER BY 1", "--lake", lake, "--csv").stdout
        assert rows.split() == ["fanid", "a", "b"]
