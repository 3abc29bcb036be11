"""The CreateDeliveryStream requests of both modes: what Terraform declares and the local data plane runs."""

from typing import Any

from glue.layout import FIREHOSE_ERRORS, Format, partition, type_prefix

# By type and partition date, many records an object (REQ-3, BR-9).
PARQUET_PREFIX = partition(
    type_prefix(Format.PARQUET, "!{partitionKeyFromLambda:type}"), "!{partitionKeyFromLambda:date}"
)
ERROR_PREFIX = FIREHOSE_ERRORS + "!{firehose:error-output-type}/"

# In Avro mode the function puts the containers and answers Dropped, so nothing is ever delivered here. An Ok would be a
# function of the other mode behind this stream. Its rows would be no container, so not below avro/; here they raise
# the alarm on the error prefix, are kept by its tighter policy, and stand in `dmd errors` under a kind of their own.
NEVER_PREFIX = FIREHOSE_ERRORS + "unexpected-ok/"

# The largest buffer Firehose takes, and its default with format conversion: the fewest objects a day.
BUFFER_MIB = 128

# Lambda's request and answer may not pass 6 MB; base64 adds a third and rows carry a change record more than images
# do. 1 is Firehose's own default (guide, "Transform data").
LAMBDA_BUFFER_MIB = 1

# In Avro mode a batch is what containers are made of, and the answer is short. At 3, Firehose's most, batches of small
# changes (700 bytes, and 450 more of each in the event) could pass 6 MB as requests; at 2 those of 350 bytes do not.
AVRO_LAMBDA_BUFFER_MIB = 2


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
    destination = {
        "Prefix": PARQUET_PREFIX,
        "BufferingHints": _buffer(BUFFER_MIB, buffer_seconds),
        "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}},
        "ProcessingConfiguration": _processing(
            function_arn, role_arn, lambda_retries, lambda_buffer_mib, lambda_buffer_seconds
        ),
        "DataFormatConversionConfiguration": _conversion(role_arn, database, table or record_type, region),
    }
    return _request(name, stream_arn, bucket, role_arn, destination, tags)


def create_avro_delivery_stream(  # noqa: PLR0913  as above
    *,
    name: str,
    stream_arn: str,
    function_arn: str,
    bucket: str,
    role_arn: str,
    buffer_seconds: int = 60,
    lambda_buffer_mib: float = AVRO_LAMBDA_BUFFER_MIB,
    lambda_buffer_seconds: int = 60,
    lambda_retries: int = 3,
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The request for Avro mode, whose one stream reads all record types: no partitioning and no format conversion.

    create_avro_delivery_stream(name="prd3292-dev1-dmnd-avro", ...)
        -> {"DeliveryStreamName": "prd3292-dev1-dmnd-avro", "DeliveryStreamType": "KinesisStreamAsSource", ...}

    What this stream itself puts are error objects alone, `buffer_seconds` after they fail. What the function puts waits
    for `lambda_buffer_seconds`, or `lambda_buffer_mib`.

    Raises:
        ValueError: as `create_delivery_stream`.
    """
    destination = {
        "Prefix": NEVER_PREFIX,
        "BufferingHints": _buffer(BUFFER_MIB, buffer_seconds),
        "ProcessingConfiguration": _processing(
            function_arn, role_arn, lambda_retries, lambda_buffer_mib, lambda_buffer_seconds
        ),
    }
    return _request(name, stream_arn, bucket, role_arn, destination, tags)


def _request(
    name: str, stream_arn: str, bucket: str, role_arn: str, destination: dict[str, Any], tags: dict[str, str] | None
) -> dict[str, Any]:
    """The request of a destination, with what all of ours have."""
    request: dict[str, Any] = {
        "DeliveryStreamName": name,
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": stream_arn, "RoleARN": role_arn},
        "ExtendedS3DestinationConfiguration": {
            "RoleARN": role_arn,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "ErrorOutputPrefix": ERROR_PREFIX,
            "CompressionFormat": "UNCOMPRESSED",  # with format conversion nothing else: the Parquet pages are Snappy
            "CloudWatchLoggingOptions": {
                "Enabled": True,
                "LogGroupName": f"/aws/kinesisfirehose/{name}",
                "LogStreamName": "S3Delivery",
            },
            "S3BackupMode": "Disabled",  # a backup would keep deleted people's data unscrubbed
            **destination,
        },
    }
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
    return request


def _buffer(mib: int, seconds: int) -> dict[str, int]:
    if not 60 <= seconds <= 300:
        raise ValueError(f"buffer_seconds is {seconds}; it must be 60 to 300")
    return {"SizeInMBs": mib, "IntervalInSeconds": seconds}


def _processing(
    function_arn: str, role_arn: str, retries: int, buffer_mib: float, buffer_seconds: int
) -> dict[str, Any]:
    if not 0.2 <= buffer_mib <= 3:
        raise ValueError(f"lambda_buffer_mib is {buffer_mib}; Firehose takes 0.2 to 3")
    # In the order in which DescribeDeliveryStream gives them back, so that a comparison finds no difference.
    parameters = {
        "LambdaArn": function_arn,
        "NumberOfRetries": str(retries),
        "RoleArn": role_arn,
        "BufferSizeInMBs": f"{buffer_mib:g}",
        "BufferIntervalInSeconds": str(buffer_seconds),
    }
    listed = [{"ParameterName": key, "ParameterValue": value} for key, value in parameters.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": listed}]}


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
