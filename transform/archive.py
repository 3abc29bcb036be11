"""The only file here that writes: objects put to the bucket by the function itself."""

from functools import cached_property
from typing import Any, Protocol


class Store(Protocol):
    """Where objects go. `put` raises if the object is not there whole afterwards."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write one object, over whatever stood there."""


class S3Store:
    """A bucket. boto3 is loaded at the first put: most invocations write nothing, and it doubles a cold start."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    @cached_property
    def _s3(self) -> Any:
        import boto3  # noqa: PLC0415 - see the class
        from botocore.config import Config  # noqa: PLC0415

        # A put that hangs would take the batch with it. Firehose has the originals, so two short tries are enough.
        return boto3.client("s3", config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2}))

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write one object."""
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)
