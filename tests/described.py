"""Compares the description of a resource with the request that should have made it."""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from firehose.local.endpoint.description import described_destinations


def described(firehose: Any, name: str) -> dict[str, Any]:
    """Return what a delivery stream is described as, without defaults that Terraform writes out."""
    answer = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    source = answer["Source"]["KinesisStreamSourceDescription"]
    del source["DeliveryStartTimestamp"]
    return {
        "DeliveryStreamName": answer["DeliveryStreamName"],
        "DeliveryStreamType": answer["DeliveryStreamType"],
        "KinesisStreamSourceConfiguration": source,
        **_short(answer["Destinations"]),
    }


def as_described(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of the stream that a request would make."""
    rest = {name: value for name, value in request.items() if not name.endswith("DestinationConfiguration")}
    return {**rest, **_short(described_destinations(request, "us-east-1"))}


def _short(destinations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the description of the only destination by its name: {"ExtendedS3DestinationDescription": {...}}."""
    (destination,) = destinations
    name = next(name for name in _KINDS if name in destination)
    config: dict[str, Any] = destination[name]
    for path, default in _DEFAULTS.items():
        _without(config, path.split("."), default)
    return {name: config}


_KINDS = ("ExtendedS3DestinationDescription", "IcebergDestinationDescription")
_OPENX = "DataFormatConversionConfiguration.InputFormatConfiguration.Deserializer.OpenXJsonSerDe"
_PARQUET = "DataFormatConversionConfiguration.OutputFormatConfiguration.Serializer.ParquetSerDe"
_DEFAULTS = {
    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},  # the bucket's default encryption
    "S3BackupMode": "FailedDataOnly",  # of Iceberg destinations, the only one that works there
    "S3DestinationDescription.BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
    "S3DestinationDescription.Prefix": "",
    "S3DestinationDescription.CompressionFormat": "UNCOMPRESSED",
    "S3DestinationDescription.EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
    "S3DestinationDescription.CloudWatchLoggingOptions": {"Enabled": False},
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
