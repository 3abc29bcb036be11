"""Rows that an Iceberg table refused are delivered once their table is right: into any format, each exactly once."""

import json
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.errors.replay_journal import JournalEntry, ReplayJournal
from firehose.lake.iceberg.catalogs import folder_tables
from firehose.lake.query.sql import query
from firehose.local.sinks import FolderSink
from firehose.pipeline.iceberg_tables import make_tables
from firehose.pipeline.streams import IcebergLake, local_pipeline
from glue.layout import Format
from glue.schema import load
from tests.commands import dmd
from tests.given import change, number_changes, payload, s

pytestmark = pytest.mark.slow

RECORDS = [
    change("sale", id=s("s1")),
    change("demand", fanId=s("f1")),
    change("sale", "REMOVE", id=s("s2")),
    change("demand", "REMOVE", fanId=s("f2"), phoneNumber=s("+12005550125")),
    change("event", id=s("e1")),
]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake whose tables of sales and demands were missing when their rows came."""
    place = tmp_path / "lake"
    tables = folder_tables(str(place), make=True)
    make_tables(tables, {name: one for name, one in load().items() if name not in {"sale", "demand"}})
    iceberg = IcebergLake(lambda: tables.catalog, tables.namespace, lambda _: "live")
    plane = local_pipeline(FolderSink(place), file_format=Format.ICEBERG, iceberg=iceberg)
    report = plane.run(number_changes(map(payload, RECORDS)))
    assert (report.delivered, report.failed) == (1, 4)
    return place


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, list[str]]:
    """The rows of the same changes where no table is missing."""
    place = tmp_path / "expected"
    iceberg = folder_tables(str(place), make=True)
    make_tables(iceberg, load())
    lake = IcebergLake(lambda: iceberg.catalog, iceberg.namespace, lambda _: "live")
    local_pipeline(FolderSink(place), file_format=Format.ICEBERG, iceberg=lake).run(
        number_changes(map(payload, RECORDS))
    )
    return rows(place)


def rows(place: Path) -> dict[str, list[str]]:
    tables = {name: folder_tables(str(place)).load(name) for name in ("sale", "demand", "event")}
    return {name: canonical(one.scan().to_arrow().to_pylist()) if one else [] for name, one in tables.items()}


def canonical(found: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in found)


def replay(lake: Path, *options: str) -> dict[str, Any]:
    code, printed = dmd("replay", "--lake", str(lake), "--json", *options)
    assert code == 0
    summary: dict[str, Any] = json.loads(printed)
    return summary


def test_errors_show_why_and_that_todays_code_delivers_them(lake: Path) -> None:
    _, printed = dmd("errors", "--lake", str(lake))

    assert "Iceberg.NoSuchTable" in printed
    assert "today's code delivers it: run dmd replay" in printed


def test_rows_are_delivered_as_if_their_table_had_been_there_and_once(
    lake: Path, expected: dict[str, list[str]]
) -> None:
    first, second = replay(lake), replay(lake)

    assert first["delivered"] == {"demand": 2, "sale": 2}
    assert (second["delivered"], second["skipped"]["replayed"]) == ({}, 4)
    assert rows(lake) == expected
    assert all("+12005550125" not in row for row in rows(lake)["demand"])


def test_a_dry_run_makes_no_table_and_delivers_nothing(lake: Path) -> None:
    assert replay(lake, "--dry-run")["delivered"] == {"demand": 2, "sale": 2}
    assert rows(lake)["sale"] == []


def test_later_records_first_and_earlier_ones_after_them_are_all_delivered(
    lake: Path, expected: dict[str, list[str]]
) -> None:
    """A mark that went by the error object alone would take the earlier places for delivered."""
    assert replay(lake, "--type", "demand")["delivered"] == {"demand": 2}
    assert replay(lake, "--type", "sale")["delivered"] == {"sale": 2}

    assert rows(lake) == expected


def test_they_are_delivered_into_files_too(lake: Path) -> None:
    assert replay(lake, "--format", "parquet")["delivered"] == {"demand": 2, "sale": 2}

    found = query("SELECT id, isdeleted FROM sale ORDER BY id", str(lake), file_format=Format.PARQUET)
    assert found.rows == [("s1", False), ("s2", True)]


# Two error objects, and for each an entry with the intent and one that it is done.
@pytest.mark.parametrize("is_put", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_replay_that_is_killed_at_any_entry_of_its_journal_is_finished_without_doubling(
    lake: Path, expected: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, number: int, *, is_put: bool
) -> None:
    put = ReplayJournal.put
    entries: list[JournalEntry] = []

    def put_and_die(self: ReplayJournal, entry: JournalEntry) -> None:
        entries.append(entry)
        if len(entries) < number or is_put:
            put(self, entry)
        if len(entries) == number:
            raise InterruptedError("killed")

    monkeypatch.setattr(ReplayJournal, "put", put_and_die)
    with pytest.raises(InterruptedError):
        replay(lake)
    monkeypatch.undo()

    after = replay(lake)

    assert after["unfinished"] == []
    left_an_intent = is_put == bool(number % 2)
    assert after["finished"] == (2 if left_an_intent else 0)
    assert rows(lake) == expected
