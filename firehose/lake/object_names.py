"""The names that Firehose gives to its objects."""

import re

# <stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid>: Firehose's guide, "Configure Amazon S3 object name format".
_OBJECT_NAME = re.compile(r"(.+)-\d+-(\d{4}-\d\d-\d\d)-\d\d-\d\d-\d\d-[^/]*").fullmatch


def delivery_stream_of(where: str) -> str | None:
    """Return the delivery stream in the name of an object that Firehose wrote, or None.

    "s3://lake/data-pipeline/errors/firehose/processing-failed/dmnd-sale-1-2025-01-01-10-00-00-0000" -> "dmnd-sale"
    """
    match = _OBJECT_NAME(where.rpartition("/")[2])
    return match[1] if match else None


def day_of(where: str) -> str | None:
    """Return the day in the name of an object that Firehose wrote, or None: "2025-01-01" of the object above."""
    match = _OBJECT_NAME(where.rpartition("/")[2])
    return match[2] if match else None
