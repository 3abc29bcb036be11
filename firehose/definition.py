"""The CreateDeliveryStream request of one record type: what Terraform declares and the local data plane runs."""

from typing import Any

# By type and partition date, many records an object (REQ-3, BR-9).
PARQUET_PREFIX = "data-pipeline/parquet/!{partitionKeyFromLambda:type}/partition_date=!{partitionKeyFromLambda:date}/"
ERROR_PREFIX = "data-pipeline/errors/firehose/!{firehose:error-output-type}/"

# The largest buffer Firehose takes, and its default with format conversion: the fewest objects a day.
BUFFER_MIB = 128

# Lambda's request and answer may not pass 6 MB; base64 adds a third and rows carry a change record more than images
# do. 1 is Firehose's own default (guide, "Transform data").
LAMBDA_BUFFER_MIB = 1


def create_delivery_stream(  # noqa: PLR0913  each is a name of AWS's that only the caller knows
    record_type: str,
    *,
    name: str,
    stream_arn: str,
    function_arn: str,
    bucket: str,
    role_arn: str,
    database: str,
    table: str = "",
    region: str = "us-east-1",
    buffer_seconds: int = 60,
    lambda_buffer_mib: float = LAMBDA_BUFFER_MIB,
    lambda_buffer_seconds: int = 60,
    lambda_retries: int = 3,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The request for Parquet mode, as boto3's `create_delivery_stream(**request)` takes it.

    create_delivery_stream("sale", name="prd3292-dev1-dmnd-sale", ...)
        -> {"DeliveryStreamName": "prd3292-dev1-dmnd-sale", "DeliveryStreamType": "KinesisStreamAsSource", ...}

    `table` is the Glue table, by default called as the record type is. `buffer_seconds` is 60 to 300: Firehose takes
    no less with dynamic partitioning, and the data must be queryable within five minutes (REQ-7).

    Raises:
        ValueError: `buffer_seconds` outside 60 to 300, or `lambda_buffer_mib` outside Firehose's 0.2 to 3.
    """
    if not 60 <= buffer_seconds <= 300:
        raise ValueError(f"buffer_seconds is {buffer_seconds}; it must be 60 to 300")
    if not 0.2 <= lambda_buffer_mib <= 3:
        raise ValueError(f"lambda_buffer_mib is {lambda_buffer_mib}; Firehose takes 0.2 to 3")
    request: dict[str, Any] = {
        "DeliveryStreamName": name,
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": stream_arn, "RoleARN": role_arn},
        "ExtendedS3DestinationConfiguration": {
            "RoleARN": role_arn,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": PARQUET_PREFIX,
            "ErrorOutputPrefix": ERROR_PREFIX,
            "BufferingHints": {"SizeInMBs": BUFFER_MIB, "IntervalInSeconds": buffer_seconds},
            "CompressionFormat": "UNCOMPRESSED",  # with format conversion nothing else: the Parquet pages are Snappy
            "CloudWatchLoggingOptions": {
                "Enabled": True,
                "LogGroupName": f"/aws/kinesisfirehose/{name}",
                "LogStreamName": "S3Delivery",
            },
            "S3BackupMode": "Disabled",  # a backup would keep deleted people's data unscrubbed
            "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [
                    _lambda_processor(function_arn, role_arn, lambda_retries, lambda_buffer_mib, lambda_buffer_seconds)
                ],
            },
            "DataFormatConversionConfiguration": _conversion(role_arn, database, table or record_type, region),
        },
    }
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return request


def _lambda_processor(
    function_arn: str, role_arn: str, retries: int, buffer_mib: float, buffer_seconds: int
) -> dict[str, Any]:
    # In the order in which DescribeDeliveryStream gives them back, so that a comparison finds no difference.
    parameters = {
        "LambdaArn": function_arn,
        "NumberOfRetries": str(retries),
        "RoleArn": role_arn,
        "BufferSizeInMBs": f"{buffer_mib:g}",
        "BufferIntervalInSeconds": str(buffer_seconds),
    }
    return {
        "Type": "Lambda",
        "Parameters": [{"ParameterName": key, "ParameterValue": value} for key, value in parameters.items()],
    }


def _conversion(role_arn: str, database: str, table: str, region: str) -> dict[str, Any]:
    return {
        "Enabled": True,
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {"CaseInsensitive": True}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY", "WriterVersion": "V1"}}},
        "SchemaConfiguration": {
            "RoleARN": role_arn,
            "DatabaseName": database,
            "TableName": table,
            "Region": region,
            "VersionId": "LATEST",
        },
    }
