"""Validates the ARNs of a request, without checking that their resources exist.

The API model's patterns begin with `arn:.*:`, which also takes text that is not an ARN, such as `arn:a:b:iam::...`.
"""

import re
from typing import NamedTuple


class Arn(NamedTuple):
    """The parts of an ARN."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


def parts(arn: str) -> Arn:
    """Return the parts of an ARN.

    "arn:aws:iam::123456789012:role/own" -> Arn("aws", "iam", "", "123456789012", "role/own")

    Raises:
        ValueError: it is not one.
    """
    split = arn.split(":", 5)
    if len(split) != 6 or split[0] != "arn":
        raise ValueError("must be an ARN")
    return Arn(*split[1:])


def role(arn: str) -> str:
    """Return the ARN of a role unchanged.

    Raises:
        ValueError: it is not one.
    """
    if not re.fullmatch(r"arn:[^:]*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+", arn, re.ASCII):
        raise ValueError("must be the ARN of a role")
    return arn


def bucket(arn: str) -> str:
    """Return the name in the ARN of a bucket: "arn:aws:s3:::lake" -> "lake".

    Raises:
        ValueError: it is not one.
    """
    found = re.fullmatch(r"arn:[^:]*:s3:::([\w.\-]{1,255})", arn, re.ASCII)
    if not found:
        raise ValueError("must be the ARN of a bucket")
    return found[1]


def kinesis_stream(arn: str) -> Arn:
    """Return the parts of the ARN of a Kinesis stream.

    Raises:
        ValueError: it is not one.
    """
    found = parts(arn)
    if found.service != "kinesis":
        raise ValueError("must be the ARN of a Kinesis stream")
    return found


def function(arn: str) -> str:
    """Return the ARN of a Lambda function, version or alias unchanged.

    Firehose accepts only Lambda's own form, although the API model allows any text (measured).

    Raises:
        ValueError: it is not one.
    """
    name = r"function:[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?"
    if not re.fullmatch(rf"arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{{12}}:{name}", arn, re.ASCII):
        raise ValueError("must be the ARN of a Lambda function")
    return arn
