"""ARNs that a request names. Nobody is asked here whether they exist. Patterns: the API model."""

import re


def role(arn: str) -> str:
    """The ARN of a role, as it is.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"arn:[^:]*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+", arn):
        raise ValueError("must be the ARN of a role")
    return arn


def bucket(arn: str) -> str:
    """The name in the ARN of a bucket: "arn:aws:s3:::lake" -> "lake".

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"arn:[^:]*:s3:::([\w.\-]{1,255})", arn, re.ASCII)
    if not found:
        raise ValueError("must be the ARN of a bucket")
    return found[1]
