"""Build and call the function as in Lambda, with its metrics and log lines written to /dev/null."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import islice
from typing import Any

from bench.batches import event_of
from transform import avro_binary, numbers, parquet_mode, times
from transform.function import Handler, build

ALL_TYPES = "demand,event,notification,sale"
# So few that any reply stays below 6 MB: a sample change has at most 15 KB, one in the corpora 50 KB.
_CHUNK_RECORDS = 100


class Nowhere:
    """A store that keeps nothing, so that measurements end before the put to S3."""

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Forget the object."""


class Context:
    """The part of Lambda's context that the function uses."""

    aws_request_id = "5b2c41a5-6fd3-4b0a-93a5-55a3b7a0ac1e"
    function_name = "bench"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"


def environment(record_types: str, *, claims: bool = True, mode: str = "parquet") -> dict[str, str]:
    """Return a function's environment variables."""
    return {
        "RECORD_TYPES": record_types,
        "CLAIMS_UNREADABLE": "true" if claims else "false",
        "BUCKET": "bench",
        "ERROR_PREFIX": "data-pipeline/errors/records/",
        "FORMAT": mode,
    }


def function(record_types: str, *, claims: bool = True, mode: str = "parquet") -> Handler:
    """Return the handler for these types, `demand` or `demand,sale`."""
    return build(environment(record_types, claims=claims, mode=mode), Nowhere())


def forget(mode: str) -> None:
    """Empty the caches of a mode's function, as if it had never seen the batch's times, dates and numbers.

    Without this, rounds over one batch find all of them in the cache. In a live stream some are there, because items
    change more than once.
    """
    for module in (avro_binary if mode == "avro" else parquet_mode, numbers, times):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


@contextmanager
def silenced() -> Iterator[None]:
    """Send metrics and log lines to /dev/null. The time to make and write them is still measured."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # noqa: PTH123 (a device, not a path of ours)
        yield


def run(handler: Handler, events: list[dict[str, Any]]) -> int:
    """Call the handler with each event; return the number of records that it did not deliver."""
    failed = 0
    for event in events:
        results = handler(event, Context())["records"]
        failed += sum(1 for result in results if result["result"] != "Ok")
    return failed


def well_formed(lines: Iterable[bytes], record_types: str = ALL_TYPES) -> Iterator[bytes]:
    """Return the lines that the function of these types delivers."""
    handler, rest = function(record_types), iter(lines)
    while chunk := list(islice(rest, _CHUNK_RECORDS)):
        with silenced():
            results = handler(event_of(chunk), Context())["records"]
        yield from (line for line, result in zip(chunk, results, strict=True) if result["result"] == "Ok")
