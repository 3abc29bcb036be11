"""Builds the CreateDeliveryStream requests that Terraform declares and the local data plane runs."""

from typing import Any

from firehose.pipeline.modes import Destination, ModeRow
from firehose.pipeline.names import REGION
from glue.layout import FIREHOSE_ERRORS

ERROR_PREFIX = FIREHOSE_ERRORS + "!{firehose:error-output-type}/"

# The largest buffer that Firehose takes, and its default with format conversion: the fewest objects a day.
BUFFER_MIB = 128


def create_delivery_stream(  # noqa: PLR0913  each is a name of AWS's that only the caller knows
    mode: ModeRow,
    *,
    name: str,
    stream_arn: str,
    function_arn: str,
    bucket: str,
    role_arn: str,
    database: str,
    table: str,
    region: str = REGION,
    buffer_seconds: int = 60,
    lambda_retries: int = 3,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return the request for one stream of a mode, as boto3's `create_delivery_stream(**request)` takes it.

    create_delivery_stream(MODES["parquet"], name="prd3292-dev1-dmnd-sale", ...)
        -> {"DeliveryStreamName": "prd3292-dev1-dmnd-sale", "DeliveryStreamType": "KinesisStreamAsSource", ...}

    `database` and `table` are the Glue table that a mode converts by, if it does. `buffer_seconds` is 60 to 300:
    Firehose takes no less with dynamic partitioning, Iceberg tables would get a snapshot with each flush, and the data
    must be queryable within five minutes (REQ-7).
    Objects that the function writes itself only wait for the mode's lambda buffer.

    Raises:
        ValueError: `buffer_seconds` is outside 60 to 300, or the mode's lambda buffer outside Firehose's 0.2 to 3 MiB.
    """
    request: dict[str, Any] = {
        "DeliveryStreamName": name,
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": stream_arn, "RoleARN": role_arn},
    }
    destination = {
        "RoleARN": role_arn,
        "BufferingHints": _buffer(buffer_seconds),
        "CloudWatchLoggingOptions": _logging(name),
        "ProcessingConfiguration": _processing(mode, function_arn, role_arn, lambda_retries),
    }
    match mode.destination:
        case Destination.S3:
            request["ExtendedS3DestinationConfiguration"] = {
                **destination,
                "BucketARN": f"arn:aws:s3:::{bucket}",
                "Prefix": mode.prefix,
                **_ALWAYS,
                **(_PARTITIONING if mode.partitions else {}),
                **(_conversion(role_arn, database, table, region) if mode.converts else {}),
            }
        case Destination.ICEBERG:
            request["IcebergDestinationConfiguration"] = {**destination, **_iceberg(role_arn, bucket, region)}
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return request


_ALWAYS = {
    "ErrorOutputPrefix": ERROR_PREFIX,
    "CompressionFormat": "UNCOMPRESSED",  # the only value with format conversion; the Parquet pages are Snappy
    "S3BackupMode": "Disabled",  # a backup would keep deleted people's data unscrubbed
}
# The longest that Firehose takes. Afterwards every waiting row goes to the error output, even if only the catalog or a
# permission was wrong for a while.
_ICEBERG_RETRY_SECONDS = 7200

_PARTITIONING = {
    "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}},
}


def _buffer(seconds: int) -> dict[str, int]:
    if not 60 <= seconds <= 300:
        raise ValueError(f"buffer_seconds is {seconds}; it must be 60 to 300")
    return {"SizeInMBs": BUFFER_MIB, "IntervalInSeconds": seconds}


def _logging(name: str) -> dict[str, Any]:
    return {"Enabled": True, "LogGroupName": f"/aws/kinesisfirehose/{name}", "LogStreamName": "S3Delivery"}


def _processing(mode: ModeRow, function_arn: str, role_arn: str, retries: int) -> dict[str, Any]:
    if not 0.2 <= mode.lambda_buffer_mib <= 3:
        raise ValueError(f"lambda_buffer_mib is {mode.lambda_buffer_mib}; Firehose takes 0.2 to 3")
    # In the order in which DescribeDeliveryStream returns them, so that a comparison finds no difference.
    parameters = {
        "LambdaArn": function_arn,
        "NumberOfRetries": str(retries),
        "RoleArn": role_arn,
        "BufferSizeInMBs": f"{mode.lambda_buffer_mib:g}",
        "BufferIntervalInSeconds": str(mode.lambda_buffer_seconds),
    }
    listed = [{"ParameterName": key, "ParameterValue": value} for key, value in parameters.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": listed}]}


def _iceberg(role_arn: str, bucket: str, region: str) -> dict[str, Any]:
    """Return the members of a destination whose rows name their tables.

    It lists no tables: Terraform's AWS provider would replace the stream for each further one, and only unique keys,
    which this mode has not, and error prefixes need the list.
    """
    account = role_arn.split(":")[4]
    return {
        "CatalogConfiguration": {"CatalogARN": f"arn:aws:glue:{region}:{account}:catalog"},
        "RetryOptions": {"DurationInSeconds": _ICEBERG_RETRY_SECONDS},
        # What fails; rows go to the tables' own places.
        "S3Configuration": {
            "RoleARN": role_arn,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "ErrorOutputPrefix": ERROR_PREFIX,
        },
    }


def _conversion(role_arn: str, database: str, table: str, region: str) -> dict[str, Any]:
    return {
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {"CaseInsensitive": True}}},
            "OutputFormatConfiguration": {
                "Serializer": {"ParquetSerDe": {"Compression": "SNAPPY", "WriterVersion": "V1"}}
            },
            "SchemaConfiguration": {
                "RoleARN": role_arn,
                "DatabaseName": database,
                "TableName": table,
                "Region": region,
                "VersionId": "LATEST",
            },
        }
    }
