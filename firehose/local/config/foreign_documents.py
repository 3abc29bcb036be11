"""Recognises documents that describe a delivery stream in another form, and says how to get to the right one."""

from collections.abc import Mapping
from typing import Any

_DESCRIBE = "aws firehose describe-delivery-stream --delivery-stream-name NAME"
_CLOUDFORMATION = "AWS::KinesisFirehose::DeliveryStream"
_TERRAFORM = "aws_kinesis_firehose_delivery_stream"


def other_form(document: Mapping[str, Any]) -> str:
    """Return what is wrong with the form of a document, and how to get to the right one; "" if it may be right.

    {"Type": "AWS::KinesisFirehose::DeliveryStream", ...} -> "is a CloudFormation resource: ..."
    """
    if "DeliveryStreamName" in document:
        return ""
    if document.get("Type") == _CLOUDFORMATION or _has_value(document.get("Resources"), "Type", _CLOUDFORMATION):
        return (
            "is a CloudFormation resource: save its Properties alone, with each Ref and Fn:: replaced by its value, "
            f"or deploy it and save what this prints: {_DESCRIBE}"
        )
    if {"extended_s3_configuration", "iceberg_configuration"} & document.keys() or _mentions(document, _TERRAFORM):
        return f"is a Terraform resource, which has other names: apply it and save what this prints: {_DESCRIBE}"
    if "BucketARN" in document:
        return (
            "is a destination without the request around it: "
            'write {"DeliveryStreamName": "NAME", "ExtendedS3DestinationConfiguration": ...} around it'
        )
    if "CatalogConfiguration" in document:
        return (
            "is a destination without the request around it: "
            'write {"DeliveryStreamName": "NAME", "IcebergDestinationConfiguration": ...} around it'
        )
    if "DeliveryStreamNames" in document:
        return f"is a list of names: save the description of one of them, which this prints: {_DESCRIBE}"
    return ""


def _has_value(resources: Any, name: str, value: str) -> bool:
    return isinstance(resources, Mapping) and any(
        isinstance(resource, Mapping) and resource.get(name) == value for resource in resources.values()
    )


def _mentions(document: Any, text: str) -> bool:
    """Return whether a text stands anywhere in a document, as a name or a value."""
    if isinstance(document, Mapping):
        return any(name == text or _mentions(value, text) for name, value in document.items())
    if isinstance(document, list):
        return any(_mentions(value, text) for value in document)
    return bool(document == text)
