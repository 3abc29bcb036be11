"""The objects of a lake: what a bucket holds is read as the file that it would be in a folder."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from firehose.lake.objects import BucketLake, FolderLake
from firehose.local.user_error import UserError

BODY = bytes(range(40))
KEY = "data-pipeline/parquet/demand/a.parquet"
STEPS = st.lists(
    st.tuples(st.just("read"), st.integers(-1, 50))
    | st.tuples(st.sampled_from(["from the start", "from here", "from the end"]), st.integers(-60, 60)),
    max_size=12,
)
WHENCE = {"from the start": os.SEEK_SET, "from here": os.SEEK_CUR, "from the end": os.SEEK_END}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinaryIO]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="lake")
        client.put_object(Bucket="lake", Key=KEY, Body=BODY)
        lake = BucketLake("lake")
        (stored,) = lake.objects("data-pipeline/")
        yield lake.open(stored)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_an_object_is_read_like_a_file(opened: BinaryIO, steps: list[tuple[str, int]]) -> None:
    file = io.BytesIO(BODY)
    opened.seek(0)

    for step, number in steps:
        if step == "read":
            assert opened.read(number) == file.read(number)
        else:
            whence = WHENCE[step]
            start = {os.SEEK_SET: 0, os.SEEK_CUR: file.tell(), os.SEEK_END: len(BODY)}[whence]
            offset = max(number, -start)  # nothing lies before the start
            assert opened.seek(offset, whence) == file.seek(offset, whence)
        assert opened.tell() == file.tell()


def test_two_reads_of_an_object_go_on_where_the_first_ended(opened: BinaryIO) -> None:
    assert (opened.read(10), opened.read(10), opened.readable(), opened.seekable()) == (
        BODY[:10],
        BODY[10:20],
        True,
        True,
    )
    assert opened.read() == BODY[20:]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data-pipeline" / "closed").mkdir(parents=True)
    scan = os.scandir

    def scandir(folder: Any) -> Any:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)

    with pytest.raises(UserError, match="data-pipeline/closed cannot be read: Permission denied"):
        list(FolderLake(tmp_path).objects("data-pipeline"))
