"""The local AWS endpoint in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from firehose.local.endpoint.endpoint import Endpoint
from tests.endpoints import LocalAws, local_endpoint


@contextmanager
def local_aws() -> Iterator[str]:
    """Yield the address of an empty endpoint: "http://127.0.0.1:41234"."""
    with local_endpoint() as aws:
        yield aws.url


def deliver(endpoint: Endpoint, changes: int) -> None:
    """Deliver everything that was put; each delivery stream must have read this many changes."""
    streams = LocalAws(endpoint.url).control("flush", {})["streams"]
    assert {one["waiting"] for one in streams} == {0}
    assert {one["read"] for one in streams} == {changes}
