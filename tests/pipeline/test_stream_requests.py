"""The requests that make our delivery streams, checked against AWS's own model of the call."""

import botocore.session
import botocore.validate
import pytest

from firehose.local.config.delivery_stream import read_delivery_stream
from glue.layout import Format
from tests.firehose_streams import avro_request, destination, request
from tests.stream_requests import s3_of

IN_EACH_MODE = pytest.mark.parametrize("mode", Format)


@IN_EACH_MODE
def test_the_request_is_valid_by_the_services_own_model(mode: Format) -> None:
    model = botocore.session.get_session().get_service_model("firehose")
    shape = model.operation_model("CreateDeliveryStream").input_shape

    report = botocore.validate.ParamValidator().validate(request(mode=mode, tags={"ProductCode": "PRD3292"}), shape)

    assert not report.has_errors(), report.generate_report()


def test_the_prefixes_are_where_the_lake_keeps_things() -> None:
    config = destination(request())

    prefix = "data-pipeline/parquet/!{partitionKeyFromLambda:type}/partition_date=!{partitionKeyFromLambda:date}/"
    assert config["Prefix"] == prefix
    assert config["ErrorOutputPrefix"] == "data-pipeline/errors/firehose/!{firehose:error-output-type}/"


def test_a_mode_that_converts_does_so_by_the_named_table() -> None:
    schema = destination(request(table="orders"))["DataFormatConversionConfiguration"]["SchemaConfiguration"]

    assert (schema["DatabaseName"], schema["TableName"]) == ("db", "orders")


def test_in_avro_mode_one_stream_neither_partitions_nor_converts() -> None:
    read = s3_of(read_delivery_stream(avro_request()))

    assert (read.partitioned, read.conversion, read.extension) == (
        False,
        None,
        "",
    )
    assert "ProcessingConfiguration" in destination(avro_request())


def test_in_avro_mode_an_ok_that_should_never_be_lands_below_errors_and_in_no_table() -> None:
    config = destination(avro_request())

    assert config["Prefix"] == "data-pipeline/errors/firehose/unexpected-ok/"
    assert config["ErrorOutputPrefix"] == "data-pipeline/errors/firehose/!{firehose:error-output-type}/"


def test_in_iceberg_mode_rows_name_their_tables_so_the_stream_names_none() -> None:
    config = destination(request(mode=Format.ICEBERG))

    assert "DestinationTableConfigurationList" not in config
    assert "AppendOnly" not in config, "the provider of Terraform that is locked does not know it"
    assert config["CatalogConfiguration"] == {"CatalogARN": "arn:aws:glue:us-east-1:123456789012:catalog"}
    assert config["S3Configuration"]["ErrorOutputPrefix"] == (
        "data-pipeline/errors/firehose/!{firehose:error-output-type}/"
    )
    assert config["RetryOptions"] == {"DurationInSeconds": 7200}


def test_in_avro_mode_a_batch_of_the_smallest_changes_passes_no_limit_of_lambdas() -> None:
    least_bytes = 350  # a change record without an image is more
    envelope_bytes = 450  # of an event record, and what the base64 rounds up

    settings = read_delivery_stream(avro_request()).processing.function
    assert settings

    records = settings.buffer_bytes // least_bytes
    assert settings.buffer_bytes * 4 // 3 + records * envelope_bytes < 6_291_456


@IN_EACH_MODE
@pytest.mark.parametrize("seconds", [60, 300])
def test_the_buffer_interval_takes_its_bounds(mode: Format, seconds: int) -> None:
    assert destination(request(mode=mode, buffer_seconds=seconds))["BufferingHints"]["IntervalInSeconds"] == seconds


@IN_EACH_MODE
@pytest.mark.parametrize("seconds", [59, 301])
def test_a_buffer_interval_that_misses_a_requirement_is_refused(mode: Format, seconds: int) -> None:
    with pytest.raises(ValueError, match="60 to 300"):
        request(mode=mode, buffer_seconds=seconds)


@IN_EACH_MODE
@pytest.mark.parametrize("mib", [0.1, 3.1])
def test_a_lambda_buffer_that_firehose_would_refuse_is_refused(mode: Format, mib: float) -> None:
    with pytest.raises(ValueError, match=r"0\.2 to 3"):
        request(mode=mode, lambda_buffer_mib=mib)
