"""A backfill that goes on: with the job it was, from the source it was, into the lake it was; and it says so first."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.lake.backfill.job import BackfillJob
from firehose.lake.backfill.lake_loader import LakeLoader
from firehose.local.user_error import UserError
from tests.commands import result_of as dmd
from tests.exports import SMALL, TABLE, backfilled, demand, full_export, item, make_table
from tests.failed import fans

pytestmark = pytest.mark.slow

FILES = [[demand("a"), demand("b")], [demand("c"), item("sale", "1")]]


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Runs a backfill until its second chunk is to be delivered."""

    def run(begin: Callable[[], Any]) -> None:
        delivered: list[int] = []
        deliver = LakeLoader.deliver

        def once(lake: LakeLoader, records: Any, counts: Any, unit: int) -> None:
            delivered.append(1)
            if len(delivered) == 2:
                raise UserError("the lake is full")
            deliver(lake, records, counts, unit)

        with monkeypatch.context() as patch:
            patch.setattr(LakeLoader, "deliver", once)
            with pytest.raises(UserError, match="full"):
                begin()

    return run


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


def test_a_table_that_was_deleted_and_created_again_is_not_resumed(aws: None, tmp_path: Path, stopped: Any) -> None:
    """It has the same ARN, and the positions of a scan mean nothing in it."""
    assert aws is None
    make_table(*map(demand, "abcdef"))
    members = {"is_table": True, "segments": 1, **SMALL}
    stopped(lambda: backfilled(TABLE, tmp_path / "lake", tmp_path / "state", **members))
    boto3.client("dynamodb").delete_table(TableName=TABLE)
    make_table(*map(demand, "ghijkl"))

    with pytest.raises(UserError, match=f"{TABLE} has changed since this backfill began: to start over, remove"):
        backfilled(TABLE, tmp_path / "lake", tmp_path / "state", **members)


def test_a_resume_first_says_when_it_began_and_how_much_was_read(
    tmp_path: Path, stopped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.time_ns", lambda: 1_795_507_200_000_000_000)
    full_export(tmp_path / "export", *FILES)
    stopped(lambda: dmd("backfill", "--export", "export", "--lake", "lake"))

    result = dmd("backfill", "--export", "export", "--lake", "lake")

    first, *_, last = result.stderr.splitlines()
    assert first == "resuming the backfill that began at 2026-11-24T08:00:00Z: 2 items were read before"
    assert last.endswith(" s")
    assert fans(tmp_path / "lake") == ["a", "b", "c"]


def test_a_first_run_does_not_say_that_it_resumes(tmp_path: Path) -> None:
    full_export(tmp_path / "export", *FILES)

    result = dmd("backfill", "--export", f"{tmp_path}/export", "--lake", f"{tmp_path}/l", "--state", f"{tmp_path}/s")

    assert "resuming" not in result.stderr


@pytest.mark.parametrize("lost", ["data-pipeline", "data-pipeline/parquet/demand"])
def test_a_lake_that_lost_its_rows_is_not_resumed(tmp_path: Path, stopped: Any, lost: str) -> None:
    full_export(tmp_path / "export", *FILES)
    stopped(lambda: backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state"))
    (tmp_path / "lake" / lost).rename(tmp_path / "moved")

    with pytest.raises(
        UserError,
        match=r"^this backfill has delivered 2 demand rows, but .*lake no longer has any: to start over, remove ",
    ):
        backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state")

    (tmp_path / "moved").rename(tmp_path / "lake" / lost)
    backfilled(tmp_path / "export", tmp_path / "lake", tmp_path / "state")
    assert fans(tmp_path / "lake") == ["a", "b", "c"]


def test_a_bucket_that_lost_its_rows_is_not_resumed(aws: None, tmp_path: Path, stopped: Any) -> None:
    assert aws is None
    client = boto3.client("s3")
    client.create_bucket(Bucket="lake")
    full_export(tmp_path / "export", *FILES)
    stopped(lambda: backfilled(tmp_path / "export", "s3://lake", tmp_path / "state"))
    for one in client.list_objects_v2(Bucket="lake")["Contents"]:
        client.delete_object(Bucket="lake", Key=one["Key"])

    with pytest.raises(UserError, match="2 demand rows, but s3://lake no longer has any: to start over, remove"):
        backfilled(tmp_path / "export", "s3://lake", tmp_path / "state")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"source": "exports"}, {"source": "./exports/"}, id="a folder"),
        pytest.param({"target": "lake"}, {"target": "x/../lake"}, id="a lake"),
        pytest.param({"source": "s3://b/p"}, {"source": "s3://b//p/"}, id="a prefix"),
        pytest.param({"source": "s3://b"}, {"source": "s3://b/"}, id="a bucket"),
        pytest.param({"target": "s3://lake"}, {"target": "s3://lake/"}, id="a lake in a bucket"),
        pytest.param({"segments": 8}, {"segments": 2}, id="segments, of which an export has none"),
    ],
)
def test_the_same_job_in_another_spelling_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    given: dict[str, Any] = {"source": "exports", "is_table": False, "target": "lake", "is_stream": False}

    assert BackfillJob(**given | one).digest == BackfillJob(**given | other).digest


@pytest.mark.parametrize(
    "other",
    [{"source": "exports2"}, {"source": "s3://exports"}, {"target": "other"}, {"is_table": True}, {"types": ("sale",)}],
    ids=str,
)
def test_another_job_is_another(other: dict[str, Any]) -> None:
    given: dict[str, Any] = {"source": "exports", "is_table": False, "target": "lake", "is_stream": False}

    assert BackfillJob(**given | other).digest != BackfillJob(**given).digest


def test_the_segments_of_a_table_are_part_of_its_job() -> None:
    given: dict[str, Any] = {"source": TABLE, "is_table": True, "target": "lake", "is_stream": False}

    assert BackfillJob(**given, segments=8).digest != BackfillJob(**given, segments=2).digest


def test_the_same_command_in_another_spelling_resumes(
    tmp_path: Path, stopped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    full_export(tmp_path / "export", *FILES)
    stopped(lambda: dmd("backfill", "--export", "export", "--lake", "lake", "--state", "state"))
    monkeypatch.chdir(tmp_path / "export")

    arguments = ["--export", f"{tmp_path}/export/", "--lake", "../lake", "--state", "../state", "--segments", "2"]
    result = dmd("backfill", *arguments)

    assert "2 items were read before" in result.stderr
    assert fans(tmp_path / "lake") == ["a", "b", "c"]
    assert {path.name for path in tmp_path.iterdir()} == {"export", "lake"}
