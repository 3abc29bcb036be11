"""What an endpoint says is deployed is what the data plane runs."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.commands import Mistake
from firehose.stream.delivery_stream import read_delivery_stream
from firehose.up.described import create_request
from tests.firehose_streams import avro_request, request


@pytest.fixture
def firehose() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("firehose", region_name="us-east-1")


def described(firehose: Any, made: dict[str, Any]) -> dict[str, Any]:
    firehose.create_delivery_stream(**made)
    answer = firehose.describe_delivery_stream(DeliveryStreamName=made["DeliveryStreamName"])
    found: dict[str, Any] = answer["DeliveryStreamDescription"]
    return found


@pytest.mark.parametrize("made", [pytest.param(request(), id="parquet"), pytest.param(avro_request(), id="avro")])
def test_a_stream_that_is_described_is_the_stream_that_was_made(firehose: Any, made: dict[str, Any]) -> None:
    assert settings(create_request(described(firehose, made))) == settings(made)


def settings(made: dict[str, Any]) -> dict[str, Any]:
    """All that a stream is read into; a prefix by its text, since it is compiled anew each time."""
    stream = read_delivery_stream(made)
    found = {field.name: getattr(stream, field.name) for field in fields(stream)}
    return {**found, "prefix": stream.prefix.raw, "error_prefix": stream.error_prefix.raw}


def test_a_stream_without_a_kinesis_source_is_refused_by_name(firehose: Any) -> None:
    description = described(firehose, request()) | {"DeliveryStreamType": "DirectPut"}

    with pytest.raises(Mistake, match="the delivery stream orders is DirectPut"):
        create_request(description)


def test_a_destination_that_is_not_extended_s3_is_refused_by_name(firehose: Any) -> None:
    description = described(firehose, request()) | {"Destinations": [{"DestinationId": "1"}]}

    with pytest.raises(Mistake, match="the delivery stream orders has no extended S3 destination"):
        create_request(description)


def test_the_version_of_a_description_stands_in_the_names_of_its_objects() -> None:
    assert read_delivery_stream(request(), version=7).version == 7
