"""The function's own writes: short, whole, and of a type that readers can tell."""

import boto3
import pytest
from moto import mock_aws

from transform.archive import S3Store


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_an_object_is_put_with_its_content_type() -> None:
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="lake")

        S3Store("lake").put("data-pipeline/errors/records/a.jsonl", b"{}\n", "application/x-ndjson")

        found = s3.get_object(Bucket="lake", Key="data-pipeline/errors/records/a.jsonl")
    assert (found["Body"].read(), found["ContentType"]) == (b"{}\n", "application/x-ndjson")


def test_a_put_is_given_up_before_it_costs_the_batch() -> None:
    config = S3Store("lake")._s3.meta.config

    assert config.connect_timeout + config.read_timeout <= 10
    assert config.retries["total_max_attempts"] == 2
