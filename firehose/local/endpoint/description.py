"""DescribeDeliveryStream's answer: the request that made a stream, with the defaults that Firehose adds."""

from collections.abc import Mapping, Sequence
from typing import Any

CONFIGURATION, DESCRIPTION = "DestinationConfiguration", "DestinationDescription"
EXTENDED_S3, ICEBERG = "ExtendedS3", "Iceberg"

# Measured: Describe answers a Lambda processor's parameters in this order, with the defaults filled in.
_LAMBDA_PARAMETERS = ("LambdaArn", "NumberOfRetries", "RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds")

# The members that S3DestinationDescription has, which stands beside the extended one.
_PLAIN_S3 = (
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
)


def destination_of(request: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind of a request's destination and its configuration: ("ExtendedS3", {"BucketARN": ...})."""
    ((name, config),) = ((name, one) for name, one in request.items() if name.endswith(CONFIGURATION) and one)
    return name.removesuffix(CONFIGURATION), config


def described_source(request: Mapping[str, Any], created: float) -> dict[str, Any]:
    """Return the Source of a description; empty for a stream that is put to directly."""
    kinesis = request.get("KinesisStreamSourceConfiguration")
    if not kinesis or request.get("DeliveryStreamType") != "KinesisStreamAsSource":
        return {}
    return {"Source": {"KinesisStreamSourceDescription": {**kinesis, "DeliveryStartTimestamp": created}}}


def described_destinations(request: Mapping[str, Any], region: str) -> list[dict[str, Any]]:
    """Return the Destinations of a description; there is one."""
    kind, config = destination_of(request)
    described = _iceberg(config) if kind == ICEBERG else _described(config, region)
    plain = {name: described[name] for name in _PLAIN_S3 if name in described}
    beside = {f"S3{DESCRIPTION}": plain} if kind == EXTENDED_S3 else {}
    return [{"DestinationId": DESTINATION_ID, f"{kind}{DESCRIPTION}": described, **beside}]


DESTINATION_ID = "destinationId-000000000001"


def _described(config: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return a destination's configuration with Firehose's defaults."""
    conversion = config.get("DataFormatConversionConfiguration") or {}
    converted = bool(conversion) and conversion.get("Enabled", True)
    described = {**_s3_defaults(128 if converted else 5), "S3BackupMode": "Disabled", **_set(config)}
    if backup := described.pop("S3BackupConfiguration", None):
        described["S3BackupDescription"] = {**_s3_defaults(5), **_set(backup)}
    if processing := config.get("ProcessingConfiguration"):
        described["ProcessingConfiguration"] = _processing(processing, config["RoleARN"])
    if conversion:
        described["DataFormatConversionConfiguration"] = _conversion(conversion, region)
    if partitioning := config.get("DynamicPartitioningConfiguration"):
        retry = {"RetryOptions": {"DurationInSeconds": 300}} if partitioning.get("Enabled") else {}
        described["DynamicPartitioningConfiguration"] = {"Enabled": False, **retry, **_set(partitioning)}
    return described


def _iceberg(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return an Iceberg destination's configuration with Firehose's defaults."""
    described = {
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CloudWatchLoggingOptions": {"Enabled": False},
        "RetryOptions": {"DurationInSeconds": 300},
        "S3BackupMode": "FailedDataOnly",
        **_set(config),
    }
    described[f"S3{DESCRIPTION}"] = {**_s3_defaults(5), **_set(described.pop("S3Configuration"))}
    if processing := config.get("ProcessingConfiguration"):
        described["ProcessingConfiguration"] = _processing(processing, config["RoleARN"])
    return described


def _set(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if value is not None}


def _s3_defaults(size: int) -> dict[str, Any]:
    return {
        "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }


def _processing(config: Mapping[str, Any], role: str) -> dict[str, Any]:
    processors = [_processor(one, role) for one in config.get("Processors") or ()]
    return {"Enabled": bool(config.get("Enabled")), "Processors": processors}


def _processor(processor: Mapping[str, Any], role: str) -> dict[str, Any]:
    parameters: Sequence[Mapping[str, str]] = processor.get("Parameters") or ()
    if processor["Type"] != "Lambda":
        return {"Type": processor["Type"], "Parameters": list(parameters)}
    values = {
        "NumberOfRetries": "3",
        "RoleArn": role,
        "BufferSizeInMBs": "1",
        "BufferIntervalInSeconds": "60",
        **{one["ParameterName"]: one["ParameterValue"] for one in parameters},
    }
    named = [{"ParameterName": name, "ParameterValue": values[name]} for name in _LAMBDA_PARAMETERS]
    return {"Type": "Lambda", "Parameters": named}


def _conversion(config: Mapping[str, Any], region: str) -> dict[str, Any]:
    conversion = {"Enabled": True, **_set(config)}
    if schema := conversion.get("SchemaConfiguration"):
        conversion["SchemaConfiguration"] = {"Region": region, "VersionId": "LATEST", **_set(schema)}
    return conversion
