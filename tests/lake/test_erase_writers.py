"""Erasure beside others: commands that write, compactions, live deliveries. Nobody is erased too early."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.erasure.job import ErasureWorker
from firehose.lake.jobs.leases import acquire
from firehose.lake.jobs.open_writers import OpenWriter
from firehose.local.sinks import FolderSink
from tests.compacting import age, compact, counted, demand, files, run
from tests.erasing import NO_WAIT, data, erase, holders, states
from tests.given import s

pytestmark = pytest.mark.slow

PHONE = "+15550107301"


def of(fan: str, day: str = "2025-01-01") -> Any:
    return demand(fan, day, phoneNumber=s(f"{PHONE}-{fan}"))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    run(tmp_path / "lake", tmp_path, [of("a"), of("b")], [of("a", "2025-01-02")])
    return tmp_path / "lake"


def test_what_an_open_command_has_put_is_left_alone_and_its_subject_pending(lake: Path, tmp_path: Path) -> None:
    first, second = files(lake)
    os.utime(first, (time.time() - 60,) * 2)
    OpenWriter(FolderSink(lake), "backfill")
    os.utime(second, (time.time() + 5,) * 2)
    before = second.read_bytes()

    counts = erase(lake, tmp_path, "a", "x", options=NO_WAIT)

    assert states(counts) == (0, 2, 0), "x, too: that command has not heard of the erasure"
    assert (counts["objects"], counts["found_in_second_pass"]) == (1, 1)
    assert second.read_bytes() == before


def test_a_writer_that_began_after_the_erasure_keeps_nobody_pending(lake: Path, tmp_path: Path) -> None:
    erase(lake, tmp_path, "a")
    writer = OpenWriter(FolderSink(lake), "run")
    note = next((lake / "dmd-jobs/open").iterdir())
    note.write_text(note.read_text())
    writer._note.began_seconds = time.time() + 5
    writer._version = f"{note.stat().st_ino}-{note.stat().st_mtime_ns}"
    writer.renew()

    assert states(erase(lake, tmp_path, "a", options=NO_WAIT)) == (1, 0, 0)


def test_the_note_of_a_killed_command_counts_until_it_is_ten_minutes_old(lake: Path, tmp_path: Path) -> None:
    OpenWriter(FolderSink(lake), "run")
    erase(lake, tmp_path, "a")
    age(lake)

    erase(lake, tmp_path, "a", options=NO_WAIT)

    assert states(erase(lake, tmp_path, "a", options=NO_WAIT)) == (1, 0, 0)


def test_a_partition_that_another_job_holds_is_left_and_its_subjects_pending(lake: Path, tmp_path: Path) -> None:
    assert acquire(FolderSink(lake), "parquet/demand/2025-01-01", "compact")

    counts = erase(lake, tmp_path, "a", "b", "x", options=NO_WAIT)

    assert states(counts) == (1, 2, 0), "nothing of x is anywhere"
    assert counts["undone"] == ["parquet/demand/2025-01-01: another job holds it"]
    assert (counts["objects"], counts["found_in_second_pass"]) == (1, 1)
    age(lake)
    assert erase(lake, tmp_path, "a", "b")["undone"] == []
    assert holders(lake, PHONE) == []


def test_a_lease_that_is_lost_halfway_makes_nobody_erased(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = ErasureWorker._prepare

    def stalled(worker: Any, key: str) -> Any:
        for note in (lake / "dmd-jobs/leases").rglob("*.json"):
            note.write_text(note.read_text().replace('"owner":"', '"owner":"another-'))
        return prepare(worker, key)

    before = data(lake)
    with monkeypatch.context() as patch:
        patch.setattr(ErasureWorker, "_prepare", stalled)
        counts = erase(lake, tmp_path, "a", "b", "x", options=NO_WAIT)

    assert states(counts) == (0, 0, 3)
    assert data(lake) == before
    assert "another job has taken it over" in counts["undone"][0]


def test_objects_that_a_compaction_replaces_meanwhile_are_found_where_they_are_then(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(lake, tmp_path, [of("a"), of("c")], [of("c"), of("d")])
    whole, look, done = counted(lake), ErasureWorker._look, list[str]()

    def compacted_first(worker: Any, stored: Any, result: Any) -> Any:
        if not done:
            done.append(stored.key)
            compact(lake)
        return look(worker, stored, result)

    with monkeypatch.context() as patch:
        patch.setattr(ErasureWorker, "_look", compacted_first)
        counts = erase(lake, tmp_path, "a")

    assert holders(lake, f"{PHONE}-a") == []
    assert counts["found_in_second_pass"] == 0
    assert counted(lake).total() == whole.total()


def test_what_is_delivered_meanwhile_is_found_by_the_second_pass(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "other", tmp_path, [of("a", "2025-01-03")])
    (new,) = files(tmp_path / "other")
    work, done = ErasureWorker.work, list[int]()

    def delivered_later(worker: Any, unit: int) -> Any:
        result = work(worker, unit)
        if worker._job.redacts and not done:
            done.append(unit)
            target = lake / new.relative_to(tmp_path / "other")
            target.parent.mkdir(parents=True)
            target.write_bytes(new.read_bytes())
        return result

    with monkeypatch.context() as patch:
        patch.setattr(ErasureWorker, "work", delivered_later)
        counts = erase(lake, tmp_path, "a", options=NO_WAIT)

    assert (states(counts), counts["found_in_second_pass"]) == ((0, 1, 0), 1)
    erase(lake, tmp_path, "a")
    assert holders(lake, f"{PHONE}-a") == []


def test_of_an_object_that_cannot_be_put_only_the_subjects_have_failed(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = FolderSink.replace

    def refused(sink: FolderSink, key: str, *arguments: Any) -> str:
        if "2025-01-02" in key:
            raise OSError(28, "No space left on device", key)
        return replace(sink, key, *arguments)

    monkeypatch.setattr(FolderSink, "replace", refused)
    counts = erase(lake, tmp_path, "a", "b", "x", options=NO_WAIT)

    assert states(counts) == (1, 1, 1), "x is erased, b was found, of a something is left"
    assert "2025-01-02" in counts["undone"][0]
    assert "No space left on device" in counts["undone"][0]
    assert list((lake / "dmd-jobs/leases").rglob("*.json")) == []


def test_processes_do_what_one_does(lake: Path, tmp_path: Path) -> None:
    counts = erase(lake, tmp_path, "a", "b", options=("--processes", "2"))

    assert (counts["objects"], counts["rows"], counts["found_in_second_pass"]) == (2, 3, 0)
    assert holders(lake, PHONE) == []
