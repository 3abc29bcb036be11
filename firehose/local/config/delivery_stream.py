"""A CreateDeliveryStream request read into what the data plane runs from.

Silently accepted configuration is what people like least in emulators: whatever is not carried out, at any depth, is
refused by the name that AWS gives it.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from firehose.local.config.api_model import check_request
from firehose.local.config.members import Members, RefusedSettingError
from firehose.local.config.processing import Processing
from firehose.local.config.s3_destination import Backup, S3Destination, read_extended_s3
from firehose.local.config.source import read_source

_EXTENDED_S3 = "ExtendedS3DestinationConfiguration"


# One day an Iceberg table's as well.
Destination: TypeAlias = S3Destination


class DeliveryStream(msgspec.Struct, frozen=True):
    """All that the data plane needs to know of one delivery stream.

    `source_arn` is the Kinesis stream that it reads, None for one that is put to (DirectPut). `without_effect` are the
    paths of members that were given, change nothing here, and could be expected to: `...EncryptionConfiguration`.
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
    config = _extended_s3(top)
    source = read_source(top, request[_EXTENDED_S3]["RoleARN"], region)
    top.end()
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
        without_effect=tuple(top.without_effect),
    )


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
