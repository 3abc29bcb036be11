"""What a killed process leaves in a lake is removed by the next one, and never what a living one writes in."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from firehose.local.sinks import FolderSink
from firehose.local.temporary_folders import LEFT_SECONDS, remove_left, temporary_folder

HOUR = LEFT_SECONDS + 1


def dead() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def left(root: Path, process: int, where: str = "") -> Path:
    """A temporary folder with a part of an object in it."""
    here = temporary_folder(root, 1).name.partition(".dmd")[2].partition(".")[2]
    folder = root / f".dmd-writing-{process}-1.{where or here}"
    folder.mkdir(parents=True)
    (folder / "1").write_bytes(b"a part")
    return folder


def test_what_a_dead_process_left_is_gone_when_the_next_sink_is_made(tmp_path: Path) -> None:
    folder = left(tmp_path, dead())

    FolderSink(tmp_path)

    assert not folder.exists()


def test_what_a_living_process_writes_in_stays(tmp_path: Path) -> None:
    one = FolderSink(tmp_path)
    folders = [left(tmp_path, os.getpid()), left(tmp_path, 1), left(tmp_path, os.getpid(), "0" * 8)]

    remove_left(tmp_path, now_seconds=time.time() + HOUR)

    one.put("data-pipeline/a", b"a")
    assert all((folder / "1").exists() for folder in folders)


def test_what_a_process_of_elsewhere_wrote_in_stays_for_an_hour(tmp_path: Path) -> None:
    folder = left(tmp_path, dead(), "0" * 8)

    remove_left(tmp_path, now_seconds=time.time() + HOUR - 10)
    assert folder.exists()

    remove_left(tmp_path, now_seconds=time.time() + HOUR)
    assert not folder.exists()


def test_what_an_earlier_version_left_counts_as_of_elsewhere(tmp_path: Path) -> None:
    folder = left(tmp_path, dead())
    old = folder.rename(tmp_path / folder.name.rpartition(".")[0])

    remove_left(tmp_path)
    assert old.exists()

    remove_left(tmp_path, now_seconds=time.time() + HOUR)
    assert not old.exists()


@pytest.mark.parametrize(
    "name", [".dmd-writing-x-1", ".dmd-writing-", ".dmd-writing-0-1", ".dmd-writing-99999999999-1"]
)
def test_what_has_another_name_is_not_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    remove_left(tmp_path, now_seconds=time.time() + HOUR)

    assert (tmp_path / name).exists()


def test_a_sink_whose_folder_was_removed_from_elsewhere_goes_on(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    sink.put("data-pipeline/a", b"a")
    sink.close()

    sink.put("data-pipeline/b", b"b")

    assert (tmp_path / "data-pipeline/b").read_bytes() == b"b"


def test_a_lake_that_is_not_there_yet_has_nothing_left_in_it(tmp_path: Path) -> None:
    FolderSink(tmp_path / "lake")

    assert not (tmp_path / "lake").exists()
