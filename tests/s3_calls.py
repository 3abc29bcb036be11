"""Moto's S3, of whose calls one may go wrong."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError, ReadTimeoutError
from botocore.response import StreamingBody
from moto import mock_aws

Call = tuple[str, dict[str, Any]]
Trouble = Callable[[str], Any]


def denied(operation: str) -> Any:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)


def slow_down(operation: str) -> Any:
    raise ClientError({"Error": {"Code": "SlowDown", "Message": "slow"}}, operation)


def timed_out(_: str) -> Any:
    raise ReadTimeoutError(endpoint_url="https://s3")


def cut_off(_: str) -> Any:
    raise ConnectionClosedError(endpoint_url="https://s3")


class Torn(io.BytesIO):
    """A body whose connection breaks."""

    def read(self, *_: Any) -> bytes:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=2)


class KilledError(BaseException):
    """The end of a process, which no code of it outlives."""


def killed(_: str) -> Any:
    raise KilledError


def torn_body(operation: str) -> Any:
    torn = {"Body": StreamingBody(Torn(), 2), "ContentLength": 2}
    return torn if operation == "GetObject" else cut_off(operation)


REFUSED: list[Trouble] = [denied, slow_down]
BROKEN: list[Trouble] = [timed_out, cut_off, torn_body]


class Calls:
    """The calls of S3, of which one may go wrong; after a kill, all of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Call] = []
        self.fails_at = -1
        self.trouble: Trouble = denied
        self.is_done = False  # the call that fails is carried out, and only its answer is lost
        make = botocore.client.BaseClient._make_api_call

        def counted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            self.made.append((operation, parameters))
            is_dead = self.trouble is killed and 0 <= self.fails_at < len(self.made)
            if is_dead or len(self.made) == self.fails_at + 1:
                if self.is_done:
                    make(client, operation, parameters)
                return self.trouble(operation)
            return make(client, operation, parameters)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counted)

    def begin(self, fails_at: int = -1, trouble: Trouble = denied, *, is_done: bool = False) -> None:
        self.made, self.fails_at, self.trouble, self.is_done = [], fails_at, trouble, is_done


@contextmanager
def s3_calls(monkeypatch: pytest.MonkeyPatch, *buckets: str) -> Iterator[Calls]:
    """The calls of an S3 that has these buckets, by one client: to make one takes longer than a test does with it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
        for bucket in buckets:
            client.create_bucket(Bucket=bucket)
        yield Calls(monkeypatch)
