"""A backfill into Iceberg tables: the rows that a Parquet lake gets, each once, however often it is run or killed."""

import json
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.backfill.lake_loader import LakeLoader
from firehose.lake.iceberg.catalogs import folder_tables
from firehose.local.user_error import UserError
from tests.commands import result_of as dmd
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


@pytest.mark.parametrize("delivered", [1, 2])
def test_a_backfill_that_was_killed_after_it_had_committed_doubles_nothing(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivered: int
) -> None:
    into_iceberg(export, tmp_path / "whole", tmp_path / "one")
    before = LakeLoader.deliver
    done: list[int] = []

    def deliver_and_die(self: LakeLoader, *arguments: Any) -> None:
        before(self, *arguments)
        done.append(1)
        if len(done) == delivered:
            raise InterruptedError("killed")

    monkeypatch.setattr(LakeLoader, "deliver", deliver_and_die)
    with pytest.raises(InterruptedError):
        into_iceberg(export, tmp_path / "lake", tmp_path / "two")
    monkeypatch.undo()

    assert into_iceberg(export, tmp_path / "lake", tmp_path / "two").exit_code == 0
    assert all_rows(tmp_path / "lake") == all_rows(tmp_path / "whole")


def test_another_selection_is_another_backfill(export: Path, tmp_path: Path) -> None:
    into_iceberg(export, tmp_path / "lake", tmp_path / "one", "--type", "sale")

    into_iceberg(export, tmp_path / "lake", tmp_path / "two", "--type", "demand")

    assert {name: len(rows(tmp_path / "lake", name)) for name in TYPES} == {
        "demand": 3, "event": 0, "notification": 0, "sale": 1,
    }  # fmt: skip


@pytest.mark.parametrize("options", [("--processes", "2"), ("--engine", "spark")])
def test_commits_at_once_are_refused_with_what_to_do(export: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="take one commit at a time: leave out --processes and --engine"):
        into_iceberg(export, tmp_path / "lake", tmp_path / "state", *options)

    assert not (tmp_path / "lake").exists()
