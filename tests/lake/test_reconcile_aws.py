"""Reconciliation of a table that is scanned, and of lakes in S3."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.local.user_error import UserError
from tests.commands import result_of
from tests.exports import TABLE, demand, full_export, make_table

pytestmark = pytest.mark.slow

ITEMS = [demand("a"), demand("b", "2025-01-02")]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        for bucket in ("lake", "scratch"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        yield


def keys(bucket: str) -> list[str]:
    return [one["Key"] for one in boto3.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])]


def reconciled(*options: str) -> tuple[int, dict[str, int]]:
    result = result_of("reconcile", "--json", *options)
    found: dict[str, Any] = json.loads(result.stdout)
    return result.exit_code, {name: count for name, count in found["types"]["demand"].items() if count}


def test_a_table_that_is_scanned_is_compared_with_its_lake(tmp_path: Path) -> None:
    make_table(*ITEMS)
    lake = str(tmp_path / "lake")
    result_of("backfill", "--table", TABLE, "--lake", lake, "--state", str(tmp_path / "state"))

    assert reconciled("--table", TABLE, "--lake", lake) == (0, {"same": 2})

    boto3.client("dynamodb").put_item(TableName=TABLE, Item=demand("c"))
    assert reconciled("--table", TABLE, "--lake", lake) == (1, {"same": 2, "missing": 1})


def test_a_lake_in_s3_is_compared_by_a_scratch_lake_in_s3_that_is_emptied(tmp_path: Path) -> None:
    full_export(tmp_path / "export", ITEMS)
    export = ["--export", str(tmp_path / "export")]
    result_of("backfill", *export, "--lake", "s3://lake", "--state", str(tmp_path / "state"))
    before = keys("lake")

    assert reconciled(*export, "--lake", "s3://lake", "--scratch", "s3://scratch") == (0, {"same": 2})

    boto3.client("s3").delete_object(Bucket="lake", Key=before[0])
    assert reconciled(*export, "--lake", "s3://lake", "--scratch", "s3://scratch") == (1, {"same": 1, "missing": 1})
    assert keys("scratch") == []
    assert keys("lake") == before[1:]


def test_a_lake_is_never_taken_for_a_scratch_lake(tmp_path: Path) -> None:
    full_export(tmp_path / "export", ITEMS)
    export = ["--export", str(tmp_path / "export")]
    result_of("backfill", *export, "--lake", "s3://lake", "--state", str(tmp_path / "state"))
    before = keys("lake")

    with pytest.raises(UserError, match="s3://lake is a lake already: name a bucket for --scratch that has nothing"):
        result_of("reconcile", *export, "--lake", "s3://lake", "--scratch", "s3://lake")

    assert keys("lake") == before
