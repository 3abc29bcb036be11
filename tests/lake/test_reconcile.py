"""Reconciliation: whatever a lake lost is found, item by item, and nothing else is called a loss."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firehose.local.user_error import UserError
from glue.schema import SCHEMAS
from tests.commands import result_of
from tests.erasing import erase
from tests.exports import EXPORTED_MICROS, demand, export, full, full_export, incremental_export, item, written
from tests.failed import error_object, everything, failed
from tests.given import m, s
from tests.lake.lossy_tables import BEGAN, MINUTE, TYPES, Table, counted, named, of

pytestmark = pytest.mark.slow

A, B, C = demand("a"), demand("b", "2025-01-02"), demand("c")
CHANGED = A | {"artistName": s("another")}
REDACTED = s("[redacted]")


@pytest.fixture(params=["parquet", "avro", "iceberg"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Table:
    made = Table(tmp_path, request.param)
    made.write(B)
    made.write(item("sale", "1"))
    return made


@pytest.fixture
def parquet(tmp_path: Path) -> Table:
    made = Table(tmp_path)
    made.write(B)
    return made


def with_field(folder: Path, field: dict[str, Any]) -> Path:
    """Return a folder of the schemas, in which a demand has one field more."""
    schemas = folder / "schemas"
    shutil.copytree(SCHEMAS, schemas)
    schema = json.loads((schemas / "demand.avsc").read_text())
    schema["fields"].append(field)
    (schemas / "demand.avsc").write_text(json.dumps(schema))
    return schemas


def test_a_lake_that_lost_nothing_is_the_table(table: Table) -> None:
    table.write(A)
    table.write(CHANGED, "MODIFY")
    table.write(C)
    table.delete(C)

    found = table.reconcile()

    assert found["unexplained"] == 0
    assert counted(found) == {"same": 2, "redacted_deletion": 1}
    assert counted(found, "sale") == {"same": 1}
    assert found["as_of"] == "2025-03-01T10:00:00.500Z"
    assert found["rows"]["demand"] == {"rows": 5, "changes": 5, "without_item": 0}
    assert found["dates"]["demand"]["2025-01-02"] == {"same": 1}


@pytest.mark.parametrize(
    ("lost", "found_as"),
    [
        pytest.param(lambda table: table.write(A), "missing", id="the insert of an item"),
        pytest.param(
            lambda table: (table.write(A), table.write(CHANGED, "MODIFY"))[1], "stale", id="its newest change"
        ),
        pytest.param(lambda table: (table.write(A), table.delete(A))[1], "extra", id="its deletion"),
        pytest.param(
            lambda table: (table.write(A), table.delete(A), table.write(A))[2],
            "deleted_here",
            id="its insert after one",
        ),
    ],
)
def test_a_change_that_was_lost_is_found_by_its_item(
    table: Table, lost: Callable[[Table], Path], found_as: str
) -> None:
    table.remove(lost(table))

    found = table.reconcile()

    assert found["unexplained"] == 1
    assert named(found) == {of(A): found_as}
    assert counted(found) == {"same": 1, found_as: 1}
    assert found["dates"]["demand"]["2025-01-01"] == {found_as: 1}


def test_of_a_stale_item_the_columns_that_differ_are_named_without_their_values(parquet: Table) -> None:
    parquet.write(A)
    parquet.lose(CHANGED | {"phoneNumber": s("+15550100")}, "MODIFY")

    found = parquet.reconcile()

    assert [one["columns"] for one in found["items"]] == [["artistname", "phonenumber"]]
    assert "5550100" not in json.dumps(found)


def test_a_whole_day_that_was_lost_is_found(parquet: Table) -> None:
    for name in "adef":
        parquet.write(demand(name))
    shutil.rmtree(parquet.lake / "data-pipeline/parquet/demand/partition_date=2025-01-01")

    found = parquet.reconcile()

    assert named(found) == {of(demand(name)): "missing" for name in "adef"}
    assert found["dates"]["demand"] == {"2025-01-01": {"missing": 4}, "2025-01-02": {"same": 1}}


def test_a_file_that_is_there_twice_is_no_difference(table: Table) -> None:
    path = table.write(A)
    assert path
    table.double(path)

    found = table.reconcile()

    assert counted(found) == {"same": 2}
    assert found["rows"]["demand"] == {"rows": 3, "changes": 2, "without_item": 0}


def test_an_older_change_that_comes_late_is_no_difference(parquet: Table) -> None:
    parquet.write(CHANGED, "MODIFY")
    parquet.write(A | {"artistName": s("before")}, at=BEGAN)
    parquet.write(CHANGED, "MODIFY")

    assert counted(parquet.reconcile()) == {"same": 2}


def test_an_item_whose_order_is_wrong_is_present_but_not_the_newest(parquet: Table) -> None:
    parquet.write(CHANGED | {"artistName": s("older")}, at=BEGAN + 1000 * MINUTE)
    parquet.write(CHANGED, "MODIFY")

    found = parquet.reconcile()

    assert (counted(found), found["unexplained"]) == ({"same": 1, "present_not_newest": 1}, 0)


def test_a_change_shortly_before_the_export_that_it_lacks_is_in_flight(parquet: Table) -> None:
    parquet.write(A)
    parquet.write(CHANGED, "MODIFY", at=EXPORTED_MICROS - 4 * MINUTE)
    parquet.items["PK#a"] = A

    assert counted(parquet.reconcile()) == {"same": 1, "in_flight": 1}
    assert counted(parquet.reconcile("--grace", "1m")) == {"same": 1, "present_not_newest": 1}


def test_a_change_shortly_after_the_export_that_it_has_is_in_flight(parquet: Table) -> None:
    parquet.write(A)
    parquet.write(CHANGED, "MODIFY", at=EXPORTED_MICROS + 4 * MINUTE)

    assert counted(parquet.reconcile()) == {"same": 1, "in_flight": 1}
    assert counted(parquet.reconcile("--grace", "1m")) == {"same": 1, "stale": 1}
    assert counted(parquet.reconcile("--grace", "1m", "--as-of", "2025-03-01T10:05:00Z")) == {"same": 2}


def test_a_change_shortly_after_the_export_that_it_lacks_is_no_difference(parquet: Table) -> None:
    parquet.write(A)
    parquet.write(CHANGED, "MODIFY", at=EXPORTED_MICROS + 4 * MINUTE)
    parquet.items["PK#a"] = A

    assert counted(parquet.reconcile()) == {"same": 2}


def test_the_time_of_a_backfill_is_no_change_within_the_grace(tmp_path: Path) -> None:
    table = Table(tmp_path)
    full_export(tmp_path / "export", [A])
    result_of(
        "backfill", "--export", str(tmp_path / "export"), "--lake", str(table.lake), "--state", f"{tmp_path}/state"
    )
    table.items["PK#a"] = CHANGED

    assert counted(table.reconcile()) == {"stale": 1}


def test_an_item_that_says_itself_that_it_is_new_is_in_flight(parquet: Table) -> None:
    """The export is of ten o'clock and half a second, and the demand of ten o'clock."""
    parquet.lose(demand("new", "2025-03-01"))

    assert counted(parquet.reconcile()) == {"same": 1, "in_flight": 1}
    assert counted(parquet.reconcile("--grace", "0s")) == {"same": 1, "missing": 1}


def test_what_was_created_after_the_export_is_not_compared(parquet: Table) -> None:
    parquet.write(A, at=EXPORTED_MICROS + 60 * MINUTE)
    parquet.delete(B, at=EXPORTED_MICROS + 60 * MINUTE)
    parquet.items = {"b": B}

    found = parquet.reconcile()
    assert counted(found) == {"same": 1}, found


def test_an_item_that_did_not_change_since_the_pipeline_began_is_to_be_backfilled(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.at = EXPORTED_MICROS - 86_400_000_000
    table.write(B)
    for one in (A, item("sale", "1")):
        table.lose(one)

    found = table.reconcile()

    assert counted(found) == {"same": 1, "before_pipeline": 1}
    assert counted(found, "sale") == {"missing": 1}, "a sale's start is no time of its own"


def test_an_item_whose_change_failed_is_explained_by_the_error_output(parquet: Table) -> None:
    parquet.write(A, artistName={"N": "1"})
    parquet.write(demand("old", "2014-01-01"))
    parquet.write(C)
    parquet.write(C | {"artistName": s("another")}, "MODIFY", artistName={"N": "1"})

    found = parquet.reconcile()

    assert found["unexplained"] == 0
    assert counted(found) == {"same": 1, "failed": 2, "outside_dates": 1}


def test_a_failure_that_a_replay_has_delivered_explains_nothing(parquet: Table) -> None:
    error_object(parquet.lake, failed(parquet.change(A)))
    assert counted(parquet.reconcile()) == {"same": 1, "failed": 1}

    result_of("replay", "--lake", str(parquet.lake))

    assert counted(parquet.reconcile()) == {"same": 2}
    shutil.rmtree(parquet.lake / "data-pipeline/parquet/demand/partition_date=2025-01-01")
    assert counted(parquet.reconcile()) == {"same": 1, "missing": 1}


def test_an_item_that_cannot_be_archived_is_one_that_failed_or_of_another_type(parquet: Table) -> None:
    parquet.write(A | {"eventId": {"N": "1"}})
    parquet.write(item("nobody", "x"))

    found = parquet.reconcile()

    assert (found["unexplained"], counted(found)) == (0, {"same": 1, "failed": 1})
    assert counted(found, "other") == {"other_type": 1}


def test_erased_personal_data_is_no_loss(parquet: Table) -> None:
    personal = A | {"phoneNumber": s("+15550100"), "email": s("a@example.com")}
    parquet.write(personal, phoneNumber=REDACTED, email=REDACTED)

    found = parquet.reconcile()

    assert (found["unexplained"], counted(found)) == (0, {"same": 1, "erased": 1})


def test_a_person_who_is_erased_from_the_lake_but_not_from_the_table_is_no_loss(table: Table, tmp_path: Path) -> None:
    table.write(A | {"phoneNumber": s("+15550100"), "email": s("a@example.com")})
    erase(table.lake, tmp_path, "a")

    found = table.reconcile()

    assert (found["unexplained"], counted(found)) == (0, {"same": 1, "erased": 1})


@pytest.mark.parametrize("file_format", ["parquet", "avro", "iceberg"])
def test_personal_data_that_is_erased_within_a_record_is_no_loss(tmp_path: Path, file_format: str) -> None:
    members = [
        {"name": "street", "type": ["null", "string"], "default": None, "doc": "Where.", "pii": True},
        {"name": "country", "type": ["null", "string"], "default": None, "doc": "In which country."},
    ]
    address = {"type": "record", "name": "Address", "doc": "Where a fan lives.", "fields": members}
    schemas = with_field(tmp_path, {"name": "address", "type": ["null", address], "default": None, "doc": "new"})
    table = Table(tmp_path, file_format, "--schemas", str(schemas))
    table.write(A | {"address": m(street=s("Elm 1"), country=s("NZ"))}, address=m(street=REDACTED, country=s("NZ")))
    table.write(C | {"address": m(street=s("Elm 2"), country=s("NZ"))}, address=m(street=REDACTED, country=s("AU")))

    found = table.reconcile("--schemas", str(schemas))

    assert counted(found) == {"erased": 1, "stale": 1}
    assert named(found) == {of(C): "stale"}


@pytest.mark.parametrize("file_format", ["parquet", "avro", "iceberg"])
def test_a_field_that_a_files_schema_lacks_is_drift_and_does_not_hide_a_loss(tmp_path: Path, file_format: str) -> None:
    table = Table(tmp_path, file_format)
    schemas = with_field(tmp_path, {"name": "channel", "type": ["null", "string"], "default": None, "doc": "new"})
    table.write(A | {"channel": s("app")})
    table.write(C | {"channel": s("app")})
    table.lose(C | {"channel": s("app"), "artistName": s("another")}, "MODIFY")

    found = table.reconcile("--schemas", str(schemas))

    assert counted(found) == {"schema_drift": 1, "stale": 1}
    assert named(found) == {of(C): "stale"}


def test_a_list_that_differs_is_stale_and_no_drift(table: Table) -> None:
    event = item("event", "e", images={"L": [m(url=s("before"))]})
    table.write(event)
    table.lose(event | {"images": {"L": [m(url=s("after"))]}}, "MODIFY")

    found = table.reconcile()

    assert counted(found, "event") == {"stale": 1}
    assert [one["columns"] for one in found["items"]] == [["images"]]


def test_of_a_lake_in_two_formats_the_named_one_is_compared(parquet: Table, tmp_path: Path) -> None:
    iceberg = Table(tmp_path, "iceberg")
    iceberg.write(A)
    iceberg.items |= parquet.items

    assert named(iceberg.reconcile()) == {of(A): "missing"}
    assert named(iceberg.reconcile("--format", "iceberg")) == {of(B): "missing"}


def test_a_backfilled_lake_is_its_export(tmp_path: Path) -> None:
    full_export(tmp_path / "export", [A, B], [item("event", "e"), item("sale", "1"), item("notification", "n")])
    arguments = ["--export", str(tmp_path / "export"), "--lake", str(tmp_path / "lake")]
    result_of("backfill", *arguments, "--state", str(tmp_path / "state"))

    result = result_of("reconcile", *arguments, "--processes", "2", "--json")

    found = json.loads(result.stdout)
    assert (result.exit_code, found["unexplained"]) == (0, 0)
    assert [sum(found["types"][name].values()) for name in TYPES] == [2, 1, 1, 1]
    assert [found["types"][name]["same"] for name in TYPES] == [2, 1, 1, 1]


def test_people_see_the_classes_and_the_items(parquet: Table, tmp_path: Path) -> None:
    parquet.lose(A)
    full_export(tmp_path / "export", [A, B])

    result = result_of("reconcile", "--export", str(tmp_path / "export"), "--lake", str(parquet.lake))

    assert result.exit_code == 1
    assert "missing" in result.stdout
    assert str(of(A)) in result.stdout
    assert "a change was lost" in result.stdout
    assert "Rows of earlier changes are counted, not compared" in result.stderr
    assert "no item of the table" not in result.stderr


def test_a_table_that_shares_no_item_with_the_lake_is_probably_another_table(parquet: Table, tmp_path: Path) -> None:
    full_export(tmp_path / "export", [A])
    arguments = ["--export", str(tmp_path / "export"), "--lake", str(parquet.lake)]

    assert "no item of the table is in the lake: check --lake" in result_of("reconcile", *arguments).stderr


def test_the_sql_for_athena_is_what_is_run(parquet: Table, tmp_path: Path) -> None:
    full_export(tmp_path / "export", [B])
    arguments = ["--export", str(tmp_path / "export"), "--lake", str(parquet.lake)]

    shown = result_of("reconcile", *arguments, "--sql").stdout

    assert shown.count("FULL JOIN") == 4
    own = shown.split(";\n")[0].partition("\n")[2].replace('"exported_demand"', '"demand"')
    rows = json.loads(result_of("query", own, "--lake", str(parquet.lake), "--json").stdout)
    assert [(row["class"], row["entities"]) for row in rows] == [("same", 1)]


def test_nothing_of_the_scratch_lake_is_left(parquet: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = everything(parquet.lake)

    parquet.reconcile()
    parquet.reconcile("--scratch", str(tmp_path / "scratch"))

    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "scratch").exists()
    assert everything(parquet.lake) == before
    with pytest.raises(UserError, match="export exists: name a new folder for --scratch"):
        parquet.reconcile("--scratch", str(tmp_path / "export"))


def test_a_mistake_is_one_sentence(parquet: Table, tmp_path: Path) -> None:
    incremental_export(tmp_path / "incremental", [written(A)])
    export(tmp_path / "export", [full(A)])
    lake = ["--lake", str(parquet.lake)]
    where = ["--export", str(tmp_path / "export")]

    for arguments, sentence in [
        ([], "specify either --export or --table"),
        (
            ["--export", str(tmp_path / "incremental")],
            "is an incremental export, which lacks the items that did not change",
        ),
        ([*where, "--grace", "soon"], "'soon' is not a duration: a number and one of s, m, h, d, as in 5m"),
        ([*where, "--as-of", "soon"], "'soon' is not a time"),
        (["--table", "t", "--key", "pk"], "--key is only for an export"),
        (["--table", "t", "--sql"], "--sql of a table needs --as-of"),
    ]:
        with pytest.raises(UserError, match=sentence):
            result_of("reconcile", *lake, *arguments)
