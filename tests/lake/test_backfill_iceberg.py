"""A backfill into Iceberg tables: the rows that a Parquet lake gets, each once, however often it is run or killed."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.backfill.lake_loader import LakeLoader
from firehose.lake.backfill.state import State
from firehose.lake.iceberg import staging
from firehose.lake.iceberg.catalogs import folder_tables
from firehose.lake.iceberg.staging import StagingCatalog, commit_staged
from firehose.local.faults import Fault, Faults
from firehose.local.faulty_catalog import FaultyCatalog
from firehose.local.user_error import UserError
from tests.commands import result_of as dmd
from tests.compacting import unnamed
from tests.exports import demand, full_export, item
from tests.failed import rows as parquet_rows
from tests.given import s

pytestmark = pytest.mark.slow

TYPES = ("demand", "event", "notification", "sale")
ITEMS = [demand("a", phoneNumber=s("+15550100")), demand("b", "2025-01-02"), item("sale", "1"), item("event", "2")]
MORE = [demand("c"), item("notification", "3")]


def backfill(export: Path, lake: Path, state: Path, *options: str) -> Any:
    place = ("--export", str(export), "--lake", str(lake), "--state", str(state), "--key", "pk", "--key", "sk")
    return dmd("backfill", *place, "--json", *options)


def into_iceberg(export: Path, lake: Path, state: Path, *options: str) -> Any:
    return backfill(export, lake, state, "--format", "iceberg", *options)


def rows(lake: Path, name: str) -> list[dict[str, Any]]:
    table = folder_tables(str(lake)).load(name)
    assert table is not None
    found: list[dict[str, Any]] = table.scan().to_arrow().to_pylist()
    return found


def all_rows(lake: Path) -> dict[str, list[str]]:
    return {name: canonical(rows(lake, name)) for name in TYPES}


def canonical(found: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in found)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of two data files."""
    return full_export(tmp_path / "export", ITEMS, MORE)


def test_rows_are_those_of_a_backfill_into_parquet(export: Path, tmp_path: Path) -> None:
    assert backfill(export, tmp_path / "parquet", tmp_path / "one").exit_code == 0
    result = into_iceberg(export, tmp_path / "iceberg", tmp_path / "two")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["delivered"] == {"demand": 3, "event": 1, "notification": 1, "sale": 1}
    for name in TYPES:
        expected = parquet_rows(tmp_path / "parquet", name)
        assert len(expected) > 0
        found = [
            {key: value for key, value in row.items() if key in expected[0]} for row in rows(tmp_path / "iceberg", name)
        ]
        assert canonical(found) == canonical(expected)


def test_the_same_backfill_again_adds_nothing(export: Path, tmp_path: Path) -> None:
    into_iceberg(export, tmp_path / "lake", tmp_path / "state")
    first = all_rows(tmp_path / "lake")

    assert into_iceberg(export, tmp_path / "lake", tmp_path / "state").exit_code == 0
    assert all_rows(tmp_path / "lake") == first


@pytest.mark.parametrize(
    ("dies_in", "at"),
    [
        pytest.param((LakeLoader, "deliver"), 2, id="while its workers write"),
        pytest.param((staging, "_commit"), 1, id="before the first commit"),
        pytest.param((staging, "_commit"), 3, id="between the commits of two tables"),
        pytest.param((State, "save"), 1, id="before it has noted what was committed"),
    ],
)
def test_a_backfill_that_is_killed_and_run_again_leaves_each_row_once_and_no_orphans(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_in: tuple[Any, str], at: int
) -> None:
    into_iceberg(export, tmp_path / "whole", tmp_path / "one")
    step, times = getattr(*dies_in), count(1)

    def die(*arguments: Any) -> Any:
        if next(times) == at:
            raise InterruptedError("killed")
        return step(*arguments)

    monkeypatch.setattr(*dies_in, die)
    with pytest.raises(InterruptedError):
        into_iceberg(export, tmp_path / "lake", tmp_path / "two")
    monkeypatch.undo()

    assert into_iceberg(export, tmp_path / "lake", tmp_path / "two").exit_code == 0
    assert all_rows(tmp_path / "lake") == all_rows(tmp_path / "whole")
    assert not unnamed(tmp_path / "lake")


def test_several_processes_write_what_one_does_and_the_driver_commits_once_a_table(
    export: Path, tmp_path: Path
) -> None:
    into_iceberg(export, tmp_path / "one", tmp_path / "first")
    into_iceberg(export, tmp_path / "two", tmp_path / "second", "--processes", "2")

    assert all_rows(tmp_path / "two") == all_rows(tmp_path / "one")
    tables = [folder_tables(str(tmp_path / "two")).load(name) for name in TYPES]
    assert [len(one.snapshots()) for one in tables if one] == [1, 1, 1, 1]


@pytest.mark.parametrize("fault", [Fault.ICEBERG_CONFLICT, Fault.ICEBERG_UNKNOWN])
def test_a_commit_that_is_refused_or_unknown_is_tried_again(export: Path, tmp_path: Path, fault: Fault) -> None:
    into_iceberg(export, tmp_path / "lake", tmp_path / "state")
    place, faults = folder_tables(str(tmp_path / "lake")), Faults([(fault, 2)])
    staged = StagingCatalog(place.catalog, "another")
    rows_of_sale = rows(tmp_path / "lake", "sale")
    sale = staged.load_table(place.identifier("sale"))
    with sale.transaction() as transaction:
        transaction.append(sale.scan().to_arrow())
        transaction.set_properties({"dmd.checkpoint.x": "1"})

    commit_staged(FaultyCatalog(place.catalog, faults), staged.staged)  # type: ignore[arg-type]
    commit_staged(place.catalog, staged.staged)

    assert canonical(rows(tmp_path / "lake", "sale")) == canonical(rows_of_sale * 2)


def test_another_selection_is_another_backfill(export: Path, tmp_path: Path) -> None:
    into_iceberg(export, tmp_path / "lake", tmp_path / "one", "--type", "sale")

    into_iceberg(export, tmp_path / "lake", tmp_path / "two", "--type", "demand")

    assert {name: len(rows(tmp_path / "lake", name)) for name in TYPES} == {
        "demand": 3, "event": 0, "notification": 0, "sale": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--export", "e", "--engine", "spark"), "cannot reach the Iceberg catalog of a folder"),
        (("--table", "t", "--processes", "2"), "a scan into Iceberg tables commits as it goes"),
    ],
)
def test_what_cannot_share_a_catalog_is_refused(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    with pytest.raises(UserError, match=told):
        dmd("backfill", "--lake", str(tmp_path / "lake"), "--format", "iceberg", *options)

    assert not (tmp_path / "lake").exists()
