"""Runs over files A, B, A, B into Iceberg tables, each killed at any step: every row is there once, every error too."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.expressions import AlwaysTrue
from sqlalchemy.orm import Session

from firehose.local.data_plane import DataPlane
from firehose.local.iceberg_catalogs import _PrivateFile, folder_catalog
from firehose.local.local_stream import LocalStream
from firehose.local.sinks import FolderSink
from firehose.local.sources.files import file_records
from firehose.local.sources.source_names import named_by_records
from tests.iceberg_streams import catalog_in, ids, route
from tests.kills import each_step
from tests.stream_requests import calling, iceberg

pytestmark = pytest.mark.long

TABLES = ("db.orders", "db.sales")
KILLED = 9


def lines(name: str) -> list[dict[str, Any]]:
    """Nine rows, two or three a batch, of which one does not fit; and one that is dropped."""
    rows: list[dict[str, Any]] = [
        {"row": {"id": f"{name}{number}"}, "to": TABLES[number % 2], "pad": "x" * 60_000} for number in range(9)
    ]
    rows[3]["row"]["qty"] = "many"
    return [*rows, {"result": "Dropped"}]


def work(folder: Path, name: str) -> None:
    """A run over one file, in three flushes or so."""
    paths = [str(folder / f"{name}.jsonl")]
    with closing(folder_catalog(folder / "tables")) as catalog:
        request = iceberg(calling(BufferSizeInMBs="0.2", BufferIntervalInSeconds="0"))
        local = LocalStream(request, function=route, catalog=lambda: catalog)
        sink, source_of = FolderSink(folder / "bucket"), named_by_records(file_records(paths))
        plane = DataPlane([local], sink, memory_bytes=1000, source_of=source_of)
        report = plane.run(file_records(paths))
    assert report.adds_up


STEPS = ((_PrivateFile, "create"), (Session, "commit"), (os, "replace"))


def kill_each(*folders: str) -> None:
    """In a process of its own, for each folder: runs A, B, A, B, each killed at the step that the folder is named
    after, then whole; then expires the snapshots. Says after each run whether it died, and the rows that are there.
    """
    for folder in map(Path, folders):
        for name in "ABAB":
            died = _child(partial(_run_killed, folder, name))
            after = _child(partial(_say_rows, folder, died=died == KILLED))
            whole = _child(partial(_run_whole, folder, name))
            assert (after, whole) == (0, 0)


def _child(run: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            run()
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run_killed(folder: Path, name: str) -> None:
    each_step(STEPS, lambda number: os._exit(KILLED) if number == int(folder.name) else None)
    work(folder, name)


def _say_rows(folder: Path, *, died: bool) -> None:
    os.write(1, json.dumps([died, rows(folder)]).encode() + b"\n")


def _run_whole(folder: Path, name: str) -> None:
    work(folder, name)
    _say_rows(folder, died=False)
    expire(folder)


def kill(folders: list[Path]) -> list[tuple[bool, list[str]]]:
    code = "import sys; from tests.local.test_iceberg_kills import kill_each; kill_each(*sys.argv[1:])"
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    return [(died, there) for died, there in map(json.loads, done.stdout.splitlines())]


def made(folder: Path) -> Path:
    folder.mkdir()
    for name in "AB":
        text = "".join([json.dumps(line) + "\n" for line in lines(name)])
        (folder / f"{name}.jsonl").write_text(text)
    with closing(catalog_in(folder / "tables", *TABLES)):
        return folder


def rows(folder: Path) -> list[str]:
    with closing(folder_catalog(folder / "tables")) as catalog:
        return ids([row for name in TABLES for row in catalog.load_table(name).scan().to_arrow().to_pylist()])


def errors(folder: Path) -> list[str]:
    objects = [path for path in (folder / "bucket").rglob("*") if path.is_file()]
    return sorted(json.loads(line)["EventId"] for path in objects for line in path.read_text().splitlines())


def expire(folder: Path) -> None:
    """Keeps the last snapshot of each table only."""
    with closing(folder_catalog(folder / "tables")) as catalog:
        for name in TABLES:
            table = catalog.load_table(name)
            table.maintenance.expire_snapshots().older_than(datetime.now(UTC)).commit()
            assert len(catalog.load_table(name).snapshots()) == 1
            assert catalog.load_table(name).scan(AlwaysTrue()).count()


EXPECTED = {
    name: sorted(line["row"]["id"] for line in lines(name) if "qty" not in line.get("row", {"qty": 0})) for name in "AB"
}


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> int:
    folder = made(tmp_path_factory.mktemp("whole") / "lake")
    taken: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        each_step(STEPS, taken.append, patch.setattr)
        work(folder, "A")
    assert rows(folder) == EXPECTED["A"]
    assert len(errors(folder)) == 1
    with closing(folder_catalog(folder / "tables")) as catalog:
        assert all(len(catalog.load_table(name).snapshots()) >= 2 for name in TABLES), "several flushes"
    return len(taken)


def test_files_each_killed_at_any_step_give_each_row_once(steps: int, tmp_path: Path) -> None:
    folders = [made(tmp_path / str(at)) for at in range(1, steps + 2)]

    found = kill(folders)

    died = 0
    for folder in folders:
        expected: list[str] = []
        for name in "ABAB":
            (was_killed, between), (_, after) = found.pop(0), found.pop(0)
            died += was_killed
            assert len(between) == len(set(between)), folder.name
            assert set(expected) <= set(between) <= {*expected, *EXPECTED[name]}
            expected = sorted({*expected, *EXPECTED[name]})
            assert after == expected, folder.name
        assert len(errors(folder)) == len(set(errors(folder))) == 2
    assert died >= 2 * steps, "A and B died at every step; a second time they have few"


def test_two_files_of_one_name_and_other_content_give_both(tmp_path: Path) -> None:
    folder = made(tmp_path / "lake")
    work(folder, "A")
    (folder / "A.jsonl").write_bytes((folder / "B.jsonl").read_bytes())
    work(folder, "A")

    assert rows(folder) == sorted([*EXPECTED["A"], *EXPECTED["B"]])


def test_a_file_that_grew_is_another(tmp_path: Path) -> None:
    """Its lines are another source: what was there already is there twice, as after any replay."""
    folder = made(tmp_path / "lake")
    work(folder, "A")
    with (folder / "A.jsonl").open("a") as file:
        file.write(json.dumps({"row": {"id": "new"}, "to": TABLES[0]}) + "\n")
    work(folder, "A")

    assert len(rows(folder)) == 2 * len(EXPECTED["A"]) + 1
