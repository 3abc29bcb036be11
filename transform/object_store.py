"""The objects that the function itself writes to the bucket. Nothing else in transform/ writes."""

import time
from collections.abc import Iterable
from threading import Lock
from typing import Any, Protocol

# A put takes S3 some 40 ms and Python 2 ms, so more than 16 to 20 at once would wait for the interpreter.
CONCURRENT_PUTS = 16

NDJSON = "application/x-ndjson"


class ObjectStore(Protocol):
    """Takes objects. `put` raises unless the whole object is stored; several calls may run at once."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write one object, replacing any of the same key."""


class S3Store:
    """An S3 bucket. boto3 is loaded at the first put: most invocations write nothing, and it doubles a cold start.

    A put makes at most `attempts` attempts, with growing waits between them. One that hangs is given up after 2 s for
    the connection and 5 s without a byte.
    """

    def __init__(self, bucket: str, attempts: int) -> None:
        self._bucket = bucket
        self._attempts = attempts
        self._client: Any = None
        self._making = Lock()

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write one object."""
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type)

    def _s3(self) -> Any:
        with self._making:
            if self._client is None:
                import boto3  # noqa: PLC0415 - see the class
                from botocore.config import Config  # noqa: PLC0415

                retries = {"mode": "standard", "total_max_attempts": self._attempts}
                config = Config(
                    connect_timeout=2, read_timeout=5, retries=retries, max_pool_connections=CONCURRENT_PUTS
                )
                self._client = boto3.client("s3", config=config)
            return self._client


def put_all(
    store: ObjectStore, objects: Iterable[tuple[str, bytes]], content_type: str, seconds: float | None
) -> dict[str, BaseException]:
    """Put objects concurrently; return the errors of those that failed, by key.

    Returns after `seconds` at the latest where given, with a TimeoutError for every put that has not ended. Such a put
    may still succeed later, so its key goes into the error document, for those who would deliver its rows again.
    """
    from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415 - 10 ms of a cold start

    started = time.monotonic()
    pool = ThreadPoolExecutor(CONCURRENT_PUTS)
    puts = {pool.submit(store.put, key, body, content_type): key for key, body in objects}
    left = None if seconds is None else max(0.0, seconds - (time.monotonic() - started))
    ended, late = wait(puts, left)
    pool.shutdown(wait=False, cancel_futures=True)
    failed: dict[str, BaseException] = {puts[put]: error for put in ended if (error := put.exception())}
    return failed | {puts[put]: TimeoutError() for put in late}


def error_name(error: BaseException) -> str:
    """S3's code of an error, else its class: AccessDenied, EndpointConnectionError.

    Never its text, which may quote the object.
    """
    cause = error.__cause__ or error  # a store may wrap the SDK's error in one of its own
    response = getattr(cause, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code") or type(cause).__name__)
    return type(cause).__name__
