"""What is written is private to its user, and an environment variable widens it; nothing is written through a link."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from firehose.local.private_files import SHARED, make_folder, write_file
from firehose.local.sinks import FolderSink
from firehose.local.sources.checkpoints import Checkpoints, save_checkpoints
from firehose.local.user_error import UserError

KEY = "data-pipeline/parquet/sale/partition_date=2025-01-01/a.parquet"


@pytest.fixture(autouse=True, params=[0o000, 0o022, 0o077], ids=["umask 000", "umask 022", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(root: Path) -> set[tuple[str, int]]:
    """The kinds and modes of all that is below a folder."""
    return {("folder" if path.is_dir() else "file", S_IMODE(path.stat().st_mode)) for path in root.rglob("*")}


def test_a_lake_is_private_whatever_the_umask(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "new" / "lake")

    sink.put(KEY, b"body")
    sink.put_if("data-pipeline/errors/replays/note", b"note", "", None)

    assert modes(tmp_path) == {("folder", 0o700), ("file", 0o600)}


def test_checkpoints_are_private_whatever_the_umask(tmp_path: Path) -> None:
    save_checkpoints(tmp_path / "new" / "state" / "checkpoints.json", Checkpoints("orders", 0, 0, {}))

    assert modes(tmp_path) == {("folder", 0o700), ("file", 0o600)}


def test_a_variable_leaves_the_modes_to_the_umask(tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED, "1")
    sink = FolderSink(tmp_path)

    sink.put(KEY, b"body")
    sink.close()

    assert modes(tmp_path) == {("folder", 0o777 & ~umask), ("file", 0o666 & ~umask)}


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    make_folder(tmp_path / "a")

    assert S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_an_object_that_is_replaced_is_private_again(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    sink.put(KEY, b"one")
    (tmp_path / KEY).chmod(0o644)

    sink.put(KEY, b"two")

    assert S_IMODE((tmp_path / KEY).stat().st_mode) == 0o600


@pytest.mark.parametrize("link", ["data-pipeline", "data-pipeline/parquet/sale"])
@pytest.mark.parametrize("dangling", [False, True], ids=["to a folder", "dangling"])
def test_nothing_is_written_through_a_link_below_the_lake(tmp_path: Path, link: str, dangling: bool) -> None:
    elsewhere, lake = tmp_path / "elsewhere", tmp_path / "lake"
    if not dangling:
        elsewhere.mkdir()
    (lake / link).parent.mkdir(parents=True)
    (lake / link).symlink_to(elsewhere)

    with pytest.raises(UserError, match=f"{link} is not a folder of its own"):
        FolderSink(lake).put(KEY, b"body")

    assert not elsewhere.exists() or list(elsewhere.iterdir()) == []


def test_a_link_in_place_of_an_object_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"not ours")
    path = tmp_path / "lake" / KEY
    path.parent.mkdir(parents=True)
    path.symlink_to(target)

    FolderSink(tmp_path / "lake").put(KEY, b"body")

    assert (path.read_bytes(), target.read_bytes(), path.is_symlink()) == (b"body", b"not ours", False)


def test_the_lake_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "lake").symlink_to(tmp_path / "disk")

    FolderSink(tmp_path / "lake").put(KEY, b"body")

    assert (tmp_path / "disk" / KEY).read_bytes() == b"body"


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data-pipeline").write_bytes(b"")

    with pytest.raises(UserError, match="data-pipeline is not a folder of its own"):
        FolderSink(tmp_path).put(KEY, b"body")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file or directory: .*missing/a'$"):
        write_file(tmp_path / "missing" / "a", b"body")
