"""A compaction that is killed anywhere, and the next one, lose nothing and leave each row once."""

import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from firehose.lake.iceberg.moved import move_tables
from firehose.lake.query.sql import query
from glue.layout import ICEBERG_CATALOG, Format, format_prefix
from tests.compacting import NOW, age, compact, counted, demand, files, run, unnamed
from tests.kills import kill, steps_of

pytestmark = pytest.mark.long

PIECES = [[demand("a"), demand("b", "2025-01-02")], [demand("c")], [demand("d"), demand("e", "2025-01-02")]]


@pytest.fixture(params=["parquet", "avro", "iceberg"])
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
    steps = steps_of(lambda: compact(whole), monkeypatch)
    assert counted(whole) == before
    lakes = [lake_at(str(step)) for step in range(1, steps + 2)]

    assert kill(lakes, "compact", *NOW) == [9] * steps + [0]

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
        assert not unnamed(lake), lake.name
    if (whole / ICEBERG_CATALOG).exists():
        assert there == {5}
    else:
        assert there - {5}, "some were killed with a target beside its sources"


def test_killed_twice_the_third_ends_it(lake_at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lake_at("whole")
    before, steps = counted(whole), steps_of(lambda: compact(whole), monkeypatch)
    first = [lake_at(f"{step}-first") for step in range(2, steps, 3)]
    kill(first, "compact", *NOW)
    again = []
    for lake, second in itertools.product(first, range(2, 16, 4)):
        copy = lake.with_name(f"{second}-after-{lake.name}")
        subprocess.run(["cp", "-a", str(lake), str(copy)], check=True)
        if (copy / ICEBERG_CATALOG).exists():
            move_tables(str(copy))
        age(copy)
        again.append(copy)

    kill(again, "compact", *NOW)

    for lake in again:
        assert set(counted(lake)) == set(before), lake.name
        age(lake)
        compact(lake)
        assert counted(lake) == before, lake.name


def test_until_its_lease_is_free_a_killed_compaction_is_left_and_reported(
    lake_at: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = lake_at("whole")
    steps = steps_of(lambda: compact(whole), monkeypatch)
    lake = lake_at(str(steps // 3))
    before = counted(lake)
    assert kill([lake], "compact", *NOW) == [9]

    counts = compact(lake)

    assert [line.partition(": ")[2] for line in counts["undone"]] == ["another job holds it"]
    assert set(counted(lake)) == set(before)


def test_a_run_after_a_kill_finds_what_it_would_put(
    lake_at: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the record and the deletions a source is both replaced and there: the run deletes it."""
    whole = lake_at("whole")
    file_format = next(one for one in Format if (whole / format_prefix(one)).exists())
    before, steps = counted(whole), steps_of(lambda: compact(whole), monkeypatch)
    lakes = [lake_at(str(step)) for step in range(1, steps + 1, 2)]
    kill(lakes, "compact", *NOW)

    for lake in lakes:
        run(lake, tmp_path, *PIECES, file_format=file_format)
        assert set(counted(lake)) == set(before), lake.name
        age(lake)
        compact(lake)
        assert counted(lake) == before, lake.name
