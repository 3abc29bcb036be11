"""Reading a Kinesis stream: every record from the start on, parents before children, and past what is delivered."""

import base64
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.local.event_record import EventRecord
from firehose.local.sources.kinesis import KinesisSource
from firehose.local.user_error import UserError
from tests.kinesis_streams import STARTED_MS, Clock, Stream

THROTTLED = "ProvisionedThroughputExceededException"
FIRST = "shardId-000000000000"


def stream(shards: int = 1, **more: Any) -> Stream:
    made = Stream(Clock(), **more)
    for _ in range(shards):
        made.add()
    return made


def source(client: Stream, state: Path, start_ms: int = 0, readers: Iterable[str] = ()) -> KinesisSource:
    clock = client.clock
    return KinesisSource(
        "dmnd", state=state, start_ms=start_ms, readers=readers, client=client, clock=clock, sleep=clock.sleep
    )


def read(records: KinesisSource, rounds: int = 3) -> list[bytes]:
    """The payloads of so many rounds of polling."""
    found = []
    turns = iter(records)
    while rounds:
        record = next(turns)
        if record is None:
            rounds -= 1
        else:
            found.append(base64.b64decode(record["data"]))
    return found


def test_a_record_has_the_shape_of_a_kinesis_sourced_event(tmp_path: Path) -> None:
    client = stream()
    client.put(b"{}")

    record = next(iter(source(client, tmp_path)))

    assert record == {
        "recordId": FIRST + "0" * 72 + "49546986683135544286507457936321625675700192471156785155" + "0" * 12,
        "approximateArrivalTimestamp": STARTED_MS,
        "data": "e30=",
        "kinesisRecordMetadata": {
            "shardId": FIRST,
            "partitionKey": "000000000000000000000000A3A6BF43",
            "approximateArrivalTimestamp": STARTED_MS,
            "sequenceNumber": "49546986683135544286507457936321625675700192471156785155",
            "subsequenceNumber": 0,
        },
    }
    assert len(record["recordId"]) == 160


def test_for_a_delivery_stream_that_is_new_all_is_read_from_the_start_again(tmp_path: Path) -> None:
    client = stream()
    client.put(b"before")
    old = source(client, tmp_path, readers=["sale"])
    read(old)
    client.clock.sleep(60)  # and meanwhile avro is made
    client.put(b"after")
    read(old, rounds=1)
    old.settled(2)

    both = source(client, tmp_path, readers=["sale", "avro"])
    again = source(client, tmp_path, readers=["avro"])

    assert both.new_readers == ["avro"]
    assert read(both) == [b"before", b"after"]
    assert again.new_readers == []


def test_where_nothing_was_read_yet_no_reader_is_new(tmp_path: Path) -> None:
    assert source(stream(), tmp_path, readers=["sale"]).new_readers == []


def test_a_reader_that_is_known_goes_on_where_it_was(tmp_path: Path) -> None:
    client = stream()
    client.put(b"{}")
    old = source(client, tmp_path, readers=["avro", "sale"])
    read(old)
    old.settled(1)

    assert read(source(client, tmp_path, readers=["sale", "avro"])) == []
    assert read(source(client, tmp_path, readers=["sale"])) == []


def test_every_shard_is_polled_once_a_second(tmp_path: Path) -> None:
    client = stream(shards=2)

    read(source(client, tmp_path), rounds=4)

    second = STARTED_MS + 1000
    assert client.polled[:4] == [
        (STARTED_MS, FIRST),
        (STARTED_MS, "shardId-000000000001"),
        (second, FIRST),
        (second, "shardId-000000000001"),
    ]
    assert client.calls.count("get_records") == 8


def test_reading_begins_at_the_instant_given(tmp_path: Path) -> None:
    client = stream()
    client.put(b"before")
    client.clock.now += 5
    client.put(b"at")

    assert read(source(client, tmp_path, STARTED_MS + 5)) == [b"at"]


def test_what_comes_to_a_shard_that_had_nothing_yet_survives_a_restart(tmp_path: Path) -> None:
    client = stream()
    read(source(client, tmp_path, client.clock.now))
    client.put(b"meanwhile")

    assert read(source(client, tmp_path, client.clock.now + 60_000)) == [b"meanwhile"]


def test_a_restart_goes_on_behind_what_is_delivered_and_not_behind_what_is_read(tmp_path: Path) -> None:
    client = stream()
    for payload in (b"a", b"b", b"c"):
        client.put(payload)
    first = source(client, tmp_path)

    assert read(first) == [b"a", b"b", b"c"]
    first.settled(1)

    assert read(source(client, tmp_path)) == [b"b", b"c"]


def test_shards_are_checkpointed_each_for_itself(tmp_path: Path) -> None:
    client = stream(shards=2)
    client.put(b"a")
    client.put(b"b", "shardId-000000000001")
    first = source(client, tmp_path)
    read(first)
    first.settled(1)

    assert read(source(client, tmp_path)) == [b"b"]


def test_a_stream_made_again_under_the_same_name_is_read_from_its_start(tmp_path: Path) -> None:
    client = stream()
    client.put(b"a")
    first = source(client, tmp_path)
    read(first)
    first.settled(1)
    again = stream(created=client.created.replace(year=2026))
    again.put(b"a")

    assert read(source(again, tmp_path)) == [b"a"]
    assert first.source_of(f"{FIRST}{1:0140}") != source(again, tmp_path).source_of(f"{FIRST}{1:0140}")


def test_children_are_read_when_all_of_their_parents_have_been(tmp_path: Path) -> None:
    client = stream(shards=2, page=1)
    for payload in (b"1", b"2", b"3"):
        client.put(payload)
    client.put(b"x", "shardId-000000000001")
    child = client.merge(FIRST, "shardId-000000000001")
    client.put(b"4", child)
    client.put(b"5", client.split(child)[1])

    found = read(source(client, tmp_path), rounds=12)

    assert [one for one in found if one != b"x"] == [b"1", b"2", b"3", b"4", b"5"]
    assert found.index(b"x") < found.index(b"4")


def test_a_split_while_reading_loses_and_repeats_nothing(tmp_path: Path) -> None:
    client = stream()
    client.put(b"before")
    records = source(client, tmp_path)
    turns = iter(records)
    before = list(islice(turns, 2))
    low, high = client.split(FIRST)
    client.put(b"low", low)
    client.put(b"high", high)

    after = [next(turns) for _ in range(10)]

    assert payloads([*before, *after]) == [b"before", b"low", b"high"]


def payloads(records: list[EventRecord | None]) -> list[bytes]:
    return [base64.b64decode(record["data"]) for record in records if record]


def test_a_shard_read_to_its_end_is_not_read_again_after_a_restart(tmp_path: Path) -> None:
    client = stream()
    client.put(b"parent")
    client.put(b"child", client.split(FIRST)[0])
    first = source(client, tmp_path)
    assert read(first) == [b"parent", b"child"]
    first.settled(1)

    assert read(source(client, tmp_path)) == [b"child"]
    assert FIRST not in {shard for at, shard in client.polled if at > first._clock()}


def test_a_child_is_read_whose_parent_is_kept_no_longer(tmp_path: Path) -> None:
    client = stream()
    child, _ = client.split(FIRST)
    client.put(b"child", child)
    del client.shards[FIRST]

    assert read(source(client, tmp_path)) == [b"child"]


@pytest.mark.parametrize("call", ["list_shards", "get_shard_iterator", "get_records"])
@pytest.mark.parametrize("code", [THROTTLED, "LimitExceededException", "InternalFailure"])
def test_a_refusal_that_passes_is_waited_out_with_growing_waits(tmp_path: Path, call: str, code: str) -> None:
    client = stream()
    client.put(b"a")
    client.refuse = lambda called: code if called == call and client.calls.count(call) < 4 else ""
    records = source(client, tmp_path)

    assert read(records, rounds=9) == [b"a"]
    moments = [at - STARTED_MS for at, name in zip(client.called_ms, client.calls, strict=True) if name == call]
    assert moments[:4] == [0, 1000, 3000, 7000]
    assert records.throttled == 3


def test_a_throttled_shard_holds_up_no_other(tmp_path: Path) -> None:
    client = stream(shards=2)
    client.put(b"b", "shardId-000000000001")
    client.refuse = lambda call: THROTTLED if call == "get_records" and client.calls.count(call) == 1 else ""

    records = iter(source(client, tmp_path))

    assert next(records) is not None
    assert client.clock.now == STARTED_MS


def test_an_expired_iterator_is_renewed_behind_the_last_record_read(tmp_path: Path) -> None:
    client = stream()
    client.put(b"a")
    records = iter(source(client, tmp_path))
    assert payloads([next(records)]) == [b"a"]
    client.put(b"b")

    def renewed() -> int:
        return client.calls.count("get_shard_iterator")

    client.refuse = lambda call: "ExpiredIteratorException" if (call, renewed()) == ("get_records", 1) else ""

    assert payloads([next(record for record in records if record)]) == [b"b"]
    assert client.clock.now == STARTED_MS + 1200


def test_a_stream_that_may_not_be_read_is_the_users_mistake(tmp_path: Path) -> None:
    client = stream(refuse=lambda _: "AccessDeniedException")

    with pytest.raises(UserError, match=r"^kinesis://dmnd cannot be read: AccessDeniedException$"):
        read(source(client, tmp_path))


def test_a_state_file_of_something_else_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "dmnd.json").write_text("[]")

    with pytest.raises(UserError, match="is not a file of checkpoints"):
        source(stream(), tmp_path)


def test_the_lag_is_that_of_the_slowest_shard(tmp_path: Path) -> None:
    client = stream(page=1)
    for _ in range(3):
        client.put(b"a")
    records = source(client, tmp_path)

    read(records, rounds=1)

    assert records.lag_ms == 2000


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("kinesis", region_name="us-east-1")
        client.create_stream(StreamName="dmnd", ShardCount=2)
        yield client


def test_on_moto_nothing_is_lost_when_shards_split_and_merge(tmp_path: Path, kinesis: Any) -> None:
    clock = Clock()
    records = KinesisSource("dmnd", state=tmp_path, start_ms=0, client=kinesis, clock=clock, sleep=clock.sleep)
    found = set()
    for number in range(4):
        for item in range(50):
            kinesis.put_record(StreamName="dmnd", Data=f"{number} {item}".encode(), PartitionKey=f"{item}")
        found |= set(read(records, rounds=2))
        if number == 0:
            kinesis.split_shard(
                StreamName="dmnd", ShardToSplit=FIRST, NewStartingHashKey="85070591730234615865843651857942052863"
            )
        if number == 1:
            kinesis.merge_shards(
                StreamName="dmnd", ShardToMerge="shardId-000000000003", AdjacentShardToMerge="shardId-000000000001"
            )
    found |= set(read(records, rounds=30))

    assert found == {f"{number} {item}".encode() for number in range(4) for item in range(50)}
