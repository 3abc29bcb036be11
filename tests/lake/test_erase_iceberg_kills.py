"""An erasure in Iceberg tables that is killed, or whose call fails, breaks no table, and the next one does the rest."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO

from firehose.lake.iceberg.moved import move_tables
from firehose.local.sinks import FolderSink
from tests.compacting import age
from tests.erased_tables import PHONE, fill, table_files, table_of, table_rows
from tests.erasing import NO_WAIT, erase, holders, reports, states
from tests.kills import kill, steps_of

pytestmark = pytest.mark.long


@pytest.fixture
def lake_at(tmp_path: Path) -> Callable[[str], Path]:
    """Makes the same lake in a folder of a name."""
    made = tmp_path / "made"
    fill(made, tmp_path)

    def make(name: str) -> Path:
        shutil.copytree(made, tmp_path / name)
        move_tables(str(tmp_path / name))
        return tmp_path / name

    return make


def is_listed_erased(lake: Path) -> bool:
    entries = [json.loads(path.read_bytes()) for path in (lake / "dmd-jobs/erased/subjects").glob("*.json")]
    return any(entry["erased_micros"] for entry in entries)


def check_rest_is_done(lake: Path, folder: Path, rows: list[dict[str, Any]], files: int) -> None:
    """Check that the table can be read and nobody is erased, and that the next erasure does the rest."""
    assert [row["fanid"] for row in table_rows(lake)] == [row["fanid"] for row in rows], lake.name
    assert not is_listed_erased(lake), lake.name
    age(lake)
    erase(lake, folder, "a", options=NO_WAIT)
    assert holders(lake, f"{PHONE}-a") == [], lake.name
    assert table_rows(lake) == rows, lake.name
    assert states(erase(lake, folder, "a", options=NO_WAIT)) == (1, 0, 0), lake.name
    assert len(table_files(lake)) == files, lake.name
    assert [path for name in ("leases", "unfinished") for path in (lake / "dmd-jobs" / name).rglob("*.json")] == []


def test_killed_at_any_step_the_next_does_the_rest(
    lake_at: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ids").write_text("a\n")
    whole = lake_at("whole")
    steps = steps_of(lambda: erase(whole, tmp_path, "a"), monkeypatch)
    rows, files, told = table_rows(whole), len(table_files(whole)), reports(whole)
    assert len(table_of(whole).snapshots()) == 1
    lakes = [lake_at(str(step)) for step in range(1, steps + 2)]

    codes = kill(lakes, "erase", "--subjects", str(tmp_path / "ids"), *NO_WAIT)

    # Here, in the process of other specifications, temporary files of theirs may be removed meanwhile: further steps.
    assert (codes, codes[-1]) == (sorted(codes, reverse=True), 0)
    assert codes.count(9) > 30

    for lake in lakes:
        check_rest_is_done(lake, tmp_path, rows, files)
        assert reports(lake) == told, lake.name


# What an erasure calls of the catalog, of PyIceberg's files, and of the lake.
CALLS: list[tuple[Any, str]] = [
    (SqlCatalog, "load_table"),
    (SqlCatalog, "commit_table"),
    (PyArrowFileIO, "new_input"),
    (PyArrowFileIO, "new_output"),
    (FolderSink, "put"),
    (FolderSink, "put_if"),
    (FolderSink, "read"),
    (FolderSink, "delete_if"),
]


@pytest.mark.parametrize(("owner", "name"), CALLS, ids=[name for _, name in CALLS])
def test_whichever_call_fails_no_table_breaks_and_the_next_does_the_rest(
    lake_at: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    call, made = getattr(owner, name), 0

    def failing_at(number: int) -> Any:
        def failing(*arguments: Any, **named: Any) -> Any:
            nonlocal made
            made += 1
            if made == number:
                raise PermissionError(13, os.strerror(13), "a file")
            return call(*arguments, **named)

        return failing

    def attempt(lake: Path, number: int) -> None:
        nonlocal made
        made = 0
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, failing_at(number))
            with suppress(PermissionError):  # of the list or of the report: said as it is
                assert states(erase(lake, tmp_path, "a", options=NO_WAIT)) != (1, 0, 0)

    whole = lake_at("whole")
    attempt(whole, 0)
    rows, files, calls = table_rows(whole), len(table_files(whole)), made
    assert calls > 0

    for number in range(1, calls + 1, 1 + calls // 25):
        lake = lake_at(f"{number}")
        attempt(lake, number)
        check_rest_is_done(lake, tmp_path, rows, files)
        shutil.rmtree(lake)
