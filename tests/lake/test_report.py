"""`dmd report`: the numbers on the page are those of the lake, in either format."""

import os
from pathlib import Path

import pytest

from firehose.lake.errors.report import report
from firehose.lake.report.figures import read_figures
from glue.compliance import personal_data_sql
from glue.schema import load
from tests.commands import SAMPLE, result_of
from tests.lake.report_pages import Page, asked, report_of
from tests.lakes import DEMAND, at, demand, image_of_demand, write_avro, write_errors, write_parquet

pytestmark = pytest.mark.slow

TYPES = ("demand", "event", "notification", "sale")
NOON = 1_735_732_800  # 2025-01-01T12:00:00Z, in seconds


@pytest.fixture(scope="module", params=["parquet", "avro"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake of the sample."""
    folder = tmp_path_factory.mktemp(request.param)
    assert result_of("run", str(SAMPLE), "--lake", str(folder), "--format", request.param).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def page(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return report_of(lake, tmp_path_factory.mktemp("page"))


def change(day: str, name: str = "INSERT", **members: object) -> dict[str, object]:
    return {"name": name, "at": at(f"{day}T12:00:00"), "expired": False} | members


def test_rows_by_day_type_and_change_are_those_of_sql(lake: Path, page: Page) -> None:
    expected = {
        (str(day), name): (inserts, updates, removes, rows)
        for name in TYPES
        for day, inserts, updates, removes, rows in asked(
            lake,
            "SELECT change.at::DATE, count_if(change.name = 'INSERT'), count_if(change.name = 'MODIFY'), "
            f"count_if(change.name = 'REMOVE'), count(*) FROM {name} GROUP BY 1",
        )
    }

    shown = page.table("Rows by day, type and change")

    assert {
        (row["day"], row["type"]): (row["INSERT"], row["MODIFY"], row["REMOVE"], row["rows"]) for row in shown
    } == expected
    totals = {row["type"]: row["rows"] for row in page.table("Rows by type and change")}
    assert totals == {name: asked(lake, f"SELECT count(*) FROM {name}")[0][0] for name in TYPES}
    assert page.tile("rows") == f"{sum(totals.values()):,}"


def test_days_covered_are_those_of_sql(lake: Path, page: Page) -> None:
    shown = {(row["type"], row["dates of"]): row for row in page.table("Days covered by type")}

    for name in TYPES:
        days = asked(
            lake, f"SELECT min(change.at::DATE), max(change.at::DATE), count(DISTINCT change.at::DATE) FROM {name}"
        )
        dates = asked(
            lake, f"SELECT min(partition_date), max(partition_date), count(DISTINCT partition_date) FROM {name}"
        )
        for kind, (first, last, count) in (("changes", days[0]), ("partitions", dates[0])):
            row = shown[name, kind]
            assert (row["first"], row["last"], row["days with rows"]) == (str(first), str(last), count)


def test_files_and_bytes_are_those_that_lie_there(lake: Path, page: Page) -> None:
    files = [path for path in (lake / "data-pipeline").glob("*/*/partition_date=*/*") if "errors" not in path.parts]

    totals = {row["type"]: row for row in page.table("Files by format and type")}

    for name in TYPES:
        own = [path for path in files if path.parts[-3] == name]
        assert (totals[name]["files"], totals[name]["bytes"], totals[name]["partitions"]) == (
            len(own), sum(path.stat().st_size for path in own), len({path.parent for path in own}),
        )  # fmt: skip
    by_date = page.table("Files by day of partition and type")
    assert sum(row["files"] for row in by_date) == len(files) == sum(row["small files"] for row in by_date)
    assert sum(row["bytes"] for row in by_date) == sum(path.stat().st_size for path in files)


def test_failures_are_those_of_dmd_errors(lake: Path, page: Page) -> None:
    failures = report(str(lake)).failures

    shown = page.table("Failures by day and reason")

    assert {
        (row["day"], reason): row[reason] for row in shown for reason in ("invalid", "not_json") if row[reason]
    } == {
        (day, reason): sum(one.count for one in failures if (one.day, one.reason) == (day, reason))
        for day, reason in {(one.day, one.reason) for one in failures if one.reason != "no_image"}
    }
    assert page.tile("failed records waiting") == str(sum(one.count for one in failures))


def test_schema_drift_is_that_of_the_error_documents(lake: Path, page: Page) -> None:
    expected = asked(lake, "SELECT type, error.path, count(*) FROM errors WHERE error.code = 'invalid' GROUP BY ALL")

    shown = page.table("Values that did not fit")

    assert sorted((row["type"], row["field"], row["documents"]) for row in shown) == sorted(expected)


def test_deletions_and_their_proof_are_those_of_the_saved_query(lake: Path, page: Page) -> None:
    proof = page.table("Proof")
    deleted = {row["type"]: row for row in page.table("Rows of deletions by type")}

    assert [tuple(row.values()) for row in proof] == asked(lake, personal_data_sql(load()))
    for name in TYPES:
        ((rows, expired),) = asked(lake, f"SELECT count(*), count_if(change.expired) FROM {name} WHERE isdeleted")
        assert (deleted[name]["rows"], deleted[name]["expired (time to live)"]) == (rows, expired)
    assert page.tile("personal values in deletions") == "0"


def test_a_value_that_was_not_redacted_is_named_first(tmp_path: Path) -> None:
    write_parquet(tmp_path, "demand", "2025-01-01", [demand("2025-01-01", isdeleted=True, email="SECRET@example.com")])

    page = report_of(tmp_path, tmp_path)

    assert page.tile("personal values in deletions") == "1"
    assert {row["field"]: row["not redacted"] for row in page.table("Proof") if row["type"] == "demand"} == {
        "email": 1, "phonenumber": 0,
    }  # fmt: skip
    assert page.words["a"][8] == "1 value of personal data in rows of deletions"
    assert "SECRET" not in page.text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "under 1 minute"), (0, "under 1 minute"), (59.9, "under 1 minute"), (60, "1 to 5 minutes"),
        (299.9, "1 to 5 minutes"), (300, "5 to 15 minutes"), (900, "15 to 60 minutes"), (3600, "1 to 24 hours"),
        (86_399.9, "1 to 24 hours"), (86_400, "over a day"),
    ],
)  # fmt: skip
def test_the_age_of_a_change_ends_when_its_file_is_written(tmp_path: Path, seconds: float, expected: str) -> None:
    path = write_parquet(tmp_path, "demand", "2025-01-01", [demand("2025-01-01", change=change("2025-01-01"))])
    os.utime(path, (NOON + seconds, NOON + seconds))

    assert [(one.age, one.rows) for one in read_figures(str(tmp_path)).rows] == [(expected, 1)]


def test_so_it_does_in_avro_each_container_with_a_time_of_its_own(tmp_path: Path) -> None:
    made = {"name": "INSERT", "at": NOON * 1000, "atMicros": 0, "expired": False}
    for seconds in (120, 7200):
        path = write_avro(tmp_path, "demand", "2025-01-01", [image_of_demand("2025-01-01", change=made)])
        os.utime(path, (NOON + seconds, NOON + seconds))

    shown = report_of(tmp_path, tmp_path).table("Rows by day of change and age")

    assert [(row["1 to 5 minutes"], row["1 to 24 hours"], row["rows"]) for row in shown] == [(1, 1, 2)]


def test_days_without_changes_are_gaps_also_before_a_type_begins_and_after_it_ends(tmp_path: Path) -> None:
    for day in ("2025-01-03", "2025-01-04", "2025-01-08"):
        write_parquet(tmp_path, "demand", day, [demand(day, change=change(day))])
    for day in ("2025-01-01", "2025-01-10"):
        write_parquet(tmp_path, "sale", day, [{"change": change(day)}], DEMAND)

    gaps = report_of(tmp_path, tmp_path).table("The longest gaps")

    assert [
        (row["first day"], row["last day"], row["days"])
        for row in gaps
        if (row["type"], row["dates of"]) == ("demand", "changes")
    ] == [("2025-01-05", "2025-01-07", 3), ("2025-01-01", "2025-01-02", 2), ("2025-01-09", "2025-01-10", 2)]


def test_more_than_some_thirteen_months_are_shown_by_month(tmp_path: Path) -> None:
    for day in ("2023-01-03", "2025-01-04", "2025-01-08"):
        write_parquet(tmp_path, "demand", day, [demand(day, change=change(day))])

    shown = report_of(tmp_path, tmp_path).table("Rows by month, type and change")

    assert [(row["month"], row["rows"]) for row in shown] == [("2023-01", 1), ("2025-01", 2)]


def test_a_row_without_a_time_is_in_the_totals_only(tmp_path: Path) -> None:
    write_parquet(tmp_path, "demand", "2025-01-01", [demand("2025-01-01")])

    page = report_of(tmp_path, tmp_path)

    assert page.table("Rows by type and change")[0]["rows"] == 1
    assert page.table("Rows by day, type and change") == []
    assert page.table("Rows by type and age")[0]["unknown"] == 1


def test_partitions_with_many_small_files_are_named_the_worst_first(tmp_path: Path) -> None:
    for day, files in (("2025-01-01", 7), ("2025-01-02", 8), ("2025-01-03", 9)):
        for _ in range(files):
            write_parquet(tmp_path, "demand", day, [demand(day, change=change(day))])

    page = report_of(tmp_path, tmp_path)

    crowded = page.table("Partitions with 8 small files or more")
    assert [(row["partition date"], row["small files"]) for row in crowded] == [("2025-01-03", 9), ("2025-01-02", 8)]
    assert "2 partitions with many small files" in page.words["a"]
    assert "They have 17 files. dmd compact makes 2 of them, once all are a day old." in page.words["p"]


def test_a_row_that_was_compacted_has_no_age(tmp_path: Path) -> None:
    """Its file was written when it was merged."""
    write_parquet(tmp_path, "demand", "2025-01-01", [demand("2025-01-01", change=change("2025-01-01"))])
    path = write_parquet(tmp_path, "demand", "2025-01-01", [demand("2025-01-01", change=change("2025-01-01"))])
    path.rename(path.with_name("compacted-5f2c.parquet"))

    page = report_of(tmp_path, tmp_path)

    assert [row["unknown"] for row in page.table("Rows by type and age") if row["rows"]] == [1]


def test_of_a_lake_with_both_formats_one_is_counted_and_the_files_of_both_are_shown(tmp_path: Path) -> None:
    write_parquet(tmp_path, "demand", "2025-01-01", [demand("2025-01-01")] * 3)
    write_avro(tmp_path, "demand", "2025-01-01", [image_of_demand("2025-01-01")] * 2)

    pages = [report_of(tmp_path, tmp_path, *options) for options in ([], ["--format", "avro"])]

    assert [page.tile("rows") for page in pages] == ["3", "2"]
    for page in pages:
        shown = [(row["format"], row["type"], row["files"]) for row in page.table("Files by format and type")]
        assert shown == [("avro", "demand", 1), ("parquet", "demand", 1)]


@pytest.mark.parametrize("errors", [True, False])
def test_a_lake_without_rows_has_a_page(tmp_path: Path, errors: bool) -> None:
    (tmp_path / "data-pipeline").mkdir()
    if errors:
        write_errors(tmp_path, "2025-01-01", {"timestamp": "2025-01-01T10:00:00Z", "error": {"code": "bug"}})

    page = report_of(tmp_path, tmp_path)

    assert page.tile("rows") == "0"
    assert page.tile("failed records waiting") == str(int(errors))
    assert "The lake has no rows yet." in page.words["p"]
