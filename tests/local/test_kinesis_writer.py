"""Writing into a Kinesis stream: every record that was put is in it when `flush` returns, within PutRecords' limits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from firehose.local.kinesis_writer import ATTEMPTS, KinesisWriter, TooLargeError, partition_key, stream_of
from firehose.local.user_error import UserError

KEY = "A" * 32
SECRET = b'{"phoneNumber":{"S":"+15550100"}}'
MIB = 1024 * 1024


@dataclass
class Stream:
    """A Kinesis client that refuses what its test says, and remembers every call."""

    refuse: Any = lambda _call, _number: False
    raises: list[Exception] = field(default_factory=list)
    calls: list[list[bytes]] = field(default_factory=list)
    accepted: list[bytes] = field(default_factory=list)

    def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's
        if self.raises:
            raise self.raises.pop(0)
        self.calls.append([one["Data"] for one in Records])
        assert len(Records) <= 500
        assert sum(len(one["Data"]) + len(one["PartitionKey"]) for one in Records) <= 5 * MIB
        results = [self._result(number, one["Data"]) for number, one in enumerate(Records)]
        return {"FailedRecordCount": sum("ErrorCode" in one for one in results), "Records": results}

    def _result(self, number: int, data: bytes) -> dict[str, str]:
        if self.refuse(len(self.calls), number):
            return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}
        self.accepted.append(data)
        return {"SequenceNumber": "49", "ShardId": "shardId-000000000000"}


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def writer(stream: Any, clock: Clock | None = None, rate: float | None = None) -> KinesisWriter:
    clock = clock or Clock()
    return KinesisWriter("dmnd", client=stream, records_per_second=rate, sleep=clock.sleep, clock_seconds=clock)


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("kinesis")
        client.create_stream(StreamName="dmnd", ShardCount=1)
        yield client


def test_what_was_put_is_in_the_stream_with_its_key_after_a_flush(kinesis: Any) -> None:
    one = KinesisWriter("dmnd")

    one.put(b"first", KEY)
    one.put(b"second", "B" * 32)
    one.flush()

    shard = kinesis.get_shard_iterator(
        StreamName="dmnd", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    found = [(one["Data"], one["PartitionKey"]) for one in kinesis.get_records(ShardIterator=shard)["Records"]]
    assert found == [(b"first", KEY), (b"second", "B" * 32)]
    assert one.sent == 2


def test_a_call_holds_500_records_at_most() -> None:
    stream = Stream()
    one = writer(stream)

    for number in range(1201):
        one.put(b"%d" % number, KEY)
    one.flush()

    assert [len(call) for call in stream.calls] == [500, 500, 201]
    assert stream.accepted == [b"%d" % number for number in range(1201)]


def test_a_call_holds_5_mib_with_its_keys_at_most() -> None:
    stream = Stream()
    one = writer(stream)

    for _ in range(6):
        one.put(b"x" * (MIB - 32), KEY)
    one.flush()

    assert [len(call) for call in stream.calls] == [5, 1]


def test_a_flush_with_nothing_to_send_calls_nobody() -> None:
    stream = Stream()

    writer(stream).flush()

    assert stream.calls == []


def test_a_record_of_one_mib_with_its_key_is_sent_and_one_byte_more_is_refused() -> None:
    stream = Stream()
    one = writer(stream)

    one.put(b"x" * (MIB - 32), KEY)
    with pytest.raises(TooLargeError, match="1,048,577 bytes"):
        one.put(b"x" * (MIB - 31), KEY)
    one.flush()

    assert [len(data) for data in stream.accepted] == [MIB - 32]


def test_only_the_records_that_a_call_refused_are_sent_again_with_growing_waits() -> None:
    stream = Stream(refuse=lambda call, number: call <= 3 and number % 2 == 1)
    clock = Clock()
    one = writer(stream, clock)

    for number in range(8):
        one.put(b"%d" % number, KEY)
    one.flush()

    assert [len(call) for call in stream.calls] == [8, 4, 2, 1]
    assert sorted(stream.accepted) == [b"%d" % number for number in range(8)]
    assert one.sent == 8
    assert clock.slept == sorted(set(clock.slept))


def test_records_that_are_refused_in_every_attempt_end_in_a_sentence_without_the_record() -> None:
    stream = Stream(refuse=lambda call, number: number == 0)
    one = writer(stream)
    one.put(SECRET, KEY)

    with pytest.raises(UserError) as caught:
        one.flush()

    assert str(caught.value) == (
        "kinesis://dmnd refused records in 12 attempts: 1 ProvisionedThroughputExceededException"
    )
    assert len(stream.calls) == ATTEMPTS
    assert one.sent == 0


def test_what_was_refused_to_the_end_is_sent_by_the_next_flush() -> None:
    stream = Stream(refuse=lambda call, number: call <= ATTEMPTS)
    one = writer(stream)
    one.put(b"x", KEY)
    with pytest.raises(UserError):
        one.flush()

    one.flush()

    assert stream.accepted == [b"x"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "+15550100"}}, "PutRecords"),
            "kinesis://dmnd cannot be written: ResourceNotFoundException",
        ),
        (
            ClientError({"Error": {"Code": "AccessDeniedException", "Message": "+15550100"}}, "PutRecords"),
            "kinesis://dmnd cannot be written: AccessDeniedException",
        ),
        (
            ConnectionClosedError(endpoint_url="https://kinesis"),
            "kinesis://dmnd cannot be written: "
            'Connection was closed before we received a valid response from endpoint URL: "https://kinesis".',
        ),
    ],
    ids=["no such stream", "denied", "connection cut"],
)
def test_a_stream_that_cannot_be_written_is_a_sentence(error: Exception, sentence: str) -> None:
    one = writer(Stream(raises=[error]))
    one.put(SECRET, KEY)

    with pytest.raises(UserError) as caught:
        one.flush()

    assert str(caught.value) == sentence


def test_no_more_records_are_sent_a_second_than_asked() -> None:
    stream = Stream()
    clock = Clock()
    one = writer(stream, clock, rate=100)

    sent_at = []
    for number in range(1000):
        one.put(b"%d" % number, KEY)
        sent_at.append((clock.now, one.sent))
    one.flush()

    assert one.sent == 1000
    assert all(sent <= 100 * (now + 1) for now, sent in sent_at)
    assert clock.now == pytest.approx(9)


def test_a_rate_below_one_record_a_second_is_kept() -> None:
    clock = Clock()
    one = writer(Stream(), clock, rate=0.5)

    for _ in range(3):
        one.put(b"x", KEY)
    one.flush()

    assert clock.now == pytest.approx(4)


def test_time_that_passed_without_sending_is_not_made_up_for() -> None:
    clock = Clock()
    one = writer(Stream(), clock, rate=1)
    clock.now = 1000.0

    for _ in range(3):
        one.put(b"x", KEY)
    one.flush()

    assert clock.now == pytest.approx(1002)


def test_a_region_that_is_not_set_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(UserError, match="kinesis://dmnd cannot be written: You must specify a region"):
        KinesisWriter("dmnd")


def test_the_stream_of_an_address() -> None:
    assert stream_of("kinesis://dmnd-table") == "dmnd-table"


@pytest.mark.parametrize("address", ["dmnd", "kinesis://", "s3://dmnd", "kinesis://a/b", ""])
def test_an_address_that_is_no_stream_is_a_mistake(address: str) -> None:
    with pytest.raises(UserError, match="should be kinesis://STREAM"):
        stream_of(address)


def test_a_partition_key_is_32_upper_case_hex_digits_of_the_keys_whatever_their_order() -> None:
    one = partition_key(b'{"pk":{"S":"P"},"sk":{"S":"S"}}')

    assert len(one) == 32
    assert set(one) <= set("0123456789ABCDEF")
    assert partition_key(b'{ "sk": {"S": "S"}, "pk": {"S": "P"} }') == one
    assert partition_key(b'{"pk":{"S":"P"},"sk":{"S":"T"}}') != one


@given(st.binary(max_size=50))
def test_anything_has_a_partition_key(data: bytes) -> None:
    assert len(partition_key(data)) == 32
