"""From S3 into S3: whatever goes wrong in whichever call is one sentence, and a rerun completes the lake."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from firehose.lake.backfill.export import find_export
from firehose.lake.backfill.export_place import BucketPlace
from firehose.local.aws_errors import as_user_errors
from firehose.local.user_error import UserError
from tests.exports import SMALL, backfilled, demand, full_export, incremental_export, written
from tests.failed import everything, fans
from tests.s3_calls import BROKEN, REFUSED, Calls, s3_calls

pytestmark = pytest.mark.slow

EXPORT = "s3://exports/nightly"
ITEMS = [[demand("a")], [demand("b")]]
OPERATIONS = ["ListObjectsV2", "HeadBucket", "GetObject", "PutObject"]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    with s3_calls(monkeypatch, "exports", "lake") as made:
        yield made


def upload(folder: Path, prefix: str = "nightly/") -> None:
    client = boto3.client("s3")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            client.put_object(
                Bucket="exports", Key=prefix + path.relative_to(folder).as_posix(), Body=path.read_bytes()
            )
    # As the console makes them, and DynamoDB beside its manifests.
    client.put_object(Bucket="exports", Key=f"{prefix}AWSDynamoDB/", Body=b"")


def empty_lake() -> None:
    client = boto3.client("s3")
    for one in client.list_objects_v2(Bucket="lake").get("Contents", []):
        client.delete_object(Bucket="lake", Key=one["Key"])


def downloaded(folder: Path) -> Path:
    client = boto3.client("s3")
    for one in client.list_objects_v2(Bucket="lake")["Contents"]:
        path = folder / one["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket="lake", Key=one["Key"])["Body"].read())
    return folder


def test_from_a_bucket_into_a_bucket_the_lake_is_that_of_folders(calls: Calls, tmp_path: Path) -> None:
    full_export(tmp_path / "export", *ITEMS)
    upload(tmp_path / "export")
    backfilled(tmp_path / "export", tmp_path / "folder", tmp_path / "state", **SMALL)
    calls.begin()

    backfilled(EXPORT, "s3://lake", tmp_path / "state", **SMALL)

    buckets = {(operation, named["Bucket"]) for operation, named in calls.made}
    read = {("GetObject", "exports"), ("ListObjectsV2", "exports")}
    keys_compared = {("ListObjectsV2", "lake")}  # BR-20: whether the lake has rows of these items
    note = {("GetObject", "lake"), ("DeleteObject", "lake")}  # which says that a backfill is writing
    assert buckets == read | keys_compared | note | {("HeadBucket", "lake"), ("PutObject", "lake")}
    bucket, folder = downloaded(tmp_path / "bucket"), tmp_path / "folder"
    assert everything(bucket / "data-pipeline") == everything(folder / "data-pipeline")


@pytest.mark.parametrize("where", ["s3://exports/nightly/", "s3://exports/nightly/AWSDynamoDB"])
def test_an_incremental_export_is_found_below_a_prefix(calls: Calls, tmp_path: Path, where: str) -> None:
    assert calls.fails_at == -1
    home = incremental_export(tmp_path / "export", [written(demand("a"))], prefix="nightly/")
    (home.parent / "data" / "of-another.json.gz").write_bytes(b"")
    (home / "data").mkdir()
    (home / "data" / "left.json.gz").write_bytes(b"")
    upload(tmp_path / "export")

    outcome = backfilled(where, tmp_path / "lake", tmp_path / "state")

    assert fans(tmp_path / "lake") == ["a"]
    assert outcome.ignored == "1 data files that the manifest does not list"


def test_a_file_whose_checksum_is_wrong_is_named_by_its_address(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert calls.fails_at == -1
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    home = full_export(tmp_path / "export", *ITEMS)
    (path, *_) = sorted((home / "data").iterdir())
    path.write_bytes(b"else")
    upload(tmp_path / "export")

    with pytest.raises(UserError, match=rf"^s3://exports/nightly/AWSDynamoDB/.*/data/{path.name} is damaged: its MD5"):
        backfilled(EXPORT, tmp_path / "lake", tmp_path / "state")

    assert not list(temporary.iterdir()), "personal data"


def test_an_export_is_listed_once_however_many_data_files_it_has(calls: Calls, tmp_path: Path) -> None:
    assert calls.fails_at == -1
    listed = []
    boto3.client("s3").meta.events.register("before-call.s3.ListObjectsV2", lambda **_: listed.append(1))
    for name, files in (("few", 1), ("many", 5)):
        full_export(tmp_path / name, *([demand(f"{file}")] for file in range(files)))
        upload(tmp_path / name, f"{name}/")
        backfilled(f"s3://exports/{name}", tmp_path / f"lake-{name}", tmp_path / "state")
        listed.append(0)

    few = listed.index(0)
    assert len(listed) == 2 * (few + 1)


def test_a_backfill_goes_to_other_processes_without_its_connections(calls: Calls, tmp_path: Path) -> None:
    assert calls.fails_at == -1
    full_export(tmp_path / "export", *ITEMS)
    upload(tmp_path / "export")
    export = find_export(EXPORT)

    copied = pickle.loads(pickle.dumps(export))  # noqa: S301 - our own bytes

    assert copied.files == export.files
    with copied.lines(copied.files[0]) as lines:
        assert len(list(lines)) == 1


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_failing_call_is_one_sentence_and_the_next_run_completes_the_lake(
    calls: Calls, tmp_path: Path, operation: str
) -> None:
    full_export(tmp_path / "export", [demand("a"), demand("b", "2025-01-02")])
    upload(tmp_path / "export")
    calls.begin()
    backfilled(EXPORT, "s3://lake", tmp_path / "state")
    made = [name for name, _ in calls.made]
    assert set(made) == {*OPERATIONS, "DeleteObject"}  # of the note, which ends by itself if that fails

    for at in (at for at, name in enumerate(made) if name == operation):
        trouble = (REFUSED + BROKEN)[at % 5]
        empty_lake()
        calls.begin(at, trouble)
        with pytest.raises(
            UserError, match=r"^s3://(exports|lake)[^ ]* (cannot be (read|written)|may not be)"
        ) as raised:
            backfilled(EXPORT, "s3://lake", tmp_path / "state")
        assert "\n" not in str(raised.value)
        calls.begin()
        backfilled(EXPORT, "s3://lake", tmp_path / "state")
        assert fans(downloaded(tmp_path / f"{at}")) == ["a", "b"], f"call {at}: {trouble.__name__}"


@pytest.mark.parametrize("trouble", REFUSED + BROKEN)
def test_every_failure_of_a_read_is_one_sentence(calls: Calls, tmp_path: Path, trouble: Any) -> None:
    full_export(tmp_path / "export", *ITEMS)
    upload(tmp_path / "export")
    place = BucketPlace(EXPORT)

    for call in (lambda: place.read("x"), lambda: place.names("data"), lambda: place.folders("AWSDynamoDB")):
        calls.begin(0, trouble)
        with pytest.raises(UserError, match=r"^s3://exports/nightly.* cannot be read: "):
            call()


def test_a_missing_bucket_is_one_sentence(calls: Calls, tmp_path: Path) -> None:
    assert calls.fails_at == -1
    with pytest.raises(UserError, match=r"^s3://other/manifest-summary.json cannot be read: NoSuchBucket$"):
        backfilled("s3://other", "s3://lake", tmp_path / "state")

    full_export(tmp_path / "export", *ITEMS)
    with pytest.raises(UserError, match="s3://other"):
        backfilled(tmp_path / "export", "s3://other", tmp_path / "state")


def test_only_the_code_of_an_answer_is_shown(calls: Calls) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    assert calls.fails_at == -1
    answer: Any = {"Error": {"Code": "ValidationException", "Message": "+15550100"}}
    with (
        pytest.raises(UserError, match=r"^table t cannot be read: ValidationException$"),
        as_user_errors("table t", "read"),
    ):
        raise ClientError(answer, "Scan")
