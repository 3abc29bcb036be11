"""Compaction in S3: whatever goes wrong in whichever call, no row is lost, and the next compaction leaves each once."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from firehose.lake.jobs.leases import FREE_SECONDS
from firehose.local.sinks import S3Sink
from firehose.local.user_error import UserError
from tests.commands import result_of
from tests.compacting import NOW, compact, counted, demand, run
from tests.s3_calls import BROKEN, REFUSED, Calls, Trouble, cut_off, s3_calls

pytestmark = pytest.mark.slow

OPERATIONS = ["DeleteObject", "GetObject", "HeadBucket", "ListObjectsV2", "PutObject"]
PIECES = [[demand("a")], [demand("b")], [demand("c")]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    with s3_calls(monkeypatch, "lake") as made:
        yield made


def keys(prefix: str = "data-pipeline/") -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", [])]


def rows(folder: Path) -> Counter[str]:
    """The rows of the bucket's lake, as other programs read them."""
    client = boto3.client("s3")
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.unlink()
    for key in keys():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket="lake", Key=key)["Body"].read())
    return counted(folder)


def fill(folder: Path, file_format: str) -> None:
    run("s3://lake", folder, *PIECES, file_format=file_format)


def stored() -> dict[str, bytes]:
    client = boto3.client("s3")
    return {key: client.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys("")}


def put_back(objects: dict[str, bytes]) -> None:
    """Let the bucket have these objects alone."""
    client = boto3.client("s3")
    for key in keys(""):
        client.delete_object(Bucket="lake", Key=key)
    for key, body in objects.items():
        client.put_object(Bucket="lake", Key=key, Body=body)


def compact_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compact when the store's clock is ten minutes ahead of the notes, so that leases are free."""
    read = S3Sink.read

    def ahead(sink: S3Sink, key: str) -> Any:
        there = read(sink, key)
        if there is None or not key.endswith("clock"):
            return there
        return there._replace(modified_seconds=there.modified_seconds + FREE_SECONDS + 2)

    with monkeypatch.context() as patch:
        patch.setattr(S3Sink, "read", ahead)
        compact("s3://lake")


@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_in_a_bucket_each_source_is_deleted_by_its_etag(calls: Calls, tmp_path: Path, file_format: str) -> None:
    fill(tmp_path, file_format)
    before = rows(tmp_path / "read")
    calls.begin()

    assert compact("s3://lake")["files_after"] == 1

    assert rows(tmp_path / "read") == before
    deleted = [
        named for operation, named in calls.made if operation == "DeleteObject" and "data-pipeline" in named["Key"]
    ]
    assert len([named for named in deleted if named["IfMatch"]]) == 3
    assert len([key for key in keys() if "compacted-" in key]) == len(keys()) == 1
    assert keys("dmd-jobs/leases/") == keys("dmd-jobs/open/") == []


def test_what_is_put_again_meanwhile_is_deleted_as_it_is_then(calls: Calls, tmp_path: Path, monkeypatch: Any) -> None:
    """By a run of the same input with another version of a library, whose bytes are others."""
    fill(tmp_path, "parquet")
    key, put, other = keys()[0], S3Sink.put, boto3.client("s3").get_object(Bucket="lake", Key=keys()[1])["Body"].read()

    def replaced(sink: S3Sink, where: str, *arguments: Any) -> None:
        put(sink, where, *arguments)
        if "compacted-" in where and "replaced" not in where:
            boto3.client("s3").put_object(Bucket="lake", Key=key, Body=other)

    with monkeypatch.context() as patch:
        patch.setattr(S3Sink, "put", replaced)
        compact("s3://lake")

    assert len(keys()) == 1
    assert len([named for operation, named in calls.made if operation == "DeleteObject" and named["Key"] == key]) == 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("trouble", "is_done", "file_format"),
    [
        *((trouble, False, "parquet") for trouble in (*REFUSED, *BROKEN)),
        (cut_off, True, "parquet"),
        (cut_off, False, "avro"),
    ],
    ids=lambda one: one.__name__ if callable(one) else str(one),
)
def test_whichever_call_fails_no_row_is_lost_and_the_next_compaction_leaves_each_once(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, file_format: str, *, is_done: bool
) -> None:
    fill(tmp_path, file_format)
    before, objects = rows(tmp_path / "read"), stored()
    calls.begin()
    compact("s3://lake")
    made = list(calls.made)
    assert sorted({operation for operation, _ in made}) == OPERATIONS

    for at in range(len(made)):
        put_back(objects)
        calls.begin(at, trouble, is_done=is_done)
        said = attempt()
        calls.begin()
        assert set(rows(tmp_path / "read")) == set(before), (at, made[at], said)
        compact_later(monkeypatch)
        assert rows(tmp_path / "read") == before, (at, made[at], said)
        assert len(keys()) == 1, (at, made[at], said)


def attempt() -> str:
    """Compact, and return what was said."""
    try:
        return result_of("compact", "--lake", "s3://lake", *NOW).output
    except UserError as error:
        return str(error)
