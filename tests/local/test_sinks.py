"""Sinks: an object appears whole, under its key, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from firehose.local.sinks import FolderSink, S3Sink

KEY = "data-pipeline/parquet/sale/partition_date=2025-01-01/a.parquet"


def files(root: Path) -> list[str]:
    """All files but the locks of temporary folders."""
    paths = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return sorted(str(path) for path in paths if path.parts[1:] != ("lock",))


def test_an_object_is_a_file_under_its_key(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path / "lake")

    sink.put(KEY, b"body", "application/json", "gzip")
    sink.close()

    assert (tmp_path / "lake" / KEY).read_bytes() == b"body"
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["data-pipeline"]


def test_an_object_replaces_the_one_of_its_key(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)

    sink.put(KEY, b"one")
    sink.put(KEY, b"two")

    assert files(tmp_path) == [KEY]
    assert (tmp_path / KEY).read_bytes() == b"two"


def test_a_write_that_fails_leaves_nothing_for_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path, __: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(OSError, match="No space"):
        FolderSink(tmp_path).put(KEY, b"body")
    assert files(tmp_path) == []


def test_while_it_is_written_an_object_is_in_no_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(Path, "replace", lambda *_: seen.extend(files(tmp_path)))

    FolderSink(tmp_path).put(KEY, b"body")

    assert [name.split("/")[0].rpartition("-")[0] for name in seen] == [".dmd-writing"]


def test_objects_of_one_name_in_several_folders_may_be_written_at_once(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    keys = [f"data-pipeline/avro/sale/partition_date=2025-01-{day:02}/{'n' * 190}.avro" for day in range(1, 21)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: sink.put(key, key.encode() * 10_000), keys))
    sink.close()

    assert files(tmp_path) == sorted(keys)
    assert all((tmp_path / key).read_bytes() == key.encode() * 10_000 for key in keys)


def test_two_writes_never_share_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    monkeypatch.setattr(Path, "replace", lambda path, _: seen.append(path))
    one, other = FolderSink(tmp_path), FolderSink(tmp_path)

    for sink in (one, one, other):
        sink.put(KEY, b"body")

    assert len(set(seen)) == 3


def test_a_sink_that_is_closed_takes_nothing_from_another_of_its_process(tmp_path: Path) -> None:
    one, other = FolderSink(tmp_path), FolderSink(tmp_path)
    one.put("data-pipeline/one", b"1")
    other.put("data-pipeline/two", b"2")

    one.close()
    other.put("data-pipeline/three", b"3")

    assert files(tmp_path) == ["data-pipeline/one", "data-pipeline/three", "data-pipeline/two"]


@pytest.mark.parametrize("key", ["", "/etc/x", "../x", "a/../../x", "a/..", "a\0b", "a/"])
def test_a_key_that_would_leave_the_folder_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        FolderSink(tmp_path / "lake").put(key, b"")

    assert files(tmp_path) == []


@mock_aws
def test_an_object_in_s3_has_its_type_and_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="lake")
    sink = S3Sink("lake")

    sink.put(KEY, b"body", content_encoding="hadoop-snappy")
    sink.put("plain", b"x", "application/json")
    sink.close()

    first, plain = client.get_object(Bucket="lake", Key=KEY), client.get_object(Bucket="lake", Key="plain")
    assert first["Body"].read() == b"body"
    assert (first["ContentType"], first["ContentEncoding"]) == ("application/octet-stream", "hadoop-snappy")
    assert plain["ContentType"] == "application/json"
    assert "ContentEncoding" not in plain
