"""The only file here that writes: objects put to the bucket by the function itself."""

import time
from collections.abc import Iterable
from threading import Lock
from typing import Any, Protocol

# A put takes S3 some 40 ms and Python 2 ms: more at once would wait for each other.
CONCURRENT_PUTS = 16

NDJSON = "application/x-ndjson"


class Store(Protocol):
    """Where objects go. `put` raises if the object is not there whole afterwards; several may run at once."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Write one object, over whatever stood there."""


class S3Store:
    """A bucket. boto3 is loaded at the first put: most invocations write nothing, and it doubles a cold start.

    `attempts` at most, with growing waits between them; one that hangs takes 7 s (2 to connect, 5 without a byte).
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
    store: Store, objects: Iterable[tuple[str, bytes]], content_type: str, seconds: float | None
) -> dict[str, BaseException]:
    """Put objects concurrently. Those that are not known to be there when it returns, by key, and why.

    Takes `seconds` at most where given: what has not ended by then is a TimeoutError. A put that was under way may
    still end well afterwards, so its key is told to whoever would deliver its rows again.
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


def why(error: BaseException) -> str:
    """What went wrong, in S3's word for it or as the class of the error: AccessDenied, EndpointConnectionError.

    Never its text, which may quote what was put.
    """
    cause = error.__cause__ or error  # a store may have put the SDK's error into words of its own
    response = getattr(cause, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code") or type(cause).__name__)
    return type(cause).__name__
