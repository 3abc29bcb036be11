"""Run, backfill and replay beside a compaction: each row is in the lake once, whoever comes first and is killed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firehose.lake.backfill.lake_loader import LakeLoader
from firehose.lake.errors.report import report
from firehose.lake.jobs.open_writers import OpenWriter, first_open, open_writer
from firehose.lake.objects import FolderLake
from firehose.lake.opening import open_lake_to_write
from firehose.lake.query.sql import query
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from tests.commands import result_of
from tests.compacting import compact, counted, demand, fans, files, run
from tests.exports import SMALL, backfilled, full_export
from tests.exports import demand as item
from tests.failed import document_of, documents, error_object, failed
from tests.fakes import failing
from transform.outcome import Reason

FORMATS = ["parquet", "avro"]
PIECES = [[demand("a")], [demand("b")], [demand("c", "2025-01-02")], [demand("d", "2025-01-02")]]


@pytest.mark.parametrize("file_format", FORMATS)
def test_run_compact_run(tmp_path: Path, file_format: str) -> None:
    run(tmp_path / "lake", tmp_path, *PIECES, file_format=file_format)
    before = counted(tmp_path / "lake")
    compact(tmp_path / "lake")

    run(tmp_path / "lake", tmp_path, *PIECES, file_format=file_format)

    assert counted(tmp_path / "lake") == before
    assert len(files(tmp_path / "lake")) == 2


def test_run_compact_run_compact_run(tmp_path: Path) -> None:
    """A merged file that is itself replaced still stands for what it has replaced."""
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES[:2])
    compact(lake)
    run(lake, tmp_path, *PIECES[:2], [demand("e")])
    assert compact(lake)["rows"] == 3

    run(lake, tmp_path, *PIECES[:2], [demand("e")])

    assert fans(lake) == ["a", "b", "e"]
    assert len(files(lake)) == 1


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("killed_at", [2, 3])
def test_backfill_killed_compact_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_format: str, killed_at: int
) -> None:
    full_export(tmp_path / "export", [item(name) for name in "abcdef"])

    def begin() -> Any:
        return backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state", file_format=file_format, **SMALL)

    with monkeypatch.context() as patch:
        chunks: list[int] = []
        deliver = LakeLoader.deliver

        def until(loader: LakeLoader, *arguments: Any) -> None:
            chunks.append(1)
            if len(chunks) > killed_at:
                raise UserError("killed")
            deliver(loader, *arguments)

        patch.setattr(LakeLoader, "deliver", until)
        with pytest.raises(UserError, match="killed"):
            begin()
    assert compact(tmp_path / "lake")["rows"] == 2 * killed_at

    begin()

    assert fans(tmp_path / "lake") == list("abcdef")
    compact(tmp_path / "lake")
    assert fans(tmp_path / "lake") == list("abcdef")


def late_container(lake: Path, folder: Path) -> str:
    """A container that S3 took after the function had given it up, and what tells of that; its key."""
    run(lake, folder, [demand("late")], file_format="avro")
    (path,) = files(lake)
    key = path.relative_to(lake).as_posix()
    error_object(lake, failed(demand("late")), stream="dmnd-avro")
    documents(lake, document_of(demand("late"), Reason.NOT_WRITTEN, stream="dmnd-avro", container=key))
    return key


def test_container_late_compact_replay(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    key = late_container(lake, tmp_path)
    run(lake, tmp_path, [demand("other")], file_format="avro")
    compact(lake)
    assert not (lake / key).exists()

    assert report(str(lake)).failures == []
    assert result_of("replay", "--lake", str(lake)).exit_code == 0

    assert fans(lake) == ["late", "other"]


def killed_replay(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay that was killed when its rows were in the lake, and its journal did not say so yet."""
    error_object(lake, failed(demand("a")), failed(demand("b")), stream="dmnd-avro")
    put = FolderSink.put

    def killed(_sink: FolderSink, key: str, *_: Any) -> bool:
        return key.startswith("dmd-replay/") and bool(files(lake))

    with monkeypatch.context() as patch:
        patch.setattr(FolderSink, "put", failing(1, UserError("killed"), then=put, when=killed))
        with pytest.raises(UserError, match="killed"):
            result_of("replay", "--lake", str(lake), "--format", "parquet")
    assert fans(lake) == ["a", "b"]


@pytest.mark.parametrize("same_code", [True, False])
def test_replay_killed_compact_replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, same_code: bool) -> None:
    lake = tmp_path / "lake"
    killed_replay(lake, monkeypatch)
    if not same_code:
        (path,) = files(lake)
        other = path.rename(path.with_name("other-1-2025-01-01-10-00-00-uuid.parquet"))
        (entry,) = (lake / "dmd-replay").glob("*.json")
        entry.write_text(entry.read_text().replace(path.name, other.name))
    run(lake, tmp_path, [demand("c")])
    assert compact(lake)["files_after"] == 1

    assert result_of("replay", "--lake", str(lake), "--format", "parquet").exit_code == 0

    assert fans(lake) == ["a", "b", "c"]
    assert result_of("replay", "--lake", str(lake), "--format", "parquet").exit_code == 0
    assert fans(lake) == ["a", "b", "c"]


def put_during(
    lake: Path, monkeypatch: pytest.MonkeyPatch, key: str, before: Callable[[], Any], *, dies: bool = False
) -> None:
    """Put an object into a lake; `before` happens after the writer has looked and before the object is there."""
    sink = open_lake_to_write(str(lake))
    put = FolderSink.put

    def late(one: FolderSink, where: str, *arguments: Any) -> None:
        if where == key:
            monkeypatch.undo()
            before()
        put(one, where, *arguments)
        if where == key and dies:
            raise UserError("killed")

    monkeypatch.setattr(FolderSink, "put", late)
    try:
        sink.put(key, b"again")
    finally:
        sink.close()


def test_what_is_replaced_between_a_writers_look_and_its_put_is_deleted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b")])
    key = files(lake)[0].relative_to(lake).as_posix()

    put_during(lake, monkeypatch, key, lambda: compact(lake))

    assert fans(lake) == ["a", "b"]
    assert len(files(lake)) == 1


@pytest.mark.parametrize("then", ["compact", "run"])
def test_what_a_killed_writer_put_so_is_deleted_by_the_next_compaction_or_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    lake = tmp_path / "lake"
    pieces = [[demand("a")], [demand("b")]]
    run(lake, tmp_path, *pieces)
    path = files(lake)[0]
    key, body = path.relative_to(lake).as_posix(), path.read_bytes()
    with pytest.raises(UserError, match="killed"):
        put_during(lake, monkeypatch, key, lambda: compact(lake), dies=True)
    path.write_bytes(body)
    assert len(fans(lake)) == 3

    if then == "compact":
        compact(lake, "--older-than", "1d")
    else:
        run(lake, tmp_path, *pieces)

    assert fans(lake) == ["a", "b"]


def test_a_partition_whose_data_were_removed_can_be_filled_again(tmp_path: Path) -> None:
    """The records outlive the data: only while the rows are there do they mean anything."""
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES)
    compact(lake)
    shutil.rmtree(lake / "data-pipeline")

    run(lake, tmp_path, *PIECES)
    assert fans(lake) == list("abcd")
    compact(lake)

    assert fans(lake) == list("abcd")


def test_data_that_were_copied_without_the_notes_are_all_kept(tmp_path: Path) -> None:
    run(tmp_path / "lake", tmp_path, *PIECES)
    compact(tmp_path / "lake")
    shutil.copytree(tmp_path / "lake" / "data-pipeline", tmp_path / "copy" / "data-pipeline")

    compact(tmp_path / "copy")

    assert fans(tmp_path / "copy") == list("abcd")


def test_what_an_open_command_has_put_is_left_alone(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, [demand("a")], [demand("b")])
    sink = FolderSink(lake)
    with open_writer(sink, "run"):
        run(lake, tmp_path, [demand("c", "2025-01-02")], [demand("d", "2025-01-02")])
        assert compact(lake)["rows"] == 2
    assert compact(lake)["rows"] == 2
    assert fans(lake) == list("abcd")
    sink.close()


def test_a_command_is_open_from_its_start_while_it_renews_its_note(tmp_path: Path) -> None:
    sink, lake = FolderSink(tmp_path), FolderLake(tmp_path)
    writer = OpenWriter(sink, "backfill")
    (note,) = (tmp_path / "dmd-jobs/open").iterdir()
    began = note.stat().st_mtime
    assert first_open(lake, began + 599) == pytest.approx(began, abs=0.01)
    writer.renew()

    assert json.loads(note.read_bytes())["began_seconds"] == began
    assert first_open(lake, note.stat().st_mtime + 599, sink) == began
    assert first_open(lake, note.stat().st_mtime + 601) is None
    assert note.exists()
    assert first_open(lake, note.stat().st_mtime + 601, sink) is None
    assert not note.exists()
    writer.renew()
    assert note.exists(), "a command that stalled is open again"
    writer.close()
    assert not note.exists()
    sink.close()


def test_the_note_is_removed_when_the_command_fails(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)

    with pytest.raises(UserError), open_writer(sink, "replay"):
        raise UserError("full")

    assert list((tmp_path / "dmd-jobs/open").iterdir()) == []
    sink.close()


def test_a_damaged_record_stops_a_writer_because_rows_might_come_twice(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    run(lake, tmp_path, *PIECES)
    compact(lake)
    for record in (lake / "dmd-jobs/replaced").rglob("*.json"):
        record.write_text("oops")

    with pytest.raises(UserError, match="is not a record of dmd compact: restore it"):
        run(lake, tmp_path, *PIECES)


def during_a_compaction(monkeypatch: pytest.MonkeyPatch, lake: Path, happens: Callable[[], Any]) -> dict[str, Any]:
    """Compact a lake; something happens once when the first target is there beside its sources."""
    put = FolderSink.put

    def then(sink: FolderSink, key: str, *arguments: Any) -> None:
        put(sink, key, *arguments)
        if "/compacted-" in key:
            monkeypatch.undo()
            happens()

    monkeypatch.setattr(FolderSink, "put", then)
    return compact(lake)


def test_of_two_compactions_at_once_one_leaves_the_partition_to_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, inner = tmp_path / "lake", list[dict[str, Any]]()
    run(lake, tmp_path, *PIECES)

    outer = during_a_compaction(monkeypatch, lake, lambda: inner.append(compact(lake)))

    assert [(one["rows"], one["undone"]) for one in inner] == [(2, ["parquet/demand/2025-01-01: another job holds it"])]
    assert outer["rows"] == 2
    assert fans(lake) == list("abcd")
    assert len(files(lake)) == 2


def test_what_is_delivered_meanwhile_stays_beside_the_target_and_latest_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, seen = tmp_path / "lake", list[list[Any]]()
    run(lake, tmp_path, *PIECES)

    def happens() -> None:
        (tmp_path / "more").mkdir()
        run(lake, tmp_path / "more", [demand("e")], PIECES[0])
        seen.append(query("SELECT fanid FROM latest_demand ORDER BY fanid", str(lake)).rows)
        assert len(fans(lake)) == 4 + 1 + 2, "the raw rows of a partition are there twice"

    during_a_compaction(monkeypatch, lake, happens)

    assert seen == [[(fan,) for fan in "abcde"]]
    assert fans(lake) == list("abcde")
