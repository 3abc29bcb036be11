"""Turns the description of a resource back into the request that made it."""

import base64
import json
import re
from typing import Any


def described(firehose: Any, name: str) -> dict[str, Any]:
    """Return the request that made a delivery stream, without the service's defaults."""
    answer = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    (destination,) = answer["Destinations"]
    kind = next(name for name in _KINDS if name in destination)
    config = destination[kind]
    if "S3DestinationDescription" in config:
        config["S3Configuration"] = config.pop("S3DestinationDescription")
    for processor in config["ProcessingConfiguration"]["Processors"]:
        processor["Parameters"].sort(key=lambda one: _PARAMETERS.index(one["ParameterName"]))
    for path, default in _DEFAULTS.items():
        _without(config, path.split("."), default)
    return {
        "DeliveryStreamName": answer["DeliveryStreamName"],
        "DeliveryStreamType": answer["DeliveryStreamType"],
        "KinesisStreamSourceConfiguration": answer["Source"]["KinesisStreamSourceDescription"],
        _KINDS[kind]: config,
    }


# A destination's description, and the configuration that it is of.
_KINDS = {
    "ExtendedS3DestinationDescription": "ExtendedS3DestinationConfiguration",
    "IcebergDestinationDescription": "IcebergDestinationConfiguration",
}


_PARAMETERS = ("LambdaArn", "NumberOfRetries", "RoleArn", "BufferSizeInMBs", "BufferIntervalInSeconds")
_OPENX = "DataFormatConversionConfiguration.InputFormatConfiguration.Deserializer.OpenXJsonSerDe"
_PARQUET = "DataFormatConversionConfiguration.OutputFormatConfiguration.Serializer.ParquetSerDe"
_DEFAULTS = {
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},  # the bucket's default encryption
    "S3BackupMode": "FailedDataOnly",  # of Iceberg destinations, the only one that works there
    "S3Configuration.BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "S3Configuration.Prefix": "",
    "S3Configuration.CompressionFormat": "UNCOMPRESSED",
    "S3Configuration.EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "S3Configuration.CloudWatchLoggingOptions": {"Enabled": False},
    "FileExtension": "",
    "CustomTimeZone": "UTC",
    "DataFormatConversionConfiguration": {"Enabled": False},
    f"{_OPENX}.ConvertDotsInJsonKeysToUnderscores": False,
    f"{_OPENX}.ColumnToJsonKeyMappings": {},
    f"{_PARQUET}.BlockSizeBytes": 268_435_456,
    f"{_PARQUET}.PageSizeBytes": 1_048_576,
    f"{_PARQUET}.EnableDictionaryCompression": False,
    f"{_PARQUET}.MaxPaddingBytes": 0,
}


def _without(config: dict[str, Any], path: list[str], default: object) -> None:
    """Remove the member at a path where it has its default."""
    *above, last = path
    for name in above:
        config = config.get(name, {})
    if config.get(last) == default:
        del config[last]


def table_input(table: dict[str, Any]) -> dict[str, Any]:
    """Return the TableInput that made a table, without the empty members that the service adds."""
    members = ("Name", "Description", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
    found: dict[str, Any] = _filled({name: table[name] for name in members})
    return found


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(member) for name, member in value.items() if member not in ({}, [], "")}
    return [_filled(item) for item in value] if isinstance(value, list) else value


def presto_view(text: str) -> Any:
    encoded = re.fullmatch(r"/\* Presto View: (\S+) \*/", text)
    assert encoded, text
    return json.loads(base64.b64decode(encoded[1]))
