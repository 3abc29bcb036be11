"""Into a stream: in the order of dates, few dates in flight, every item at least once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from firehose.cli.progress import EVERY_SECONDS, progress_lines
from firehose.lake.backfill.spool import Spool, write_chunk
from firehose.lake.backfill.state import State
from firehose.lake.backfill.stream_loader import DatesInFlight, check_stream, send_spool
from firehose.local.kinesis_writer import KinesisWriter, partition_key
from firehose.local.user_error import UserError
from tests.commands import result_of as dmd
from tests.exports import KEYS, SMALL, backfilled, demand, full_export
from tests.given import payload, s
from tests.local.test_kinesis_writer import Clock, Stream

KEY = "A" * 32
WINDOW = 450.0


def day(number: int) -> str:
    return f"2025-01-{number:02}"


def spool(folder: Path, *chunks: dict[str, list[bytes]]) -> Spool:
    folder.mkdir()
    for number, chunk in enumerate(chunks):
        write_chunk(folder, number, 0, {date: [KEY.encode() + line for line in lines] for date, lines in chunk.items()})
    return Spool(folder)


@dataclass
class Sent:
    """What a stream took, and when by the clock."""

    clock: Clock
    at: list[tuple[float, bytes]] = field(default_factory=list)

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> Any:  # noqa: N803 - boto3's
        assert StreamName == "dmnd"
        self.at += [(self.clock.now, one["Data"]) for one in Records]
        return {"Records": [{} for _ in Records]}


def send(found: Spool, state: State, clock: Clock, client: Any, limit: int = 500, tick: Any = lambda _: None) -> int:
    writer = KinesisWriter("dmnd", client=client, sleep=clock.sleep, clock_seconds=clock)
    in_flight = DatesInFlight(limit, WINDOW, clock_seconds=clock, sleep=clock.sleep)
    return send_spool(found, writer, state, in_flight, tick)


@pytest.fixture
def state(tmp_path: Path) -> State:
    (tmp_path / "state").mkdir()
    return State(tmp_path / "state")


def test_dates_are_sent_in_order_over_all_chunks(tmp_path: Path, state: State) -> None:
    found = spool(
        tmp_path / "spool",
        {day(3): [b"3a"], day(1): [b"1a", b"1b"]},
        {day(2): [b"2a"], "undated": [b"never"]},
        {day(1): [b"1c"], day(3): [b"3b"]},
    )
    client = Sent(Clock())

    sent = send(found, state, client.clock, client)

    assert [data for _, data in client.at] == [b"1a", b"1b", b"1c", b"2a", b"3a", b"3b", b"never"]
    assert (sent, found.records) == (7, 7)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_window_sees_more_dates_than_the_limit(tmp_path: Path, state: State, limit: int) -> None:
    found = spool(tmp_path / "spool", {day(number): [b"%d" % number] * 3 for number in range(1, 10)})
    client = Sent(Clock())

    send(found, state, client.clock, client, limit)

    times = [at for at, _ in client.at]
    for start in times:
        seen = {data for at, data in client.at if start <= at < start + WINDOW}
        assert len(seen) <= limit
    assert client.clock.slept, "it waits"
    assert times[-1] == WINDOW * ((9 - 1) // limit), "and no longer than it must"


def test_progress_is_reported_while_a_date_waits(tmp_path: Path, state: State) -> None:
    found = spool(tmp_path / "spool", {day(number): [b"%d" % number] for number in (1, 2)})
    client, said = Sent(Clock()), list[str]()
    tick = progress_lines(said.append, clock_seconds=client.clock)("sent", found.records)

    send(found, state, client.clock, client, limit=1, tick=tick)

    assert len(said) == WINDOW / EVERY_SECONDS
    assert said[0] == "sent 1 of about 2, 0/s, 30 s left"


def test_a_date_that_takes_long_is_in_flight_until_a_window_after_its_last_record() -> None:
    clock = Clock()
    in_flight = DatesInFlight(1, WINDOW, clock_seconds=clock, sleep=clock.sleep)

    in_flight.begin()
    clock.now = 1000
    in_flight.finish()
    in_flight.begin()

    assert clock.now == 1000 + WINDOW


def test_a_clock_that_is_set_back_delays_a_date_by_one_window_at_most() -> None:
    clock = Clock(now=100_000)
    in_flight = DatesInFlight(1, WINDOW, clock_seconds=clock, sleep=clock.sleep)
    in_flight.finish()
    clock.now = 50

    in_flight.begin()

    assert clock.now <= 50 + 2 * WINDOW


def test_records_without_a_date_do_not_wait_for_a_partition(tmp_path: Path, state: State) -> None:
    found = spool(tmp_path / "spool", {day(1): [b"1"], "undated": [b"never"]})
    client = Sent(Clock())

    send(found, state, client.clock, client, limit=1)

    assert client.clock.slept == []


def test_a_resumed_run_knows_the_dates_that_are_in_flight(tmp_path: Path, state: State) -> None:
    found = spool(tmp_path / "spool", {day(number): [b"%d" % number] for number in (1, 2, 3)})
    first = Sent(Clock(now=1000))
    first.put_records = refusing_from(first, 2)  # type: ignore[method-assign]
    with pytest.raises(UserError, match="kinesis://dmnd refused records in 12 attempts: 1 Throttled"):
        send(found, state, Clock(now=1000), first, limit=2)
    second = Sent(Clock(now=1001))

    sent = send(found, State(state.folder), second.clock, second, limit=1)

    assert [data for _, data in first.at] == [b"1"]
    assert [data for _, data in second.at] == [b"2", b"3"]
    assert second.at[0][0] >= 1000 + WINDOW
    assert sent == 3


def refusing_from(stream: Sent, call: int) -> Any:
    calls = []

    def put_records(**named: Any) -> Any:
        calls.append(1)
        if len(calls) >= call:
            return {"Records": [{"ErrorCode": "Throttled"} for _ in named["Records"]]}
        return Sent.put_records(stream, **named)

    return put_records


def test_what_a_call_refused_in_part_is_in_the_stream_once(tmp_path: Path, state: State) -> None:
    lines = [b"%d" % number for number in range(1200)]
    found = spool(tmp_path / "spool", {day(1): lines})
    stream = Stream(refuse=lambda call, number: call % 2 and number % 3 == 0)

    sent = send(found, state, Clock(), stream)

    assert sorted(stream.accepted) == sorted(lines)
    assert sent == 1200


def test_what_was_sent_of_a_date_before_a_stop_is_not_sent_again(tmp_path: Path, state: State) -> None:
    chunks = [{day(1): [b"%d-%d" % (chunk, number) for number in range(400)]} for chunk in range(3)]
    found = spool(tmp_path / "spool", *chunks)
    first = Sent(Clock())
    first.put_records = refusing_from(first, 2)  # type: ignore[method-assign]
    with pytest.raises(UserError):
        send(found, state, Clock(), first)
    second = Sent(Clock())

    sent = send(Spool(tmp_path / "spool"), state, second.clock, second)

    assert len(first.at) == 500
    assert [data for _, data in first.at + second.at] == [line for chunk in chunks for line in chunk[day(1)]]
    assert sent == 1200


def test_a_chunk_spooled_again_replaces_itself(tmp_path: Path) -> None:
    spool(tmp_path / "spool", {day(1): [b"before", b"changed"], day(2): [b"gone"]})
    write_chunk(tmp_path / "spool", 0, 0, {day(1): [KEY.encode() + b"after"]})

    found = Spool(tmp_path / "spool")

    assert {date: list(found.lines(date)) for date in found.dates} == {day(1): [KEY.encode() + b"after"]}


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("kinesis")
        client.create_stream(StreamName="dmnd", ShardCount=1)
        yield client


def in_stream(client: Any) -> list[dict[str, Any]]:
    shard = client.list_shards(StreamName="dmnd")["Shards"][0]["ShardId"]
    at = client.get_shard_iterator(StreamName="dmnd", ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records: list[dict[str, Any]] = client.get_records(ShardIterator=at)["Records"]
    return records


def test_items_are_sent_as_changes_in_the_order_of_their_dates_and_the_live_function_takes_them(
    kinesis: Any, tmp_path: Path
) -> None:
    items = [
        demand("c", day(3)),
        demand("x", date=None),
        demand("a", day(1)),
        KEYS | {"type": s("nobody")},
        demand("b", day(2)),
    ]
    full_export(tmp_path / "export", items)

    counts = backfilled(tmp_path / "export", "kinesis://dmnd", tmp_path / "state", is_stream=True, **SMALL).counts

    records = in_stream(kinesis)
    images = [json.loads(one["Data"])["dynamodb"]["NewImage"] for one in records]
    assert [one["fanId"]["S"] for one in images] == ["a", "b", "c", "x"], "what the function will fail is last"
    assert records[0]["PartitionKey"] == partition_key(payload({"pk": s("PK#a"), "sk": s("SK")}))
    assert (counts.sent, counts.other, counts.will_fail, counts.settled) == (4, 1, {"invalid": 1}, 5)
    (tmp_path / "changes.jsonl").write_bytes(b"".join(one["Data"] + b"\n" for one in records[:3]))
    assert dmd("run", str(tmp_path / "changes.jsonl"), "--lake", str(tmp_path / "lake")).exit_code == 0


def test_a_table_is_read_to_its_end_before_anything_is_sent_into_a_stream(kinesis: Any, tmp_path: Path) -> None:
    home = full_export(tmp_path / "export", [demand("a")], [demand("b")])
    last = sorted((home / "data").iterdir())[-1]
    whole = last.read_bytes()
    last.write_bytes(whole[:-1])

    with pytest.raises(UserError, match="is damaged"):
        backfilled(tmp_path / "export", "kinesis://dmnd", tmp_path / "state", is_stream=True)

    assert in_stream(kinesis) == []
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "state", tmp_path / "state/spool")] == [0, 0]
    last.write_bytes(whole)
    assert backfilled(tmp_path / "export", "kinesis://dmnd", tmp_path / "state", is_stream=True).counts.sent == 2
    assert len(in_stream(kinesis)) == 2


def test_a_backfill_that_lost_an_item_does_not_end_well(
    kinesis: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_export(tmp_path / "export", [demand("a"), demand("b", "2025-01-02")])
    lines = Spool.lines
    monkeypatch.setattr(Spool, "lines", lambda *called: lines(*called) if called[1] == day(1) else iter(()))

    with pytest.raises(UserError, match="2 items were read, but 1 accounted for"):
        backfilled(tmp_path / "export", "kinesis://dmnd", tmp_path / "state", is_stream=True)

    assert len(in_stream(kinesis)) == 1
    assert (tmp_path / "state" / "spool").exists()


def test_an_item_larger_than_a_record_is_reported_by_its_place(kinesis: Any, tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a", note=s("x" * 1024 * 1024)), demand("b")])

    counts = backfilled(tmp_path / "export", "kinesis://dmnd", tmp_path / "state", is_stream=True).counts

    assert (counts.sent, counts.too_large, counts.unfinished, counts.settled) == (1, 1, 1, 2)
    assert counts.places[0].endswith(".json.gz:1: larger than a record of a Kinesis stream may be")
    assert len(in_stream(kinesis)) == 1


def test_a_missing_stream_is_reported_before_anything_is_read(kinesis: Any, tmp_path: Path) -> None:
    full_export(tmp_path / "export", [demand("a")])

    with pytest.raises(UserError, match="no such stream: kinesis://other"):
        backfilled(tmp_path / "export", "kinesis://other", tmp_path / "state", is_stream=True)

    assert not (tmp_path / "state").exists()


def test_who_may_write_a_stream_need_not_be_allowed_to_describe_it(kinesis: Any) -> None:
    refusal = kinesis.exceptions.ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeStreamSummary")
    other = kinesis.exceptions.ClientError({"Error": {"Code": "ExpiredTokenException"}}, "DescribeStreamSummary")

    class Client:
        exceptions = kinesis.exceptions
        raises = refusal

        def describe_stream_summary(self, **_: Any) -> None:
            raise self.raises

    client = Client()
    check_stream("dmnd", client)
    client.raises = other
    with pytest.raises(UserError, match="kinesis://dmnd cannot be written: ExpiredTokenException"):
        check_stream("dmnd", client)
