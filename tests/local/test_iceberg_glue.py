"""Iceberg tables in Glue's catalog, their files in S3, both behind moto as a server."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from firehose.local.data_plane import DataPlane
from firehose.local.iceberg_catalogs import glue_catalog
from firehose.local.local_stream import LocalStream
from firehose.local.sources.source_names import named_by_records
from tests.fakes import MemorySink
from tests.firehose_streams import records
from tests.iceberg_streams import ids, make_table
from tests.local_aws import local_aws
from tests.stream_requests import iceberg, only_table

pytestmark = pytest.mark.slow

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "own", "aws_secret_access_key": "own"}


@pytest.fixture
def glue() -> Iterator[Any]:
    with local_aws() as url:
        boto3.client("s3", endpoint_url=url, **KEYS).create_bucket(Bucket="lake")
        client = boto3.client("glue", endpoint_url=url, **KEYS)
        files = {"s3.endpoint": url, "s3.region": "us-east-1", "s3.access-key-id": "own", "s3.secret-access-key": "own"}
        yield glue_catalog(client, warehouse="s3://lake/tables", **files)
        client.close()


def deliver(glue: Any, table: str) -> MemorySink:
    sink = MemorySink()
    source = records(b'{"id": "a"}', b'{"id": "b", "qty": "many"}')
    local = LocalStream(iceberg(DestinationTableConfigurationList=only_table(name=table)), catalog=lambda: glue)
    report = DataPlane([local], sink, source_of=named_by_records(source)).run(source)
    assert report.adds_up
    return sink


def test_rows_are_appended_once_to_a_table_of_glue(glue: Any) -> None:
    make_table(glue)

    deliver(glue, "orders")
    sink = deliver(glue, "orders")

    table = glue.load_table("db.orders")
    assert ids(table.scan().to_arrow().to_pylist()) == ["a"]
    assert [name for name in table.properties if name.startswith("commit.")] == []
    assert [error["errorCode"] for error in sink.documents()] == ["Iceberg.InvalidColumnValue"]


def test_a_table_of_glue_that_is_not_icebergs_or_not_there_fails_its_rows(glue: Any) -> None:
    glue.create_namespace("db")
    plain = {"Name": "plain", "Parameters": {"table_type": "HIVE"}, "StorageDescriptor": {"Columns": []}}
    glue.glue.create_table(DatabaseName="db", TableInput=plain)

    for name in ("plain", "missing"):
        codes = {error["errorCode"] for error in deliver(glue, name).documents()}
        assert codes == {"Iceberg.NoSuchTable"}


def test_a_commit_whose_answer_was_lost_and_whose_repetition_glue_refuses_is_there_once(
    glue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyIceberg alone would delete the manifests of a commit that has landed."""
    make_table(glue)
    update = glue.glue.update_table
    lost: list[Any] = []

    def repeated(**request: Any) -> Any:
        answer = update(**request)
        if not lost:
            lost.append(answer)
            raise glue.glue.exceptions.ConcurrentModificationException({"Error": {}}, "UpdateTable")
        return answer

    monkeypatch.setattr(glue.glue, "update_table", repeated)

    deliver(glue, "orders")

    assert len(lost) == 1
    assert ids(glue.load_table("db.orders").scan().to_arrow().to_pylist()) == ["a"]
