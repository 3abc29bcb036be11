"""Our delivery streams' requests: what AWS's own model says of them."""

import botocore.session
import botocore.validate
import pytest

from tests.firehose_streams import destination, request


def test_the_request_is_valid_by_the_services_own_model() -> None:
    model = botocore.session.get_session().get_service_model("firehose")
    shape = model.operation_model("CreateDeliveryStream").input_shape

    report = botocore.validate.ParamValidator().validate(request(tags={"ProductCode": "PRD3292"}), shape)

    assert not report.has_errors(), report.generate_report()


def test_the_prefixes_are_where_the_lake_keeps_things() -> None:
    config = destination(request())

    prefix = "data-pipeline/parquet/!{partitionKeyFromLambda:type}/partition_date=!{partitionKeyFromLambda:date}/"
    assert config["Prefix"] == prefix
    assert config["ErrorOutputPrefix"] == "data-pipeline/errors/firehose/!{firehose:error-output-type}/"


def test_the_table_is_called_as_the_record_type_unless_told() -> None:
    schema = destination(request())["DataFormatConversionConfiguration"]["SchemaConfiguration"]
    told = destination(request(table="orders"))["DataFormatConversionConfiguration"]["SchemaConfiguration"]

    assert (schema["TableName"], told["TableName"]) == ("order", "orders")


@pytest.mark.parametrize("seconds", [60, 300])
def test_the_buffer_interval_takes_its_bounds(seconds: int) -> None:
    assert destination(request(buffer_seconds=seconds))["BufferingHints"]["IntervalInSeconds"] == seconds


@pytest.mark.parametrize("seconds", [59, 301])
def test_a_buffer_interval_that_misses_a_requirement_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="60 to 300"):
        request(buffer_seconds=seconds)


@pytest.mark.parametrize("mib", [0.1, 3.1])
def test_a_lambda_buffer_that_firehose_would_refuse_is_refused(mib: float) -> None:
    with pytest.raises(ValueError, match=r"0\.2 to 3"):
        request(lambda_buffer_mib=mib)
