"""A backfill that is killed anywhere and started again loses nothing, and in a lake doubles nothing."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws

import firehose.local.kinesis_writer
from firehose.lake.backfill import run as backfill
from firehose.lake.backfill import stream_loader, table_scan
from firehose.lake.backfill.lake_loader import LakeLoader
from firehose.local.user_error import UserError
from tests.exports import SMALL, TABLE, backfilled, demand, full_export, incremental_export, item, make_table, written
from tests.failed import everything, fans, rows
from tests.fakes import failing
from tests.given import Attributes, s
from tests.kills import each_step

pytestmark = pytest.mark.long

# A put, a checkpoint and a removal are made of these; nothing else changes what the next run finds.
STEPS = ((os, "replace"), (os, "unlink"), (os, "rmdir"))

ID = {"TableId": "9ee3fc41-8c46-4a8a-8e1f-c5d0b8b3d6f0"}

FILES = [[demand("a"), demand("b", "2025-01-02"), demand("c")], [item("sale", "1")]]


def die_at(step: int) -> None:
    each_step(STEPS, lambda number: os._exit(9) if number == step else None)


def work(kind: str, folder: Path) -> None:
    """The backfill of a kind, from and into a folder's."""
    if kind == "table":
        backfilled(TABLE, folder / "lake", folder / "state", is_table=True, segments=1, **SMALL)
    elif kind == "stream":
        backfilled(folder.parent / "export", "kinesis://dmnd", folder / "state", is_stream=True, **SMALL)
    else:
        backfilled(folder.parent / "export", folder / "lake", folder / "state", file_format=kind, **SMALL)


class FileStream:
    """Kinesis as a file, so that what a killed process sent is not lost with it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> Any:  # noqa: N803 - boto3's
        assert StreamName == "dmnd"
        with self._path.open("ab") as file:
            file.write(b"".join(one["Data"] + b"\n" for one in Records))
        # A call takes a step: to be killed after it was answered and before that was noted is the next one.
        self._path.replace(self._path)
        return {"Records": [{} for _ in Records]}


def use_file_stream(path: Path, put: Any = setattr) -> None:
    put(firehose.local.kinesis_writer, "_client", lambda _where: FileStream(path))
    put(firehose.local.kinesis_writer, "CALL_RECORDS", 2)
    put(stream_loader, "CALL_RECORDS", 2)
    put(backfill, "check_stream", lambda _stream: None)


def use_one_client(put: Any = setattr) -> None:
    """To make one takes longer than all that a test does with it."""
    client = boto3.client("dynamodb")
    # The same table in every process, which moto makes anew.
    client.meta.events.register("after-call.dynamodb.DescribeTable", lambda parsed, **_: parsed["Table"].update(ID))
    put(table_scan, "_client", lambda: client)


def kill_each(kind: str, *folders: str) -> None:
    """In a process of its own: forks a child for each folder, which dies at the step that the folder is named after."""
    if kind == "table":
        mock_aws().start()
        make_table(*TABLE_ITEMS)
        use_one_client()
    children = []
    for folder in map(Path, folders):
        child = os.fork()
        if child == 0:
            use_file_stream(folder / "stream")
            die_at(int(folder.name))
            try:
                work(kind, folder)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")


def kill(kind: str, folders: list[Path]) -> list[int]:
    """Runs the backfill in each folder, killed at its step; the exit codes."""
    for folder in folders:
        folder.mkdir()
    code = "import sys; from tests.lake.test_backfill_kills import kill_each; kill_each(*sys.argv[1:])"
    command = [sys.executable, "-W", "ignore", "-c", code, kind, *map(str, folders)]
    root = Path(__file__).parents[2]
    environment = os.environ | {"AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=environment)
    return [int(line) for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]


def steps_of(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Works without a kill; how many steps that took."""
    folder.mkdir()
    taken: list[int] = []
    with monkeypatch.context() as patch:
        each_step(STEPS, taken.append, patch.setattr)
        work(kind, folder)
    return len(taken)


def data_of(folder: Path) -> dict[str, str]:
    return everything(folder / "lake" / "data-pipeline")


@pytest.mark.parametrize(("kind", "files"), [("parquet", FILES), ("avro", FILES[:1])])
def test_an_export_killed_at_any_step_leaves_the_same_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, files: list[list[Attributes]]
) -> None:
    full_export(tmp_path / "export", *files)
    steps = steps_of(kind, tmp_path / "whole", monkeypatch)
    folders = [tmp_path / f"{number}" for number in range(1, steps + 2)]

    assert kill(kind, folders) == [9] * steps + [0]

    there = set()
    for folder in folders:
        there.add(len(data_of(folder)))
        work(kind, folder)
        assert data_of(folder) == data_of(tmp_path / "whole"), folder.name
        left = [path.name for path in folder.iterdir() if path.name != "lake"]
        assert left == [], "personal data of a state"
    assert there == set(range(len(data_of(tmp_path / "whole")) + 1)), (
        "some were killed with some of the objects in the lake"
    )


NAMES = ["a", "b", "c"]
TABLE_ITEMS = [demand(name) for name in NAMES]
# The same items later: what a killed run read must not come twice, as it was and as it is.
CHANGED = [one | {"phoneNumber": s("+15550100")} for one in TABLE_ITEMS]


def test_a_killed_scan_of_a_table_that_changed_has_each_item_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        make_table(*TABLE_ITEMS)
        use_one_client(monkeypatch.setattr)
        steps = steps_of("table", tmp_path / "whole", monkeypatch)
    folders = [tmp_path / f"{number}" for number in range(1, steps + 2)]

    assert kill("table", folders) == [9] * steps + [0]

    versions = Counter[int]()
    with mock_aws():
        make_table(*CHANGED)
        use_one_client(monkeypatch.setattr)
        for folder in folders:
            # Run again when it is done, it would scan again, at another time: those rows would be later changes.
            if (folder / "state").exists() or not fans(folder / "lake"):
                work("table", folder)
            assert fans(folder / "lake") == NAMES, folder.name
            # All at the time at which the first run began.
            assert len({row["change"]["at"] for row in rows(folder / "lake")}) == 1
            versions[len({row["phonenumber"] for row in rows(folder / "lake")})] += 1
    assert versions[2] > 0, "some went on with items as they are now"


def test_a_scans_chunk_that_was_read_is_delivered_as_it_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(), monkeypatch.context() as patch:
        make_table(demand("a"))
        use_one_client(patch.setattr)
        patch.setattr(LakeLoader, "deliver", failing(error=UserError("full")))
        with pytest.raises(UserError, match="full"):
            work("table", tmp_path)
    with mock_aws():
        make_table(demand("a", phoneNumber=s("+15550100")))
        use_one_client(monkeypatch.setattr)
        work("table", tmp_path)

    assert [row["phonenumber"] for row in rows(tmp_path / "lake")] == [None]


def sent(folder: Path) -> list[tuple[str, str]]:
    """The date and the fan of each record in the stream, in order."""
    if not (folder / "stream").exists():
        return []
    images = [
        msgspec.json.decode(line)["dynamodb"]["NewImage"] for line in (folder / "stream").read_bytes().splitlines()
    ]
    return [(one["date"]["M"]["requested"]["S"][:10], one["fanId"]["S"]) for one in images]


def test_a_stream_killed_at_any_step_gets_every_item_and_one_call_twice_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [[demand(name, f"2025-01-0{day}") for name, day in file] for file in (("a3", "b1", "c3"), ("d1", "e1"))]
    full_export(tmp_path / "export", *files)
    with monkeypatch.context() as patch:
        use_file_stream(tmp_path / "whole" / "stream", patch.setattr)
        steps = steps_of("stream", tmp_path / "whole", monkeypatch)
    assert [day for day, _ in sent(tmp_path / "whole")] == [f"2025-01-0{day}" for day in (1, 1, 1, 3, 3)]
    folders = [tmp_path / f"{number}" for number in range(1, steps + 2)]

    assert kill("stream", folders) == [9] * steps + [0]

    for folder in folders:
        if not sent(folder) or (folder / "state").exists():
            with monkeypatch.context() as patch:
                use_file_stream(folder / "stream", patch.setattr)
                work("stream", folder)
        found = sent(folder)
        assert set(found) == set(sent(tmp_path / "whole")), folder.name
        assert len(found) <= 5 + 2, folder.name
        assert [day for day, _ in found] == sorted(day for day, _ in found)


def test_an_incremental_export_killed_between_two_processes_is_one_lake(tmp_path: Path) -> None:
    """The number of processes is no part of a job: the next run may have more or fewer."""
    home = incremental_export(tmp_path / "export", *([written(demand(f"{file}"))] for file in range(3)))
    data = home.parent / "data"
    last = sorted(data.iterdir())[-1]
    whole = last.read_bytes()
    last.write_bytes(whole[:-1])
    with pytest.raises(Exception, match="is damaged"):
        backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", **SMALL)
    last.write_bytes(whole)

    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", processes=2, **SMALL)

    assert fans(tmp_path / "lake") == ["0", "1", "2"]
