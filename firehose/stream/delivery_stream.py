"""A CreateDeliveryStream request read into what the data plane runs from.

Silently accepted configuration is what people like least in emulators: whatever is not carried out, at any depth, is
refused by the name that AWS gives it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from firehose.prefix import Prefix, check_prefix, name_bytes, parse_error_prefix, parse_prefix
from firehose.stream import arns
from firehose.stream.conversion_settings import MIB, ConversionSettings, read_conversion
from firehose.stream.members import Members, UnsupportedSettingError
from firehose.stream.processing import LambdaSettings, Processing

__all__ = ["DeliveryStream", "UnsupportedSettingError", "read_delivery_stream"]


@dataclass(frozen=True, slots=True)
class Backup:
    """Where the original records go besides (S3BackupConfiguration): all of them, after de-aggregation."""

    bucket: str
    prefix: Prefix
    buffer_bytes: int
    buffer_seconds: int
    compression: str = "UNCOMPRESSED"


@dataclass(frozen=True, slots=True)
class DeliveryStream:
    """All that the data plane needs to know of one delivery stream.

    `source_arn` is the Kinesis stream that it reads, None for one that is put to (DirectPut).
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


def read_delivery_stream(request: Mapping[str, Any], version: int = 1) -> DeliveryStream:
    """The description of a stream that `create_delivery_stream(**request)` would make, changed `version` - 1 times.

    {"DeliveryStreamName": "sale", "DeliveryStreamType": "KinesisStreamAsSource", ...} -> DeliveryStream("sale", ...)

    Raises:
        UnsupportedSettingError: naming the first member that is not carried out, such as
            "ExtendedS3DestinationConfiguration.S3BackupMode: 'Enabled' is not carried out".
    """
    top = Members(request, "")
    name = top.parsed("DeliveryStreamName", _name)
    top.only("DeliveryStreamType", "KinesisStreamAsSource")
    _no_effect_tags(top)
    source = top.members("KinesisStreamSourceConfiguration")
    source_arn = source.text("KinesisStreamARN")
    source.parsed("RoleARN", arns.role)
    source.end()
    region, account = _region_and_account(source_arn)
    destination = top.members("ExtendedS3DestinationConfiguration")
    top.end()
    arn = f"arn:aws:firehose:{region}:{account}:deliverystream/{name}"
    stream = _destination(destination, name=name, region=region, arn=arn, source_arn=source_arn, version=version)
    destination.end()
    return stream


def _region_and_account(arn: str) -> tuple[str, str]:
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "kinesis":
        raise UnsupportedSettingError("KinesisStreamSourceConfiguration.KinesisStreamARN", "is no ARN of a stream")
    return parts[3], parts[4]


def _destination(config: Members, *, name: str, region: str, arn: str, source_arn: str, version: int) -> DeliveryStream:
    config.parsed("RoleARN", arns.role)
    _no_effect_logging(config.optional("CloudWatchLoggingOptions"))
    config.only("CompressionFormat", "UNCOMPRESSED")  # Firehose's own rule with format conversion, ours without
    config.only("S3BackupMode", "Disabled")
    encryption = config.optional("EncryptionConfiguration")
    encryption.only("NoEncryptionConfig", "NoEncryption")
    encryption.end()
    hints = config.optional("BufferingHints")
    partitioned = _partitioned(config)
    prefix = config.parsed("Prefix", lambda raw: parse_prefix(raw, partitioned=partitioned), default="")
    conversion = read_conversion(config, region)
    stream = DeliveryStream(
        name=name,
        region=region,
        arn=arn,
        source_arn=source_arn,
        bucket=config.parsed("BucketARN", arns.bucket),
        prefix=prefix,
        # It may be left out only beside a prefix without expressions; errors then go below that (guide, "Understand
        # custom prefixes for Amazon S3 objects").
        error_prefix=config.parsed(
            "ErrorOutputPrefix", parse_error_prefix, default=None if "!{" in prefix.raw else prefix.raw
        ),
        partitioned=partitioned,
        buffer_bytes=_buffer_mib(hints, converted=conversion is not None, partitioned=partitioned) * MIB,
        buffer_seconds=hints.whole("IntervalInSeconds", 300, 60 if partitioned else 0, 900),
        time_zone=config.parsed("CustomTimeZone", _time_zone, default="UTC"),
        extension=config.parsed("FileExtension", _extension, default="") or (".parquet" if conversion else ""),
        processing=Processing(function=_function(config.members("ProcessingConfiguration"))),
        conversion=conversion,
        version=version,
    )
    hints.end()
    _check_keys(stream, config)
    return stream


def _buffer_mib(hints: Members, *, converted: bool, partitioned: bool) -> int:
    # With format conversion 64 MiB is the least and 128 the default (API reference, "BufferingHints"). With dynamic
    # partitioning alone 64 is the least, too, but the default stays 5: Firehose then refuses what is left out.
    default = 128 if converted else 5
    return hints.whole("SizeInMBs", default, 64 if converted or partitioned else 1, 128)


def _check_keys(stream: DeliveryStream, config: Members) -> None:
    for member, prefix, extension in (
        ("Prefix", stream.prefix, stream.extension),
        ("ErrorOutputPrefix", stream.error_prefix, ""),
    ):
        try:
            check_prefix(prefix, name_bytes(stream.name, stream.version, extension))
        except ValueError as error:
            raise config.refuse(member, str(error)) from None


def _partitioned(config: Members) -> bool:
    partitioning = config.optional("DynamicPartitioningConfiguration")
    enabled = partitioning.flag("Enabled", default=False)
    retry = partitioning.optional("RetryOptions")
    retry.whole("DurationInSeconds", 300, 0, 7200)  # of trying S3: no effect, a failing sink stops the local run
    retry.end()
    partitioning.end()
    return enabled


# What follows has no effect here, but is read, since Firehose would refuse what it cannot read.


def _no_effect_tags(top: Members) -> None:
    for tag in top.entries("Tags"):
        tag.text("Key")
        tag.text("Value", "")
        tag.end()


def _no_effect_logging(logging: Members) -> None:
    # Failures are counted and kept whether logged or not.
    enabled = logging.flag("Enabled", default=False)
    for name in ("LogGroupName", "LogStreamName"):
        logging.text(name, None if enabled else "")
    logging.end()


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", text):
        raise ValueError("must be 1 to 64 letters, digits, '_', '.' or '-'")
    return text


def _extension(text: str) -> str:
    if not re.fullmatch(r"(\.[0-9a-z!\-_.*'()]{1,127})?", text):
        raise ValueError("must be '.' and up to 127 of 0-9 a-z ! - _ . * ' ( )")
    return text


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone") from None


def _function(processing: Members) -> LambdaSettings:
    # Omitted means false here, unlike in format conversion (measured on a real stream).
    processing.only("Enabled", True, default=False)  # noqa: FBT003  the value that is carried out
    processors = processing.entries("Processors")
    processing.end()
    if len(processors) != 1:
        raise processing.refuse("Processors", "exactly one, a Lambda, is carried out")
    processors[0].only("Type", "Lambda")
    parameters: dict[str, str] = {}
    for parameter in processors[0].entries("Parameters"):
        name = parameter.text("ParameterName")
        if name in parameters:
            raise processors[0].refuse(f"Parameters.{name}", "is given twice")
        parameters[name] = parameter.text("ParameterValue")
        parameter.end()
    processors[0].end()
    return _lambda_settings(parameters, processors[0].path("Parameters"))


def _lambda_settings(parameters: dict[str, str], path: str) -> LambdaSettings:
    try:
        arns.role(parameters.pop("RoleArn", "arn:aws:iam::000000000000:role/own"))
    except ValueError as error:
        raise UnsupportedSettingError(f"{path}.RoleArn", str(error)) from None
    if "LambdaArn" not in parameters:
        raise UnsupportedSettingError(f"{path}.LambdaArn", "is required")
    if ("BufferSizeInMBs" in parameters) is not ("BufferIntervalInSeconds" in parameters):
        raise UnsupportedSettingError(path, "BufferSizeInMBs and BufferIntervalInSeconds: both or neither")

    def number(name: str, default: str, least: float, most: float, kind: Callable[[str], float] = int) -> float:
        try:
            value = kind(parameters.pop(name, default))
        except ValueError:
            value = -1
        if not least <= value <= most:
            raise UnsupportedSettingError(f"{path}.{name}", f"must be a number from {least:g} to {most:g}")
        return value

    settings = LambdaSettings(
        function_arn=parameters.pop("LambdaArn"),
        retries=int(number("NumberOfRetries", "3", 0, 300)),
        buffer_bytes=int(number("BufferSizeInMBs", "1", 0.2, 3, float) * MIB),  # bounds: guide, "Transform source data"
        buffer_seconds=int(number("BufferIntervalInSeconds", "60", 0, 900)),
    )
    for name in parameters:
        raise UnsupportedSettingError(f"{path}.{name}", "is not carried out by the local data plane")
    return settings
