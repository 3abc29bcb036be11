"""Streams into Iceberg tables behind the API: the endpoint's Glue has the tables, its S3 their files."""

from typing import Any

import pytest

from firehose.local.config.delivery_stream import read_delivery_stream
from firehose.local.config.described import create_request
from firehose.local.iceberg_catalogs import glue_catalog
from tests.endpoints import BUCKET, LocalAws
from tests.iceberg_streams import ids, make_table
from tests.stream_requests import iceberg, only_table

pytestmark = pytest.mark.slow


def catalog(aws: LocalAws) -> Any:
    files = {"s3.endpoint": aws.url, "s3.region": "us-east-1", "s3.access-key-id": "x", "s3.secret-access-key": "x"}
    return glue_catalog(aws.client("glue"), warehouse=f"s3://{BUCKET}/tables", **files)


def stream(**members: Any) -> dict[str, Any]:
    made = iceberg(DestinationTableConfigurationList=only_table(), **members)
    made["IcebergDestinationConfiguration"]["S3Configuration"]["BucketARN"] = f"arn:aws:s3:::{BUCKET}"
    return made


def test_rows_put_are_appended_once_and_failures_are_objects(aws: LocalAws) -> None:
    tables = catalog(aws)
    make_table(tables)
    aws.client("firehose").create_delivery_stream(**stream())
    aws.control("faults", {"stream": "orders", "fault": "iceberg-unknown", "times": 1})

    aws.put({"id": "a", "qty": 1}, {"id": "b", "qty": "many"})
    aws.advance(310)

    assert ids(tables.load_table("db.orders").scan().to_arrow().to_pylist()) == ["a"]
    assert [error["errorCode"] for error in aws.errors("iceberg-failed/")] == ["Iceberg.InvalidColumnValue"]
    assert (aws.counts()["delivered"], aws.counts()["waiting"]) == (1, 0)


def test_another_stream_of_the_same_name_appends_its_own_records(aws: LocalAws) -> None:
    tables = catalog(aws)
    make_table(tables)
    firehose = aws.client("firehose")
    for name in ("a", "b"):
        firehose.create_delivery_stream(**stream())
        aws.put({"id": name})
        aws.advance(310)
        firehose.delete_delivery_stream(DeliveryStreamName="orders")

    assert ids(tables.load_table("db.orders").scan().to_arrow().to_pylist()) == ["a", "b"]


def test_a_description_makes_the_stream_again(aws: LocalAws) -> None:
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(**stream())

    described = firehose.describe_delivery_stream(DeliveryStreamName="orders")

    made = read_delivery_stream(create_request(described)).destination
    assert made.bucket == BUCKET
    assert made.buffer_seconds == 300
