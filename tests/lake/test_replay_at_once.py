"""Two replays of one lake at the same time: every row is there once, whenever they meet."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from firehose.cli.app import app
from firehose.local.sink import MovedError
from firehose.local.sinks import FolderSink, S3Sink
from firehose.local.user_error import UserError
from tests.failed import CRASHED, error_object, failed, fans
from tests.given import change, m, s

pytestmark = pytest.mark.long

# Entry, object, entry of the second error object (first by key); entry, two objects, entry of the first.
PUTS = 7


def demand(fan: str, day: int) -> dict[str, Any]:
    return change(fanId=s(fan), date=m(requested=s(f"2025-01-0{day}T10:00:00Z")))


def failed_lake(lake: Path) -> None:
    """Two error objects, of the first of which a selection by reason takes some rows of a partition and leaves one."""
    first = [failed(demand("a", 1), CRASHED), failed(demand("b", 1)), failed(demand("c", 2), CRASHED)]
    error_object(lake, *first)
    error_object(lake, failed(demand("d", 1)), failed(demand("d", 1)), kind="format-conversion-failed")


def replay(lake: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["replay", "--lake", str(lake), "--json", *options])


def meeting(monkeypatch: pytest.MonkeyPatch, lake: Path, at: int, *options: str) -> tuple[Result, list[Result]]:
    """A replay, and those, one, that begin and end just before its put number `at`."""
    original: dict[str, Callable[..., Any]] = {"put": FolderSink.put, "put_if": FolderSink.put_if}
    others: list[Result] = []
    count = 0

    def met(name: str) -> Callable[..., Any]:
        def put(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            with monkeypatch.context() as alone:
                for each, as_it_was in original.items():
                    alone.setattr(FolderSink, each, as_it_was)
                if count == at:
                    others.append(replay(lake, *options))
                return original[name](*arguments, **named)

        return put

    with monkeypatch.context() as patched:
        for name in original:
            patched.setattr(FolderSink, name, met(name))
        return replay(lake), others


@pytest.mark.parametrize("options", [(), ("--reason", CRASHED), ("--type", "sale")], ids=str)
@pytest.mark.parametrize("at", range(1, PUTS + 1))
def test_two_replays_at_once_deliver_every_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, options: tuple[str, ...]
) -> None:
    failed_lake(tmp_path)

    _, others = meeting(monkeypatch, tmp_path, at, *options)

    assert len(others) == 1
    last = replay(tmp_path)
    assert last.exit_code == 0
    assert fans(tmp_path) == ["a", "b", "c", "d", "d"]
    assert json.loads(last.stdout)["unfinished"] == []


def test_a_replay_that_finds_its_entry_replaced_says_that_another_is_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_lake(tmp_path)

    first, (other,) = meeting(monkeypatch, tmp_path, 1)

    assert other.exit_code == 0
    assert isinstance(first.exception, UserError)
    assert str(first.exception).startswith("another replay is running on this lake")


@pytest.fixture
def bucket() -> Iterator[S3Sink]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="lake")
        yield S3Sink("lake", client)


@pytest.fixture(params=["folder", "bucket"])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> FolderSink | S3Sink:
    made: S3Sink = request.getfixturevalue("bucket")
    return FolderSink(tmp_path) if request.param == "folder" else made


def test_an_object_is_replaced_only_if_it_is_the_version_that_was_read(sink: FolderSink | S3Sink) -> None:
    first = sink.put_if("dmd-replay/a.json", b"1", "application/json", None)
    second = sink.put_if("dmd-replay/a.json", b"2", "application/json", first)

    assert first != second
    for version in (None, first):
        with pytest.raises(MovedError):
            sink.put_if("dmd-replay/a.json", b"3", "application/json", version)
    sink.put_if("dmd-replay/a.json", b"3", "application/json", second)


def test_an_object_that_is_gone_is_not_replaced(sink: FolderSink | S3Sink) -> None:
    with pytest.raises(MovedError):
        sink.put_if("dmd-replay/a.json", b"1", "application/json", '"1-2"')


def test_a_put_whose_answer_was_lost_finds_itself(bucket: S3Sink) -> None:
    version = bucket.put_if("dmd-replay/a.json", b"1", "application/json", None)

    assert bucket.put_if("dmd-replay/a.json", b"1", "application/json", None) == version
