"""A compaction that is killed anywhere, and the next one, lose nothing and leave each row once."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from firehose.lake.query.sql import query
from tests.commands import result_of
from tests.compacting import NOW, age, compact, counted, demand, files, run
from tests.kills import each_step

pytestmark = pytest.mark.long

# A put and a deletion are made of these; nothing else changes what the next compaction finds.
STEPS = ("replace", "unlink")

PIECES = [[demand("a"), demand("b", "2025-01-02")], [demand("c")], [demand("d"), demand("e", "2025-01-02")]]


def kill_each(*lakes: str) -> None:
    """In a process of its own: forks a child for each lake, which dies at the step that the lake is named after."""
    import firehose.lake.compact.run  # noqa: F401, PLC0415 - once, and not in each child

    children = []
    for lake in map(Path, lakes):
        child = os.fork()
        if child == 0:
            dies_at = int(lake.name.partition("-")[0])
            each_step(STEPS, lambda number, at=dies_at: os._exit(9) if number == at else None)  # type: ignore[misc]
            try:
                result_of("compact", "--lake", str(lake), *NOW)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")


def kill(lakes: list[Path]) -> list[int]:
    """Compacts each lake, killed at its step; the exit codes."""
    code = "import sys; from tests.lake.test_compact_kills import kill_each; kill_each(*sys.argv[1:])"
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, lakes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    return [int(line) for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]


def steps_of(lake: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    taken: list[int] = []
    with monkeypatch.context() as patch:
        each_step(STEPS, taken.append, patch.setattr)
        compact(lake)
    return len(taken)


@pytest.fixture(params=["parquet", "avro"])
def lake_at(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Path]:
    """Makes the same lake in a folder of a name."""

    def make(name: str) -> Path:
        run(tmp_path / name, tmp_path, *PIECES, file_format=request.param)
        return tmp_path / name

    return make


def test_killed_at_any_step_nothing_is_lost_and_the_next_leaves_each_row_once(
    lake_at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lake_at("whole")
    before = counted(whole)
    steps = steps_of(whole, monkeypatch)
    assert counted(whole) == before
    lakes = [lake_at(str(step)) for step in range(1, steps + 2)]

    assert kill(lakes) == [9] * steps + [0]

    there = set()
    for lake in lakes:
        now = counted(lake)
        there.add(now.total())
        assert set(now) == set(before), f"a row is lost in {lake.name}"
        assert query("SELECT count(*) FROM latest_demand", str(lake)).rows == [(5,)], lake.name
        age(lake)
        compact(lake, "--processes", "1")
        assert counted(lake) == before, lake.name
        assert len(files(lake)) == 2, lake.name
        assert list((lake / "dmd-jobs/leases").rglob("*.json")) == []
        assert [path.name for path in lake.iterdir() if path.name.startswith(".firehose")] == []
    assert there - {5}, "some were killed with a target beside its sources"


def test_killed_twice_the_third_ends_it(lake_at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lake_at("whole")
    before, steps = counted(whole), steps_of(whole, monkeypatch)
    first = [lake_at(f"{step}-first") for step in range(2, steps, 3)]
    kill(first)
    again = []
    for lake, second in itertools.product(first, range(2, 16, 4)):
        copy = lake.with_name(f"{second}-after-{lake.name}")
        subprocess.run(["cp", "-a", str(lake), str(copy)], check=True)
        age(copy)
        again.append(copy)

    kill(again)

    for lake in again:
        assert set(counted(lake)) == set(before), lake.name
        age(lake)
        compact(lake)
        assert counted(lake) == before, lake.name


def test_until_its_lease_is_free_a_killed_compaction_is_left_and_reported(
    lake_at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = steps_of(lake_at("whole"), monkeypatch)
    lake = lake_at(str(steps // 3))
    before = counted(lake)
    assert kill([lake]) == [9]

    counts = compact(lake)

    assert [line.partition(": ")[2] for line in counts["undone"]] == ["another job holds it"]
    assert set(counted(lake)) == set(before)


def test_a_run_after_a_kill_finds_what_it_would_put(
    lake_at: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the record and the deletions a source is both replaced and there: the run deletes it."""
    whole = lake_at("whole")
    file_format = files(whole)[0].suffix[1:]
    before, steps = counted(whole), steps_of(whole, monkeypatch)
    lakes = [lake_at(str(step)) for step in range(1, steps + 1, 2)]
    kill(lakes)

    for lake in lakes:
        run(lake, tmp_path, *PIECES, file_format=file_format)
        assert set(counted(lake)) == set(before), lake.name
        age(lake)
        compact(lake)
        assert counted(lake) == before, lake.name
