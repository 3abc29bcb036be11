"""`dmd run kinesis://STREAM` and `dmd sample --to`: a stream into a lake until Ctrl-C, on from what was delivered."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from firehose.cli import run as run_command
from firehose.cli import run_source
from firehose.local.sources.kinesis import KinesisSource, now_ms
from firehose.local.user_error import UserError
from firehose.pipeline.sample.records import changes
from tests.commands import dmd
from tests.given import change, payload, s
from tests.kinesis_streams import Clock

STOPPED = 130


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A stream of two shards, and a clock that only sleeping moves; ten seconds on, somebody presses Ctrl-C."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clock = Clock(now_ms())
    end_ms = clock.now + 10_000

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > end_ms:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(run_source, "KinesisSource", partial(KinesisSource, clock=clock, sleep=sleep))
    for module in (run_command, run_source):
        monkeypatch.setattr(module, "now_ms", clock)
    with mock_aws():
        client = boto3.client("kinesis")
        client.create_stream(StreamName="dmnd", ShardCount=2)
        yield client


def put(client: Any, *fans: str) -> None:
    for fan in fans:
        client.put_record(StreamName="dmnd", Data=payload(change(fanId=s(fan))), PartitionKey=fan)


def fans(lake: Path) -> Counter[str]:
    files = (lake / "data-pipeline" / "parquet" / "demand").rglob("*.parquet")
    return Counter(row["fanid"] for path in files for row in pq.ParquetFile(path).read().to_pylist())


def run(tmp_path: Path, *more: str) -> int:
    folders = ("--lake", str(tmp_path / "lake"), "--state", str(tmp_path / "state"))
    return dmd("run", "kinesis://dmnd", *folders, *more)[0]


def test_a_stream_is_delivered_until_ctrl_c(tmp_path: Path, stream: Any) -> None:
    put(stream, "a", "b", "c")

    assert run(tmp_path) == STOPPED
    assert fans(tmp_path / "lake") == {"a": 1, "b": 1, "c": 1}


def test_the_same_command_again_goes_on_behind_what_was_delivered(tmp_path: Path, stream: Any) -> None:
    put(stream, "a")
    run(tmp_path)
    put(stream, "b")
    run(tmp_path)

    assert fans(tmp_path / "lake") == {"a": 1, "b": 1}


def test_since_now_passes_over_what_is_older(tmp_path: Path, stream: Any) -> None:
    put(stream, "a")
    run_command.now_ms.now += 60_000  # type: ignore[attr-defined]

    run(tmp_path, "--since", "now")

    assert fans(tmp_path / "lake") == {}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(
            ["kinesis://dmnd", "a.jsonl"], "kinesis://STREAM must be the only source", id="a stream and a file"
        ),
        pytest.param(["kinesis://"], "kinesis:// is not a stream", id="no name"),
        pytest.param(["kinesis://other"], "kinesis://other cannot be read: ResourceNotFoundException", id="no stream"),
        pytest.param(["a.jsonl", "--since", "now"], "--since is only for kinesis://STREAM", id="since of a file"),
        pytest.param(["kinesis://dmnd", "--since", "x"], "x is neither a day nor a time", id="no time"),
    ],
)
def test_what_cannot_be_read_is_the_users_mistake(
    tmp_path: Path, stream: Any, arguments: list[str], complaint: str
) -> None:
    with pytest.raises(UserError, match=complaint):
        dmd("run", *arguments, "--lake", str(tmp_path / "lake"), "--state", str(tmp_path / "state"))


def test_a_sample_goes_into_the_stream_each_item_to_one_shard(stream: Any) -> None:
    assert dmd("sample", "300", "--seed", "7", "--to", "kinesis://dmnd") == (0, "")

    found = []
    shards: dict[str, set[str]] = {}
    for shard in ("shardId-000000000000", "shardId-000000000001"):
        where = {"StreamName": "dmnd", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        records = stream.get_records(ShardIterator=stream.get_shard_iterator(**where)["ShardIterator"])["Records"]
        assert len(records) > 50
        found += [record["Data"] for record in records]
        for record in records:
            shards.setdefault(keys(record["Data"]), set()).add(shard)
    assert Counter(found) == Counter(changes(300, 7))
    assert len(shards) < 300
    assert {len(each) for each in shards.values()} == {1}


def keys(data: bytes) -> str:
    """The keys of a change's item; of what is no change, the data."""
    try:
        return str(json.loads(data)["dynamodb"]["Keys"])
    except (ValueError, KeyError, TypeError):
        return str(data)
