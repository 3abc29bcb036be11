"""Reads a delivery stream from a document: a CreateDeliveryStream request, or an answer of DescribeDeliveryStream."""

import re
from collections.abc import Mapping
from typing import Any

from firehose.local.config import arns
from firehose.local.config.delivery_stream import EXTENDED_S3, ICEBERG, DeliveryStream, read_delivery_stream
from firehose.local.config.foreign_documents import other_form
from firehose.local.config.members import RefusedSettingError, UnsupportedSettingError

_ANSWER = "DeliveryStreamDescription"

# The destinations of a description: their configuration in a request, and the member that has another name there.
_DESTINATIONS = {
    "ExtendedS3DestinationDescription": (EXTENDED_S3, ("S3BackupDescription", "S3BackupConfiguration")),
    "IcebergDestinationDescription": (ICEBERG, ("S3DestinationDescription", "S3Configuration")),
}

_REGION = "us-east-1"  # of a request, which does not name one

# The sources of a description: their configuration in a request, and the members that are settings.
_SOURCES = {
    "DirectPutSourceDescription": ("DirectPutSourceConfiguration", ("ThroughputHintInMBs",)),
    "KinesisStreamSourceDescription": ("KinesisStreamSourceConfiguration", ("KinesisStreamARN", "RoleARN")),
}


def read_json(document: Any) -> DeliveryStream:
    """Return the delivery stream of a document: a request, or an answer of DescribeDeliveryStream.

    {"DeliveryStreamName": "sale", "ExtendedS3DestinationConfiguration": {...}, ...} -> DeliveryStream("sale", ...)
    {"DeliveryStreamDescription": {"DeliveryStreamName": "sale", "VersionId": "3", ...}} -> the same, of version 3

    Raises:
        SettingError: as `read_delivery_stream`, whose paths are the request's, and as `create_request`.
    """
    return read_delivery_stream(create_request(document), version(document), region=region(document))


def create_request(document: Any) -> dict[str, Any]:
    """Return the CreateDeliveryStream request that would make the stream of a document; return a request unchanged.

    {"DeliveryStreamName": "sale", "Destinations": [{"ExtendedS3DestinationDescription": {...}}], ...}
        -> {"DeliveryStreamName": "sale", "ExtendedS3DestinationConfiguration": {...}, ...}

    Raises:
        RefusedSettingError: the document is neither a request nor a description.
        UnsupportedSettingError: the destination is neither extended S3 nor Iceberg.
    """
    stream = _inside(document)
    if "Destinations" not in stream:
        return dict(stream)
    request = {name: stream.get(name) for name in ("DeliveryStreamName", "DeliveryStreamType")}
    sources = _structure(stream, "Source")
    for described, (name, members) in _SOURCES.items():
        if source := _structure(sources, described):
            request[name] = {member: source.get(member) for member in members}
    encryption = _structure(stream, "DeliveryStreamEncryptionConfiguration")
    if encryption.get("Status") in ("ENABLED", "ENABLING"):
        request["DeliveryStreamEncryptionConfigurationInput"] = {
            name: encryption.get(name) for name in ("KeyType", "KeyARN")
        }
    name, destination = _destination(stream["Destinations"])
    return {**request, name: destination}


def version(document: Any) -> int:
    """Return the version of the stream, which its objects have in their names: 1 for a request.

    Raises:
        RefusedSettingError: a VersionId that is not a number.
    """
    text = _inside(document).get("VersionId", "1")
    if not isinstance(text, str) or not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise RefusedSettingError("VersionId", "must be a whole number from 1")
    return int(text)


def region(document: Any) -> str:
    """Return the region of a stream that is described; us-east-1 for a request.

    Raises:
        RefusedSettingError: a DeliveryStreamARN that is not an ARN.
    """
    arn = _inside(document).get("DeliveryStreamARN")
    if arn is None:
        return _REGION
    try:
        return arns.parts(str(arn)).region
    except ValueError as error:
        raise RefusedSettingError("DeliveryStreamARN", str(error)) from None


def _inside(document: Any) -> Mapping[str, Any]:
    stream = document.get(_ANSWER, document) if isinstance(document, Mapping) else document
    if not isinstance(stream, Mapping):
        raise RefusedSettingError(
            "request", "must be a CreateDeliveryStream request, or an answer of DescribeDeliveryStream"
        )
    if reason := other_form(stream):
        raise RefusedSettingError("request", reason)
    return stream


def _structure(above: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = above.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise RefusedSettingError(name, "must be of the type structure", "SerializationException")
    return value or {}


def _destination(destinations: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of the destination's configuration in a request, and what it holds."""
    first = destinations[0] if isinstance(destinations, list) and len(destinations) == 1 else None
    for kind, (name, (described, configured)) in _DESTINATIONS.items():
        found = first.get(kind) if isinstance(first, Mapping) else None
        if isinstance(found, Mapping):
            return name, {configured if member == described else member: value for member, value in found.items()}
    raise UnsupportedSettingError(
        "Destinations", f"must be one {' or '.join(_DESTINATIONS)}: the local Firehose supports no other destination"
    )
