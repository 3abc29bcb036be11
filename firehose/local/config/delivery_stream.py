"""A CreateDeliveryStream request read into what the data plane runs from.

Silently accepted configuration is what people like least in emulators: whatever is not carried out, at any depth, is
refused by the name that AWS gives it.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from firehose.local.config.api_model import check_request
from firehose.local.config.conversion_settings import MIB, ConversionSettings, enabled_conversion, read_conversion
from firehose.local.config.members import Members, RefusedSettingError, SettingError, UnsupportedSettingError
from firehose.local.config.partitioning import check_partition_keys, read_partitioned
from firehose.local.config.prefix import Prefix, name_bytes
from firehose.local.config.processing import Processing
from firehose.local.config.processors import read_processing
from firehose.local.config.s3_settings import EXTENSIONS, S3Settings, check_keys, read_s3_settings
from firehose.local.config.source import Source, read_source
from firehose.local.config.time_zones import time_zone

__all__ = ["DeliveryStream", "RefusedSettingError", "SettingError", "UnsupportedSettingError", "read_delivery_stream"]

_EXTENDED_S3 = "ExtendedS3DestinationConfiguration"


class Backup(msgspec.Struct, frozen=True):
    """Where the original records go besides (S3BackupConfiguration): all of them, after de-aggregation."""

    bucket: str
    prefix: Prefix
    buffer_bytes: int
    buffer_seconds: int
    compression: str = "UNCOMPRESSED"


class DeliveryStream(msgspec.Struct, frozen=True):
    """All that the data plane needs to know of one delivery stream.

    `source_arn` is the Kinesis stream that it reads, None for one that is put to (DirectPut). `without_effect` are the
    paths of members that were given, change nothing here, and could be expected to: `...EncryptionConfiguration`.
    """

    name: str
    region: str
    arn: str
    source_arn: str | None
    bucket: str
    prefix: Prefix
    error_prefix: Prefix
    partitioned: bool
    buffer_bytes: int
    buffer_seconds: int
    time_zone: ZoneInfo
    extension: str
    processing: Processing
    conversion: ConversionSettings | None
    compression: str = "UNCOMPRESSED"  # of objects that are not converted, a CompressionFormat
    backup: Backup | None = None
    version: int = 1
    without_effect: tuple[str, ...] = ()


def read_delivery_stream(request: Mapping[str, Any], version: int = 1, *, region: str = "us-east-1") -> DeliveryStream:
    """The description of a stream that `create_delivery_stream(**request)` would make, changed `version` - 1 times.

    {"DeliveryStreamName": "sale", "DeliveryStreamType": "KinesisStreamAsSource", ...} -> DeliveryStream("sale", ...)

    `region` is where a stream that is put to (DirectPut) is made; another is where its source is.

    Raises:
        RefusedSettingError: naming the member that Firehose would refuse, and with its error code, such as
            "ExtendedS3DestinationConfiguration.BufferingHints.SizeInMBs: must be 64 or more ...".
        UnsupportedSettingError: naming the member that Firehose would take, and that is not carried out here.
    """
    check_request(request)
    top = Members(request)
    name = top.take("DeliveryStreamName")
    top.take("Tags")
    destination = _extended_s3(top)
    source = read_source(top, request[_EXTENDED_S3]["RoleARN"], region)
    top.end()
    return _stream(destination, name=name, source=source, version=version)


def _extended_s3(top: Members) -> Members:
    given = [name for name in _DESTINATIONS if top.has(name)]
    if len(given) != 1:
        names = ", ".join(given) or "none"
        raise RefusedSettingError(given[1] if given else _EXTENDED_S3, f"one destination is taken; given are: {names}")
    if given != [_EXTENDED_S3]:
        raise top.unsupported(given[0])
    return top.members(_EXTENDED_S3)


_DESTINATIONS = (
    "S3DestinationConfiguration",
    _EXTENDED_S3,
    "RedshiftDestinationConfiguration",
    "ElasticsearchDestinationConfiguration",
    "AmazonopensearchserviceDestinationConfiguration",
    "AmazonOpenSearchServerlessDestinationConfiguration",
    "SplunkDestinationConfiguration",
    "HttpEndpointDestinationConfiguration",
    "SnowflakeDestinationConfiguration",
    "IcebergDestinationConfiguration",
)


def _stream(config: Members, *, name: str, source: Source, version: int) -> DeliveryStream:
    partitioned = read_partitioned(config)
    settings = read_s3_settings(config, partitioned=partitioned)
    converting = enabled_conversion(config)
    # Measured: what a conversion asks of the destination is looked at before what is in it.
    if converting and settings.compression != "UNCOMPRESSED":
        raise config.refused("CompressionFormat", "must be UNCOMPRESSED with format conversion")
    size, seconds = _buffer(config, settings, converted=converting is not None, partitioned=partitioned)
    conversion = read_conversion(converting, source.region, settings.account) if converting else None
    processing = read_processing(config)
    extension = config.take("FileExtension") or (".parquet" if conversion else EXTENSIONS[settings.compression])
    check_partition_keys(config, settings.prefix, processing, partitioned=partitioned)
    check_keys(config, settings, (name_bytes(name, version, extension), name_bytes(name, version, "")))
    stream = DeliveryStream(
        name=name,
        region=source.region,
        arn=f"arn:{source.partition}:firehose:{source.region}:{source.account}:deliverystream/{name}",
        source_arn=source.arn,
        bucket=settings.bucket,
        prefix=settings.prefix,
        error_prefix=settings.error_prefix,
        partitioned=partitioned,
        buffer_bytes=size * MIB,
        buffer_seconds=seconds,
        time_zone=config.parsed("CustomTimeZone", time_zone),
        extension=extension,
        processing=processing,
        conversion=conversion,
        compression=settings.compression,
        backup=_backup(config, name, version, settings.account),
        version=version,
        without_effect=tuple(config.without_effect),
    )
    config.end()
    return stream


def _buffer(config: Members, settings: S3Settings, *, converted: bool, partitioned: bool) -> tuple[int, int]:
    # With format conversion 64 MiB is the least and 128 the default (API reference, "BufferingHints"). With dynamic
    # partitioning alone 64 is the least, too, but the default stays 5: Firehose then refuses what is left out.
    size = settings.buffer_mib or (128 if converted else 5)
    seconds = 300 if settings.buffer_seconds is None else settings.buffer_seconds
    hints = config.members("BufferingHints")  # taken already: for its path
    for feature, on in (("format conversion", converted), ("dynamic partitioning", partitioned)):
        if on and size < 64:
            raise hints.refused("SizeInMBs", f"must be 64 or more with {feature}; it is {size}")
    if partitioned and seconds < 60:
        raise hints.refused("IntervalInSeconds", f"must be 60 or more with dynamic partitioning; it is {seconds}")
    return size, seconds


def _backup(destination: Members, name: str, version: int, account: str) -> Backup | None:
    enabled = destination.take("S3BackupMode") == "Enabled"
    if not destination.has("S3BackupConfiguration"):
        if enabled:
            raise destination.refused("S3BackupConfiguration", "is required, since S3BackupMode is Enabled")
        return None
    config = destination.members("S3BackupConfiguration")
    settings = read_s3_settings(config, partitioned=False)
    if settings.account != account:  # one of the two is not the caller's, who may not pass it: measured
        raise config.refused("RoleARN", "must be of the account of the destination's role", "AccessDeniedException")
    seconds = 300 if settings.buffer_seconds is None else settings.buffer_seconds
    if seconds < 60:  # measured; the destination's own may be 0
        raise config.refused("BufferingHints.IntervalInSeconds", f"must be 60 or more for a backup; it is {seconds}")
    length = name_bytes(name, version, EXTENSIONS[settings.compression])
    check_keys(config, settings, (length, length))
    config.end()
    size = settings.buffer_mib or 5
    return Backup(settings.bucket, settings.prefix, size * MIB, seconds, settings.compression) if enabled else None
