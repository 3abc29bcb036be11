"""How patient each of our clients of AWS is: who waits, the SDK or we, and how often it tries."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from firehose.lake.backfill.export import find_export
from firehose.lake.backfill.table_scan import TableSource
from firehose.local.kinesis_writer import KinesisWriter
from firehose.local.sinks import CONCURRENT_PUTS, S3Sink
from firehose.local.sources.kinesis import kinesis_client


class MadeError(Exception):
    """A client was asked for."""

    def __init__(self, service: str, config: Any) -> None:
        super().__init__(service)
        self.service, self.config = service, config


@pytest.mark.parametrize(
    ("make", "service", "retries"),
    [
        (lambda: TableSource("t", 1, 0, personal=frozenset()), "dynamodb", {"mode": "adaptive", "max_attempts": 20}),
        (lambda: find_export("s3://exports/AWSDynamoDB"), "s3", {"mode": "standard", "max_attempts": 8}),
        (lambda: KinesisWriter("dmnd"), "kinesis", {"mode": "standard", "max_attempts": 8}),
        (lambda: kinesis_client("s"), "kinesis", {"mode": "standard", "total_max_attempts": 1}),
    ],
    ids=["a scan slows down with its table", "an export", "a stream written", "a stream read: the source waits itself"],
)
def test_a_client_tries_again(
    make: Callable[[], object], service: str, retries: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = client_of(make, monkeypatch)

    assert (made.service, made.config.retries) == (service, retries)


def test_a_lake_in_a_bucket_has_a_connection_for_each_put(monkeypatch: pytest.MonkeyPatch) -> None:
    made = client_of(lambda: S3Sink("lake"), monkeypatch)

    assert (made.service, made.config.max_pool_connections) == ("s3", CONCURRENT_PUTS)


def client_of(make: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> MadeError:
    def client(service: str, *, config: Any, **_: object) -> None:
        raise MadeError(service, config)

    monkeypatch.setattr(boto3, "client", client)
    with pytest.raises(MadeError) as made:
        make()
    return made.value
