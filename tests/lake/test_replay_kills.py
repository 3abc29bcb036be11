"""A replay that is killed anywhere and started again loses nothing and doubles nothing."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from firehose.cli.app import app
from firehose.lake.errors.replay_journal import JournalEntry
from firehose.local.user_error import UserError
from tests.failed import CRASHED, FIREHOSE, NAME, error_object, failed, fans, rows
from tests.given import change, m, s

pytestmark = pytest.mark.long

# Forks a child for every place to be killed at, because the imports of a process take longer than all of them.
KILLER = """
import os, sys
import firehose.cli.app
from firehose.cli import run_dmd
from firehose.local.sinks import FolderSink

put, count = FolderSink.put, 0

def killed(lake, at, before):
    def counted(sink, key, *arguments, **named):
        global count
        count += not key.startswith("dmd-jobs/open/")  # the note says that a replay is running, and no more
        if before and count == at:
            os._exit(9)
        put(sink, key, *arguments, **named)
        if not before and count == at:
            os._exit(9)
    FolderSink.put = counted
    sys.argv = ["dmd", "replay", "--lake", lake, *sys.argv[2:]]
    try:
        run_dmd()
    finally:
        os._exit(0)

children = []
for lake in sys.argv[1].split(","):
    at, when = lake.rpartition("/")[2].split("-")
    child = os.fork()
    if child == 0:
        killed(lake, int(at), when == "before")
    children.append(child)
for child in children:
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def demand(fan: str, day: int) -> dict[str, Any]:
    return change(fanId=s(fan), date=m(requested=s(f"2025-01-0{day}T10:00:00Z")))


def failed_lake(lake: Path) -> None:
    """Two error objects; the first has rows of two days and what still fails, the second a row twice."""
    first = [demand("a", 1), demand("b", 2), change(fanId={"N": "1"}), demand("c", 1)]
    error_object(lake, *(failed(one, CRASHED) for one in first))
    error_object(lake, failed(demand("d", 1)), failed(demand("d", 1)), kind="format-conversion-failed")


def kill(lakes: Sequence[Path], *options: str) -> list[int]:
    """Replays each lake, killed at the put that its folder is named after; the exit codes."""
    command = [sys.executable, "-W", "ignore", "-c", KILLER, ",".join(map(str, lakes)), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.splitlines() if line.isdigit()]


def replay(lake: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["replay", "--lake", str(lake), "--json", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


# Entry, object, entry of the second error object (first by key); entry, two objects, entry of the first.
PUTS = 7


def test_a_replay_killed_before_or_after_any_put_delivers_every_row_once(tmp_path: Path) -> None:
    failed_lake(tmp_path / "whole")
    replay(tmp_path / "whole")
    expected = rows(tmp_path / "whole")
    assert Counter(row["fanid"] for row in expected) == {"a": 1, "b": 1, "c": 1, "d": 2}
    lakes = [tmp_path / f"{at}-{when}" for at in range(1, PUTS + 2) for when in ("before", "after")]
    for lake in lakes:
        failed_lake(lake)

    codes = kill(lakes)

    assert codes == [9] * 2 * PUTS + [0, 0]
    seen = set()
    for lake in lakes:
        seen.add(len(fans(lake)))
        summary = replay(lake)
        assert rows(lake) == expected, lake.name
        assert summary["unfinished"] == []
    assert seen == {0, 2, 4, 5}, "some were killed with rows of an object in the lake, and without its entry"


@pytest.mark.parametrize(("killed", "there"), [("1-after", 0), ("2-after", 2)])
def test_an_intent_is_finished_whatever_is_selected_now(tmp_path: Path, killed: str, there: int) -> None:
    lake = tmp_path / killed
    failed_lake(lake)
    assert kill([lake]) == [9]
    assert fans(lake) == ["d", "d"][:there]

    would, did = replay(lake, "--type", "sale", "--dry-run"), replay(lake, "--type", "sale")

    assert (would["finished"], did["finished"]) == (2, 2)
    assert did["skipped"] == {"filtered": 4, "replayed": 2, "other_streams": 0, "written": 0}
    assert fans(lake) == ["d", "d"]
    replay(lake)
    assert fans(lake) == ["a", "b", "c", "d", "d"]


def test_a_replay_killed_while_it_finishes_another_is_finished_by_the_next(tmp_path: Path) -> None:
    first = tmp_path / "first" / "1-after"
    failed_lake(first)
    assert kill([first]) == [9]
    lakes = [tmp_path / second for second in ("1-before", "1-after", "2-before", "2-after")]
    for lake in lakes:
        shutil.copytree(first, lake)

    assert kill(lakes, "--type", "sale") == [9] * 4

    for lake in lakes:
        replay(lake)
        assert fans(lake) == ["a", "b", "c", "d", "d"]


def test_an_intent_of_a_selection_is_finished_without_the_selection(tmp_path: Path) -> None:
    lake = tmp_path / "1-after"
    failed_lake(lake)
    assert kill([lake], "--reason", CRASHED) == [9]

    replay(lake)
    replay(lake)

    assert fans(lake) == ["a", "b", "c", "d", "d"]


def leave_intent(lake: Path, **keys: bool) -> Path:
    """Leave an intent of other code: objects for each day of the first error object, whose key is there or not."""
    replay(lake, "--reason", CRASHED)
    key = f"{FIREHOSE}/processing-failed/dmnd-demand-{NAME}"
    entries = (lake / "dmd-replay").glob("*.json")
    path = next(
        path for path in entries if msgspec.json.decode(path.read_bytes(), type=JournalEntry).error_object == key
    )
    planned = []
    for day, places in (("01", [0, 3]), ("02", [1])):
        prefix = f"data-pipeline/parquet/demand/partition_date=2025-01-{day}/"
        (mine,) = (lake / prefix).iterdir()
        other = mine.rename(mine.with_name(f"other-{day}.parquet"))
        if not keys[f"day{day}"]:
            other.unlink()
        planned.append({"prefix": prefix, "keys": [f"{prefix}{other.name}"], "places": places})
    path.write_text(json.dumps({"error_object": key, "file_format": "parquet", "intent": planned}))
    return path


@pytest.mark.parametrize("there", [{"day01": a, "day02": b} for a in (True, False) for b in (True, False)], ids=str)
def test_an_intent_of_other_code_is_settled_by_the_objects_in_the_lake(tmp_path: Path, there: dict[str, bool]) -> None:
    failed_lake(tmp_path)
    leave_intent(tmp_path, **there)

    summary = replay(tmp_path)

    assert summary["finished"] == 2 * there["day01"] + there["day02"]
    assert fans(tmp_path) == ["a", "b", "c", "d", "d"]


def test_a_partition_that_other_code_left_half_put_stops_a_replay(tmp_path: Path) -> None:
    failed_lake(tmp_path)
    entry = leave_intent(tmp_path, day01=True, day02=True)
    entry.write_text(entry.read_text().replace('"keys": [', '"keys": ["missing", '))

    with pytest.raises(UserError, match="by another version of dmd was interrupted"):
        replay(tmp_path)
