"""A lake in S3 gives the report of the same lake in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from firehose.local.user_error import UserError
from tests.commands import SAMPLE, keys, result_of
from tests.lake.report_pages import Page, report_of

pytestmark = pytest.mark.slow

# These are as old as the objects of the bucket, which moto puts now.
AGES = ("Rows by type and age on arrival", "Rows by day of change and age on arrival")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("lake")
    result_of("run", str(SAMPLE), "--lake", str(lake))
    return lake


@pytest.fixture(scope="module")
def bucket(folder: Path) -> Iterator[str]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="lake")
        for key, body in keys(folder).items():
            client.put_object(Bucket="lake", Key=key, Body=body)
        yield "s3://lake"


def tables(page: Page) -> dict[str, Any]:
    return {caption: rows for caption, rows in page.tables.items() if caption not in AGES}


def test_its_numbers_are_those_of_the_folder_and_it_lists_each_object_once_and_puts_nothing(
    folder: Path, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, str]] = []
    make = botocore.client.BaseClient._make_api_call

    def counted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made.append((operation, parameters.get("Prefix", "")))
        return make(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counted)

    found = report_of(bucket, tmp_path)

    assert tables(found) == tables(report_of(folder, tmp_path))
    assert found.words["h1"] == ["Lake s3://lake"]
    assert sum(row["over a day"] for row in found.table("Rows by type and age on arrival")) == 1980
    assert {operation for operation, _ in made} == {"ListObjectsV2", "GetObject"}
    listed = [prefix for operation, prefix in made if operation == "ListObjectsV2" and prefix != "data-pipeline/"]
    assert len(listed) == len(set(listed))


def deny(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    make = botocore.client.BaseClient._make_api_call

    def denied(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if part in parameters.get("Key", ""):
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
        return make(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", denied)


def test_who_may_not_read_firehoses_errors_sees_the_error_documents(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deny(monkeypatch, "errors/firehose/")

    page = report_of(bucket, tmp_path)

    assert page.tile("failed records waiting") == "19"
    assert any(text.startswith("Firehose's error output may not be read") for text in page.words["p"])


def test_who_may_not_read_the_rows_gets_no_page(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deny(monkeypatch, ".parquet")

    with pytest.raises(UserError):
        report_of(bucket, tmp_path)

    assert not (tmp_path / "report.html").exists()
