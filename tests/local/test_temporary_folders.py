"""What a killed process leaves in a lake is removed by the next one, and never what a living one writes in."""

import subprocess
import sys
import threading
from pathlib import Path

from firehose.local.sinks import FolderSink
from firehose.local.temporary_folders import TemporaryFolder, remove_left

# A process that writes a part of an object into the lake, says so, and lives until its input ends.
WRITER = """
import sys
from pathlib import Path
from firehose.local.temporary_folders import TemporaryFolder
(TemporaryFolder(Path(sys.argv[1])).path() / "1").write_bytes(b"a part")
print("written", flush=True)
sys.stdin.read()
"""


def writing(root: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"written\n"
    return process


def kill(process: "subprocess.Popen[bytes]") -> None:
    with process:
        process.kill()


def parts(root: Path) -> list[Path]:
    return list(root.glob(".dmd-writing-*/1"))


def test_what_a_killed_process_left_is_gone_when_the_next_sink_is_made(tmp_path: Path) -> None:
    kill(writing(tmp_path))
    assert len(parts(tmp_path)) == 1

    FolderSink(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_what_a_living_process_writes_in_stays(tmp_path: Path) -> None:
    process = writing(tmp_path)
    own = TemporaryFolder(tmp_path)
    (own.path() / "1").write_bytes(b"a part")

    FolderSink(tmp_path).put("data-pipeline/a", b"a")

    assert len(parts(tmp_path)) == 2
    kill(process)


def test_what_an_earlier_version_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".dmd-writing-4711-1.5f2cd0e0"
    left.mkdir()
    (left / "1").write_bytes(b"a part")

    remove_left(tmp_path)

    assert not left.exists()


def test_a_link_of_such_a_name_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "1").write_bytes(b"not ours")
    (tmp_path / ".dmd-writing-x").symlink_to(elsewhere)

    remove_left(tmp_path)

    assert (elsewhere / "1").exists()


def test_a_folder_is_private_to_its_user(tmp_path: Path) -> None:
    folder = TemporaryFolder(tmp_path)

    assert [path.stat().st_mode & 0o077 for path in (folder.path(), *folder.path().iterdir())] == [0, 0]


def test_a_sink_that_was_closed_goes_on(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    sink.put("data-pipeline/a", b"a")
    sink.close()

    sink.put("data-pipeline/b", b"b")

    assert (tmp_path / "data-pipeline/b").read_bytes() == b"b"


def test_a_folder_that_another_process_removes_before_it_is_locked_is_made_again(tmp_path: Path) -> None:
    """Processes that start together make, lock and remove at the same time."""
    made: list[TemporaryFolder] = []

    def start() -> None:
        for _ in range(50):
            folder = TemporaryFolder(tmp_path)
            remove_left(tmp_path)
            (folder.path() / "1").write_bytes(b"a part")
            made.append(folder)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(parts(tmp_path)) == len(made) == 200
    for folder in made:
        folder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_lake_that_is_not_there_yet_has_nothing_left_in_it(tmp_path: Path) -> None:
    FolderSink(tmp_path / "lake")

    assert not (tmp_path / "lake").exists()
