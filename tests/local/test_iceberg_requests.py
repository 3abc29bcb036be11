"""Requests for Iceberg destinations: what is read, refused by Firehose, and refused because only AWS supports it."""

from typing import Any

import pytest

from firehose.local.config.delivery_stream import read_delivery_stream
from firehose.local.config.iceberg_destination import IcebergDestination, TableName
from firehose.local.config.members import RefusedSettingError, SettingError, UnsupportedSettingError
from tests.firehose_streams import ROLE_ARN
from tests.stream_requests import ABSENT, ICEBERG, changed, iceberg, only_table, plain

MIB = 1024 * 1024
CATALOG = f"{ICEBERG}.CatalogConfiguration"
TABLES = f"{ICEBERG}.DestinationTableConfigurationList"


def destination(**members: Any) -> IcebergDestination:
    found = read_delivery_stream(iceberg(**members)).destination
    assert isinstance(found, IcebergDestination)
    return found


def test_what_is_left_out_has_firehoses_defaults() -> None:
    found = destination()

    assert (found.bucket, found.table) == ("lake", None)
    assert (found.buffer_bytes, found.buffer_seconds, found.retry_seconds) == (5 * MIB, 300, 300)


def test_what_is_given_is_read() -> None:
    found = destination(
        BufferingHints={"SizeInMBs": 128, "IntervalInSeconds": 0},
        RetryOptions={"DurationInSeconds": 0},
        DestinationTableConfigurationList=only_table("db", "orders"),
        S3Configuration={"RoleARN": ROLE_ARN, "BucketARN": "arn:aws:s3:::failed", "ErrorOutputPrefix": "e/"},
        S3BackupMode="FailedDataOnly",
        AppendOnly=False,
        SchemaEvolutionConfiguration={"Enabled": False},
        TableCreationConfiguration={"Enabled": False},
    )

    assert (found.bucket, found.error_prefix.raw) == ("failed", "e/")
    assert (found.buffer_bytes, found.buffer_seconds, found.retry_seconds) == (128 * MIB, 0, 0)
    assert found.table == TableName("db", "orders")


def test_of_several_tables_none_is_that_of_records_which_name_none() -> None:
    assert destination(DestinationTableConfigurationList=only_table() * 2).table is None


def test_the_catalog_of_an_s3_table_bucket_is_taken() -> None:
    arn = "arn:aws:glue:us-east-1:123456789012:catalog/s3tablescatalog/own"

    assert destination(CatalogConfiguration={"CatalogARN": arn})


@pytest.mark.parametrize(
    ("request_", "path", "code"),
    [
        pytest.param(iceberg(RoleARN=ABSENT), f"{ICEBERG}.RoleARN", "ValidationException", id="no role"),
        pytest.param(iceberg(RoleARN="arn:aws:iam::1:user/x"), f"{ICEBERG}.RoleARN",
                     "ValidationException", id="a role that is a user"),
        pytest.param(iceberg(CatalogConfiguration=ABSENT), CATALOG, "ValidationException", id="no catalog"),
        pytest.param(iceberg(CatalogConfiguration={}), f"{CATALOG}.CatalogARN", None, id="a catalog without its ARN"),
        pytest.param(iceberg(CatalogConfiguration={"CatalogARN": "arn:aws:glue:us-east-1:123456789012:database/x"}),
                     f"{CATALOG}.CatalogARN", "ValidationException", id="the ARN of a database"),
        pytest.param(iceberg(S3Configuration=ABSENT), f"{ICEBERG}.S3Configuration", "ValidationException",
                     id="no bucket for errors"),
        pytest.param(iceberg(DestinationTableConfigurationList=only_table(name="order-s")),
                     f"{TABLES}[0].DestinationTableName", "ValidationException", id="a hyphen in a table's name"),
        pytest.param(iceberg(BufferingHints={"SizeInMBs": 5}), f"{ICEBERG}.BufferingHints.IntervalInSeconds", None,
                     id="a size without an interval"),
        pytest.param(iceberg(BufferingHints={"SizeInMBs": 129, "IntervalInSeconds": 60}),
                     f"{ICEBERG}.BufferingHints.SizeInMBs", "ValidationException", id="129 MiB"),
        pytest.param(iceberg(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 901}),
                     f"{ICEBERG}.BufferingHints.IntervalInSeconds", "ValidationException", id="901 s"),
        pytest.param(iceberg(RetryOptions={"DurationInSeconds": 7201}), f"{ICEBERG}.RetryOptions.DurationInSeconds",
                     "ValidationException", id="7,201 s of retries"),
        pytest.param({**iceberg(), **plain()}, ICEBERG, None, id="an S3 destination beside it"),
    ],
)  # fmt: skip
def test_firehose_refuses_of_an_iceberg_destination(request_: dict[str, Any], path: str, code: str | None) -> None:
    with pytest.raises(RefusedSettingError) as refused:
        read_delivery_stream(request_)

    assert refused.value.path == path
    assert refused.value.code == code or (code is None and refused.value.code == "InvalidArgumentException")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("AppendOnly", True, "only inserts"),
        ("SchemaEvolutionConfiguration.Enabled", True, "adding the columns"),
        ("TableCreationConfiguration.Enabled", True, "making the tables"),
        ("S3BackupMode", "AllData", "FailedDataOnly"),
        ("CatalogConfiguration.WarehouseLocation", "s3://lake/", "a location"),
        ("DestinationTableConfigurationList.0.UniqueKeys", ["id"], "updates and deletes"),
        ("DestinationTableConfigurationList.0.PartitionSpec", {"Identity": [{"SourceName": "day"}]}, "partitions"),
        ("DestinationTableConfigurationList.0.S3ErrorOutputPrefix", "own/", "an error prefix"),
    ],
)
def test_what_only_aws_does_with_iceberg_tables_is_refused_by_name_with_what_it_does(
    path: str, value: object, says: str
) -> None:
    made = iceberg(DestinationTableConfigurationList=only_table())

    with pytest.raises(UnsupportedSettingError, match=f"AWS takes .*{says}") as refused:
        read_delivery_stream(changed(made, f"{ICEBERG}.{path}", value))

    assert refused.value.path == f"{ICEBERG}.{path}".replace(".0.", "[0].")


def test_iceberg_has_neither_the_floors_of_conversion_nor_those_of_partitioning() -> None:
    assert destination(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0}).buffer_seconds == 0


def test_a_request_has_one_destination_only() -> None:
    with pytest.raises(SettingError, match="must be the only destination"):
        read_delivery_stream({**plain(), **iceberg()})
