"""What DescribeDeliveryStream answers, as the request that would make the same stream."""

from collections.abc import Mapping
from typing import Any

from firehose.commands import Mistake

KINESIS_SOURCE = "KinesisStreamAsSource"


def create_request(description: Mapping[str, Any]) -> dict[str, Any]:
    """The CreateDeliveryStream request of a description.

    {"DeliveryStreamName": "sale", "Source": {...}, "Destinations": [{"ExtendedS3DestinationDescription": {...}}], ...}
        -> {"DeliveryStreamName": "sale", "ExtendedS3DestinationConfiguration": {...}, ...}

    Raises:
        Mistake: it does not read a Kinesis stream, or has no extended S3 destination.
    """
    name = description["DeliveryStreamName"]
    kind = description["DeliveryStreamType"]
    if kind != KINESIS_SOURCE:
        raise Mistake(f"the delivery stream {name} is {kind}: only {KINESIS_SOURCE} is run here")
    destinations = description["Destinations"]
    if len(destinations) != 1 or "ExtendedS3DestinationDescription" not in destinations[0]:
        raise Mistake(f"the delivery stream {name} has no extended S3 destination")
    source = description["Source"]["KinesisStreamSourceDescription"]
    return {
        "DeliveryStreamName": name,
        "DeliveryStreamType": kind,
        # Without DeliveryStartTimestamp, which is an answer and no setting.
        "KinesisStreamSourceConfiguration": {key: source[key] for key in ("KinesisStreamARN", "RoleARN")},
        "ExtendedS3DestinationConfiguration": destinations[0]["ExtendedS3DestinationDescription"],
    }
