"""Reads a CreateDeliveryStream request into the settings that the data plane runs from.

A setting that the local Firehose does not support is refused by AWS's name for it, at any depth. What users dislike
most in emulators is a setting that is accepted and ignored.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from firehose.local.config.api_model import check_request
from firehose.local.config.iceberg_destination import IcebergDestination, read_iceberg
from firehose.local.config.members import Members, RefusedSettingError
from firehose.local.config.processing import Processing
from firehose.local.config.s3_destination import Backup, S3Destination, read_extended_s3
from firehose.local.config.source import read_source

EXTENDED_S3 = "ExtendedS3DestinationConfiguration"
ICEBERG = "IcebergDestinationConfiguration"

Destination: TypeAlias = S3Destination | IcebergDestination


class DeliveryStream(msgspec.Struct, frozen=True):
    """One delivery stream, as the data plane runs it.

    `source_arn` is the Kinesis stream that it reads, None for DirectPut. `without_effect` lists the members that are
    set but have no effect here, although a user may expect one: `...EncryptionConfiguration`. `warnings` are about
    settings that AWS takes and that make records fail.
    """

    name: str
    region: str
    arn: str
    source_arn: str | None
    destination: Destination
    processing: Processing
    backup: Backup | None = None
    version: int = 1
    without_effect: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_delivery_stream(request: Mapping[str, Any], version: int = 1, *, region: str = "us-east-1") -> DeliveryStream:
    """Return the stream that `create_delivery_stream(**request)` would make, updated `version` - 1 times.

    {"DeliveryStreamName": "sale", "DeliveryStreamType": "KinesisStreamAsSource", ...} -> DeliveryStream("sale", ...)

    `region` is the region of a DirectPut stream; another stream is in the region of its source.

    Raises:
        RefusedSettingError: naming the member that Firehose would refuse, and with its error code, such as
            "ExtendedS3DestinationConfiguration.BufferingHints.SizeInMBs: must be 64 or more ...".
        UnsupportedSettingError: naming the member that Firehose would take, and that is not supported here.
    """
    check_request(request)
    top = Members(request)
    name = top.take("DeliveryStreamName")
    top.take("Tags")
    kind = _destination(top)
    config = top.members(kind)
    source = read_source(top, request[kind]["RoleARN"], region)
    top.reject_unknown()
    destination: Destination
    backup: Backup | None = None
    if kind == ICEBERG:
        destination, processing = read_iceberg(config, name=name, version=version)
    else:
        destination, processing, backup = read_extended_s3(config, name=name, version=version, source=source)
    return DeliveryStream(
        name=name,
        region=source.region,
        arn=f"arn:{source.partition}:firehose:{source.region}:{source.account}:deliverystream/{name}",
        source_arn=source.arn,
        destination=destination,
        processing=processing,
        backup=backup,
        version=version,
        without_effect=tuple(top.notes.without_effect),
        warnings=tuple(top.notes.warnings),
    )


def _destination(top: Members) -> str:
    present = [name for name in _DESTINATIONS if top.has(name)]
    if len(present) != 1:
        names = ", ".join(present) or "none"
        raise RefusedSettingError(
            present[1] if present else EXTENDED_S3, f"must be the only destination; the request has: {names}"
        )
    if present[0] not in (EXTENDED_S3, ICEBERG):
        raise top.unsupported(present[0], f"write {EXTENDED_S3} or {ICEBERG}", "this destination")
    return present[0]


_DESTINATIONS = (
    "S3DestinationConfiguration",
    EXTENDED_S3,
    "RedshiftDestinationConfiguration",
    "ElasticsearchDestinationConfiguration",
    "AmazonopensearchserviceDestinationConfiguration",
    "AmazonOpenSearchServerlessDestinationConfiguration",
    "SplunkDestinationConfiguration",
    "HttpEndpointDestinationConfiguration",
    "SnowflakeDestinationConfiguration",
    ICEBERG,
)
