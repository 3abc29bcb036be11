"""Erasure in S3: old versions go, what an object has beside its bytes stays, and no failure makes anybody erased."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from firehose.local.sinks import S3Sink
from firehose.local.user_error import UserError
from tests.compacting import demand, run
from tests.erasing import NO_WAIT, erase, states, texts
from tests.failed import document_of, failed
from tests.given import change, s
from tests.lake.test_compact_s3 import keys, put_back, stored
from tests.s3_calls import Calls, Trouble, cut_off, denied, s3_calls, torn_body
from transform.outcome import Reason

pytestmark = pytest.mark.slow

PHONE = "+15550107301"
LAKE = "s3://lake"
ERROR_OBJECT = "data-pipeline/errors/firehose/processing-failed/dmnd-demand-1-2025-01-01-10-00-00-0000"
DOCUMENTS = "data-pipeline/errors/records/partition_date=2025-01-01/dmnd-demand-0.jsonl"
OPERATIONS = [
    "DeleteObject",
    "GetObject",
    "HeadBucket",
    "HeadObject",
    "ListObjectVersions",
    "ListObjectsV2",
    "PutObject",
]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    with s3_calls(monkeypatch, "lake") as made:
        yield made


def keep_versions() -> None:
    boto3.client("s3").put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})


def of(fan: str, day: str = "2025-01-01") -> Any:
    return demand(fan, day, phoneNumber=s(f"{PHONE}-{fan}"))


def put(key: str, *records: Any) -> None:
    boto3.client("s3").put_object(
        Bucket="lake", Key=key, Body=b"".join(json.dumps(one).encode() + b"\n" for one in records)
    )


def fill(folder: Path, file_format: str = "parquet") -> None:
    """A lake in which a and b have rows, a document and an error record."""
    run(LAKE, folder, [of("a"), of("b", "2025-01-02")], [of("a", "2025-01-02")], file_format=file_format)
    broken = [change(fanId=s(fan), phoneNumber=s(f"{PHONE}-{fan}"), eventId={"N": "1"}) for fan in "ab"]
    put(ERROR_OBJECT, *map(failed, broken))
    put(DOCUMENTS, *(document_of(one, Reason.INVALID) for one in broken))


def bodies() -> dict[tuple[str, str], bytes]:
    """All versions of all objects, those of notes too."""
    client = boto3.client("s3")
    found = client.list_object_versions(Bucket="lake").get("Versions", [])
    return {
        (one["Key"], one["VersionId"]): client.get_object(Bucket="lake", Key=one["Key"], VersionId=one["VersionId"])[
            "Body"
        ].read()
        for one in found
    }


def remove_all_versions() -> None:
    client = boto3.client("s3")
    found = client.list_object_versions(Bucket="lake")
    for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        client.delete_object(Bucket="lake", Key=one["Key"], VersionId=one["VersionId"])


def holders(value: str) -> list[str]:
    return sorted({key for (key, _), body in bodies().items() for text in texts(body) if value.encode() in text})


@pytest.mark.parametrize("file_format", ["parquet", "avro"])
def test_in_a_bucket_each_object_is_put_by_its_etag(calls: Calls, tmp_path: Path, file_format: str) -> None:
    fill(tmp_path, file_format)
    calls.begin()

    counts = erase(LAKE, tmp_path, "a")

    assert (counts["objects"], counts["rows"], counts["records"], counts["versions"]) == (4, 2, 2, 0)
    assert holders(f"{PHONE}-a") == []
    assert len(holders(f"{PHONE}-b")) == 3
    assert sorted({operation for operation, _ in calls.made}) == OPERATIONS
    data = [named for operation, named in calls.made if operation == "PutObject" and "data-pipeline/" in named["Key"]]
    assert len([named["IfMatch"] for named in data if named["Key"].startswith("data-pipeline/")]) == 4
    assert keys("dmd-jobs/leases/") == []


def test_old_versions_that_hold_a_subject_or_cannot_be_read_are_deleted(calls: Calls, tmp_path: Path) -> None:
    keep_versions()
    fill(tmp_path)
    client = boto3.client("s3")
    event = "data-pipeline/parquet/event/partition_date=2025-01-01/x.parquet"
    (of_a,) = keys("data-pipeline/parquet/demand/partition_date=2025-01-01/")
    of_b = next(key for key in holders(f"{PHONE}-b") if "partition_date=2025-01-02" in key)
    client.put_object(Bucket="lake", Key=of_b, Body=b"PAR1 damaged")
    client.put_object(Bucket="lake", Key=event, Body=b"1")
    for key in (of_a, of_b, event):
        client.delete_object(Bucket="lake", Key=key)
    before = bodies()

    counts = erase(LAKE, tmp_path, "a")

    gone = [key for key, version in before.keys() - bodies().keys() if key.startswith("data-pipeline/")]
    assert len(gone) == counts["versions"] == 5, "one deleted, one damaged, three that were just replaced"
    assert {of_a, of_b} <= set(gone)
    assert holders(f"{PHONE}-a") == []
    assert of_b in holders(f"{PHONE}-b"), "an old version that holds nobody asked for stays"
    assert event in {key for key, _ in bodies()}
    assert counts["found_in_second_pass"] == 0


def test_all_versions_are_deleted_where_that_is_asked_for_and_a_dry_run_says_how_many(
    calls: Calls, tmp_path: Path
) -> None:
    keep_versions()
    fill(tmp_path)
    fill(tmp_path)
    options = ("--all-versions",)

    would = erase(LAKE, tmp_path, "a", options=(*options, "--dry-run"))
    done = erase(LAKE, tmp_path, "a", options=options)

    assert would["versions"] == done["versions"] > would["objects"] == done["objects"] == 4
    noncurrent = [
        one
        for one in boto3.client("s3").list_object_versions(Bucket="lake", Prefix="data-pipeline/")["Versions"]
        if not one["IsLatest"]
    ]
    assert noncurrent == []


def test_a_bucket_whose_versions_may_not_be_listed_makes_nobody_erased(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    erase(LAKE, tmp_path, "a")
    make = BaseClient._make_api_call

    def refused(client: Any, operation: str, parameters: Any) -> Any:
        return denied(operation) if operation == "ListObjectVersions" else make(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refused)

    assert attempt(tmp_path) == ("the versions in s3://lake cannot be listed: AccessDenied", 0)


def test_what_an_object_has_beside_its_bytes_stays(calls: Calls, tmp_path: Path) -> None:
    fill(tmp_path)
    client = boto3.client("s3")
    key = keys("data-pipeline/parquet/demand/")[0]
    body = client.get_object(Bucket="lake", Key=key)["Body"].read()
    client.put_object(
        Bucket="lake",
        Key=key,
        Body=body,
        ContentType="x/parquet",
        ContentEncoding="identity",
        Metadata={"by": "firehose"},
        Tagging="tier=gold&of=a%20b",
        StorageClass="STANDARD_IA",
    )

    erase(LAKE, tmp_path, "a")

    there = client.get_object(Bucket="lake", Key=key)
    assert there["Body"].read() != body
    assert [there[name] for name in ("ContentType", "ContentEncoding", "Metadata", "StorageClass")] == [
        "x/parquet",
        "identity",
        {"by": "firehose"},
        "STANDARD_IA",
    ]
    tags = client.get_object_tagging(Bucket="lake", Key=key)["TagSet"]
    assert {one["Key"]: one["Value"] for one in tags} == {"tier": "gold", "of": "a b"}


def test_an_object_that_is_replaced_meanwhile_is_read_again(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(LAKE, tmp_path, [of("a"), of("b")])
    (key,) = keys("data-pipeline/parquet/demand/")
    other, replace = tmp_path / "other", S3Sink.replace
    done: list[str] = []
    run(other, tmp_path, [of("a"), of("c")])
    body = next(other.rglob("*.parquet")).read_bytes()

    def replaced(sink: S3Sink, where: str, *arguments: Any) -> str:
        if not done:
            boto3.client("s3").put_object(Bucket="lake", Key=key, Body=body)
            done.append(where)
        return replace(sink, where, *arguments)

    monkeypatch.setattr(S3Sink, "replace", replaced)
    counts = erase(LAKE, tmp_path, "a")

    assert (counts["objects"], counts["values"], counts["found_in_second_pass"]) == (1, 1, 0)
    assert holders(f"{PHONE}-a") == []
    assert holders(f"{PHONE}-c") == [key]


def test_an_object_that_is_replaced_again_and_again_is_left_and_its_subject_failed(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(LAKE, tmp_path, [of("a"), of("b")])
    (key,) = keys("data-pipeline/parquet/demand/")
    bodies_of, replace = [], S3Sink.replace
    for number in range(9):
        run(tmp_path / f"{number}", tmp_path, [demand("a", phoneNumber=s(f"{number}"))])
        bodies_of.append(next((tmp_path / f"{number}").rglob("*.parquet")).read_bytes())

    def replaced(sink: S3Sink, where: str, *arguments: Any) -> str:
        boto3.client("s3").put_object(Bucket="lake", Key=key, Body=bodies_of.pop())
        return replace(sink, where, *arguments)

    monkeypatch.setattr(S3Sink, "replace", replaced)
    counts = erase(LAKE, tmp_path, "a", "b", options=NO_WAIT)

    assert states(counts) == (1, 0, 1), "of b nothing is left"
    assert counts["undone"] == [f"{key}: others replace it again and again"]


def attempt(folder: Path) -> tuple[str, int]:
    """Erase a and b at once; what was said, and how many were said to be erased."""
    try:
        counts = erase(LAKE, folder, "a", "b", options=NO_WAIT)
    except UserError as error:
        return str(error), 0
    return str(counts["undone"]), states(counts)[0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("trouble", "is_done", "file_format"),
    [
        (denied, False, "parquet"),
        (torn_body, False, "parquet"),
        (cut_off, True, "parquet"),
        (cut_off, False, "avro"),
    ],
    ids=lambda one: one.__name__ if callable(one) else str(one),
)
def test_whichever_call_fails_nobody_is_erased_of_whom_something_is_left(
    calls: Calls, tmp_path: Path, trouble: Trouble, file_format: str, *, is_done: bool
) -> None:
    keep_versions()
    run(LAKE, tmp_path, [of("a"), of("b")], file_format=file_format)
    broken = change(fanId=s("a"), phoneNumber=s(f"{PHONE}-a"), eventId={"N": "1"})
    put(ERROR_OBJECT, failed(broken))
    put(DOCUMENTS, document_of(broken, Reason.INVALID))
    objects = stored()
    calls.begin()
    attempt(tmp_path)
    made = list(calls.made)

    for at in range(len(made)):
        remove_all_versions()
        put_back(objects)
        calls.begin(at, trouble, is_done=is_done)
        said, erased = attempt(tmp_path)
        calls.begin()
        left = [fan for fan in "ab" if holders(f"{PHONE}-{fan}")]
        assert not (left and erased), (at, made[at], said)
        for key in keys("dmd-jobs/leases/"):  # as after ten minutes
            boto3.client("s3").delete_object(Bucket="lake", Key=key)
        attempt(tmp_path)
        assert holders(PHONE) == [], (at, made[at], said)
    assert attempt(tmp_path)[1] == 2


def test_no_etag_of_what_was_redacted_is_kept(calls: Calls, tmp_path: Path) -> None:
    fill(tmp_path)
    objects = boto3.client("s3").list_objects_v2(Bucket="lake", Prefix="data-pipeline/")["Contents"]
    before = {one["ETag"].strip('"') for one in objects}

    erase(LAKE, tmp_path, "a", "b")

    assert before - {one["ETag"].strip('"') for one in boto3.client("s3").list_objects_v2(Bucket="lake")["Contents"]}
    assert [tag for tag in before if any(tag.encode() in body for body in bodies().values())] == []
