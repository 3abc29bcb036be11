"""The function's own writes: short, whole, and of a type that readers can tell."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError
from moto import mock_aws

from transform.object_store import CONCURRENT_PUTS, S3Store, error_name, put_all

SLOW = ReadTimeoutError(endpoint_url="s3")
CUT = ConnectionClosedError(endpoint_url="s3")


class _Raw:
    """The body of an answer."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self) -> Any:
        yield self.body


def refused(status: int, code: str) -> AWSResponse:
    body = f"<Error><Code>{code}</Code><Message>SECRET</Message></Error>".encode()
    return AWSResponse("s3", status, {}, _Raw(body))


class Clients:
    """The SDK's clients as the store makes them, and the puts that they send. The first puts end in `faults`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Any] = []
        self.faults: list[AWSResponse | BotoCoreError] = []
        self.sent: list[str] = []
        self._client = boto3.client
        monkeypatch.setattr(boto3, "client", self._make)

    def _make(self, service: str, **options: Any) -> Any:
        client = self._client(service, **options)
        client.meta.events.register_first("before-send.s3.PutObject", self._send)
        self.made.append(client)
        return client

    def _send(self, request: Any, **_: Any) -> AWSResponse | None:
        self.sent.append(request.method)
        answer = self.faults.pop(0) if self.faults else None
        if isinstance(answer, BotoCoreError):
            raise answer
        return answer


@pytest.fixture
def bucket(credentials: None) -> Iterator[Any]:
    """A client of an S3 that has a bucket called lake."""
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="lake")
        yield s3


@pytest.fixture
def clients(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> Clients:
    return Clients(monkeypatch)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_an_object_is_put_with_its_content_type(bucket: Any) -> None:
    S3Store("lake", attempts=2).put("data-pipeline/errors/records/a.jsonl", b"{}\n", "application/x-ndjson")

    found = bucket.get_object(Bucket="lake", Key="data-pipeline/errors/records/a.jsonl")
    assert (found["Body"].read(), found["ContentType"]) == (b"{}\n", "application/x-ndjson")


def test_a_put_is_given_up_before_it_costs_the_batch(clients: Clients) -> None:
    S3Store("lake", attempts=2).put("a.avro", b"Obj", "avro/binary")

    config = clients.made[0].meta.config
    assert config.connect_timeout + config.read_timeout <= 10
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the SDK would have waited between its attempts."""
    waited: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", waited.append)
    return waited


@pytest.mark.parametrize(
    "fault", [refused(503, "SlowDown"), refused(500, "InternalError"), SLOW, CUT], ids=["503", "500", "slow", "cut"]
)
def test_a_put_that_s3_could_not_take_for_a_while_is_made_again(
    fault: Any, clients: Clients, bucket: Any, waits: list[float]
) -> None:
    clients.faults = [fault, fault]

    S3Store("lake", attempts=5).put("a.avro", b"Obj", "avro/binary")

    assert bucket.get_object(Bucket="lake", Key="a.avro")["Body"].read() == b"Obj"
    assert (len(clients.sent), len(waits)) == (3, 2)


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [(refused(403, "AccessDenied"), 1), (refused(503, "SlowDown"), 3), (SLOW, 3), (CUT, 3)],
    ids=["denied", "503", "slow", "cut"],
)
def test_a_put_that_s3_does_not_take_raises_after_the_attempts(
    fault: Any, attempts: int, clients: Clients, waits: list[float]
) -> None:
    clients.faults = [fault] * 9

    with pytest.raises((ClientError, BotoCoreError)):
        S3Store("lake", attempts=3).put("a.avro", b"Obj", "avro/binary")

    assert len(clients.sent) == attempts
    assert len(waits) == attempts - 1


def test_the_client_is_made_once_for_puts_from_several_threads(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, make = threading.Barrier(2), boto3.client

    def make_while_others_wait(*arguments: Any, **options: Any) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            second.wait(0.1)  # for a second thread that makes one, too
        return make(*arguments, **options)

    monkeypatch.setattr(boto3, "client", make_while_others_wait)

    failed = put_all(S3Store("lake", attempts=2), [(str(number), b"") for number in range(8)], "text/plain", None)

    assert failed == {}
    assert len(clients.made) == 1


class Together:
    """A store that ends no put before as many are under way."""

    def __init__(self, puts: int) -> None:
        self.barrier = threading.Barrier(puts)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.barrier.wait(10)


def test_objects_are_put_concurrently() -> None:
    store = Together(puts=3)

    failed = put_all(store, [("a", b""), ("b", b""), ("c", b"")], "text/plain", None)

    assert failed == {}


class Stuck:
    """A store whose puts do not end before they are released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.begun: list[str] = []

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.begun.append(key)
        self.released.wait(10)


def test_what_has_not_begun_when_time_is_over_never_begins() -> None:
    store = Stuck()
    before = set(threading.enumerate())

    failed = put_all(store, [(str(number), b"") for number in range(CONCURRENT_PUTS + 4)], "text/plain", 0.05)
    store.released.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()

    assert len(failed) == CONCURRENT_PUTS + 4
    assert {type(error) for error in failed.values()} == {TimeoutError}
    assert len(store.begun) == CONCURRENT_PUTS


def test_an_error_is_named_by_s3s_code_and_never_by_its_text() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "SECRET"}}, "PutObject")

    assert [error_name(denied), error_name(OSError("SECRET")), error_name(CUT)] == [
        "AccessDenied",
        "OSError",
        "ConnectionClosedError",
    ]


def test_the_reason_of_a_store_that_has_words_of_its_own_is_the_sdks_too() -> None:
    """As of a folder or bucket that the local data plane writes to."""
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "SECRET"}}, "PutObject")
    said = RuntimeError("SECRET")
    said.__cause__ = denied

    assert error_name(said) == "AccessDenied"
