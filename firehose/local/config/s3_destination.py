"""Reads ExtendedS3DestinationConfiguration, S3 backup included, into the settings that delivery runs from."""

from typing import ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from firehose.local.config.conversion_settings import MIB, ConversionSettings, enabled_conversion, read_conversion
from firehose.local.config.members import Members
from firehose.local.config.partitioning import check_partition_keys, read_partitioned
from firehose.local.config.prefix import Prefix, name_bytes
from firehose.local.config.processing import Processing
from firehose.local.config.processors import read_processing
from firehose.local.config.s3_settings import EXTENSIONS, S3Settings, check_keys, read_s3_settings
from firehose.local.config.source import SourceSettings
from firehose.local.config.time_zones import time_zone


class S3Destination(msgspec.Struct, frozen=True):
    """The bucket and prefixes of a stream's objects, their format, and how long records are buffered."""

    bucket: str
    prefix: Prefix
    error_prefix: Prefix
    partitioned: bool
    buffer_bytes: int
    buffer_seconds: int
    time_zone: ZoneInfo
    extension: str
    conversion: ConversionSettings | None
    compression: str = "UNCOMPRESSED"  # of objects that are not converted, a CompressionFormat

    # The member of the function's metadata that says where a record goes.
    routing_member: ClassVar[str] = "partitionKeys"


class Backup(msgspec.Struct, frozen=True):
    """The S3BackupConfiguration: a second place for all original records, after de-aggregation."""

    bucket: str
    prefix: Prefix
    buffer_bytes: int
    buffer_seconds: int
    compression: str = "UNCOMPRESSED"


class DestinationSettings(NamedTuple):
    """All that one destination configuration holds."""

    destination: S3Destination
    processing: Processing
    backup: Backup | None


def read_extended_s3(config: Members, *, name: str, version: int, source: SourceSettings) -> DestinationSettings:
    """Take an ExtendedS3DestinationConfiguration, in the order in which Firehose checks its members.

    Raises:
        SettingError: naming the member.
    """
    partitioned = read_partitioned(config)
    settings = read_s3_settings(config, partitioned=partitioned)
    converting = enabled_conversion(config)
    # Firehose checks a conversion's demands on the destination before the conversion's own settings (measured).
    if converting and settings.compression != "UNCOMPRESSED":
        raise config.refused("CompressionFormat", "must be UNCOMPRESSED with format conversion")
    size, seconds = _buffer(config, settings, converted=converting is not None, partitioned=partitioned)
    conversion = read_conversion(converting, source.region, settings.account) if converting else None
    processing = read_processing(config)
    extension = config.take("FileExtension") or (".parquet" if conversion else EXTENSIONS[settings.compression])
    check_partition_keys(config, settings.prefix, processing, partitioned=partitioned)
    check_keys(config, settings, (name_bytes(name, version, extension), name_bytes(name, version, "")))
    destination = S3Destination(
        bucket=settings.bucket,
        prefix=settings.prefix,
        error_prefix=settings.error_prefix,
        partitioned=partitioned,
        buffer_bytes=size * MIB,
        buffer_seconds=seconds,
        time_zone=config.parsed("CustomTimeZone", time_zone),
        extension=extension,
        conversion=conversion,
        compression=settings.compression,
    )
    backup = _backup(config, name, version, settings.account)
    config.reject_unknown()
    return DestinationSettings(destination, processing, backup)


def _buffer(config: Members, settings: S3Settings, *, converted: bool, partitioned: bool) -> tuple[int, int]:
    # With format conversion 64 MiB is the least and 128 the default (API reference, "BufferingHints"). With dynamic
    # partitioning alone the least is 64, too, but the default stays 5, so Firehose refuses a request without a size.
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
    if settings.account != account:  # a caller cannot pass another account's role (measured)
        raise config.refused("RoleARN", "must belong to the account of the destination's role", "AccessDeniedException")
    seconds = 300 if settings.buffer_seconds is None else settings.buffer_seconds
    if seconds < 60:  # measured; the destination's own may be 0
        raise config.refused("BufferingHints.IntervalInSeconds", f"must be 60 or more for a backup; it is {seconds}")
    length = name_bytes(name, version, EXTENSIONS[settings.compression])
    check_keys(config, settings, (length, length))
    config.reject_unknown()
    size = settings.buffer_mib or 5
    return Backup(settings.bucket, settings.prefix, size * MIB, seconds, settings.compression) if enabled else None
