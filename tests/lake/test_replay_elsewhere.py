"""Error objects that lie elsewhere are replayed as the lake's own are: into a lake, or into a stream."""

import base64
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from firehose.cli.app import app
from firehose.lake.errors.report import report
from firehose.local.event_record import event_record
from firehose.local.kinesis_writer import RECORD_BYTES
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from firehose.pipeline.streams import local_pipeline
from tests.failed import STATUS, document_of, documents, error_object, everything, failed, fans, rows
from tests.given import ARRIVED_MS, Function, change, payload, s

GOOD = [change(fanId=s(f"f{number}")) for number in range(4)]


def replay(lake: Path | str, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["replay", "--lake", str(lake), "--json", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def predecessors(folder: Path, name: str, *events: Any) -> None:
    """One of the predecessor's error documents."""
    document = {"timestamp": "2024-12-31T23:59:59.000Z", "error": {"message": "SECRET"}, "events": events}
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(document, indent=2))


def test_the_predecessors_documents_are_replayed_into_a_new_lake(tmp_path: Path) -> None:
    old, lake = tmp_path / "old", tmp_path / "lake"
    predecessors(old, "2024/a.json", GOOD[0], json.dumps(GOOD[1]))
    predecessors(old, "2024/b.json", {"data": base64.b64encode(payload(GOOD[2])).decode()}, {"fanId": "SECRET"})

    would = replay(lake, "--errors", str(old), "--dry-run")
    assert not lake.exists()
    summary = replay(lake, "--errors", str(old))

    assert would["delivered"] == summary["delivered"] == {"demand": 3}
    assert summary["failing"] == [{"reason": "not_a_change", "type": None, "count": 1}]
    assert fans(lake) == ["f0", "f1", "f2"]


def test_replayed_objects_are_recognised_after_a_move(tmp_path: Path) -> None:
    lake, old = tmp_path / "lake", tmp_path / "old"
    predecessors(old, "2024/a.json", GOOD[0])
    replay(lake, "--errors", str(old / "2024"))
    (old / "2024").rename(old / "moved")
    predecessors(old, "2024/a.json", GOOD[1])

    summary = replay(lake, "--errors", str(old))

    assert (summary["skipped"]["replayed"], summary["delivered"]) == (1, {"demand": 1})
    assert fans(lake) == ["f0", "f1"]


def test_two_files_of_the_same_content_are_two(tmp_path: Path) -> None:
    lake, old = tmp_path / "lake", tmp_path / "old"
    predecessors(old, "a/a.json", GOOD[0])
    predecessors(old, "b/a.json", GOOD[0])

    delivered = [replay(lake, "--errors", str(where))["delivered"] for where in (old / "b", old / "a", old, old)]

    assert delivered == [{"demand": 1}, {}, {"demand": 1}, {}]


def test_firehoses_objects_in_the_lake_are_recognised_by_any_path(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    folder = error_object(lake, failed(GOOD[0])).parent

    delivered = [replay(lake, "--errors", str(where))["delivered"] for where in (folder, folder.parent, lake, folder)]

    assert delivered == [{"demand": 1}, {}, {}, {}]
    assert replay(lake)["delivered"] == {}


def test_the_lakes_error_documents_are_refused_as_error_objects(tmp_path: Path) -> None:
    folder = documents(tmp_path, document_of(GOOD[0])).parent

    with pytest.raises(UserError, match="originals Firehose has too"):
        replay(tmp_path, "--errors", str(folder))


def test_an_interrupted_replay_of_other_objects_is_reported(tmp_path: Path) -> None:
    error_object(tmp_path, failed(GOOD[0]))
    (tmp_path / "dmd-replay").mkdir()
    (tmp_path / "dmd-replay/a.json").write_text(
        json.dumps({"error_object": "a.json 00", "intent": [{"prefix": "p/", "keys": ["p/k"], "places": [0]}]})
    )

    assert replay(tmp_path)["unfinished"] == ["a.json 00"]
    assert "rerun it with the same --errors" in CliRunner().invoke(app, ["replay", "--lake", str(tmp_path)]).stderr


class Stream:
    """A Kinesis client that keeps what it gets, and fails while it is `broken`."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.broken = False

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> Any:  # noqa: N803 - boto3's names
        assert StreamName == "dmnd"
        if self.broken:
            raise UserError("kinesis://dmnd cannot be written: ResourceNotFoundException")
        self.records += Records
        return {"Records": [{} for _ in Records], "FailedRecordCount": 0}


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Stream:
    found = Stream()
    monkeypatch.setattr(boto3, "client", lambda *_, **__: found)
    return found


def test_a_stream_gets_the_original_bytes_once_and_the_lake_the_journal(tmp_path: Path, stream: Stream) -> None:
    error_object(tmp_path, failed(GOOD[0]), failed(change(fanId={"N": "1"})), failed(GOOD[1]))

    summary = replay(tmp_path, "--to", "kinesis://dmnd")

    assert [one["Data"] for one in stream.records] == [payload(GOOD[0]), payload(GOOD[1])]
    assert summary["delivered"] == {"demand": 2}
    assert not (tmp_path / "data-pipeline/parquet").exists()
    assert replay(tmp_path, "--to", "kinesis://dmnd")["skipped"]["replayed"] == 2
    assert replay(tmp_path)["delivered"] == {}
    assert len(stream.records) == 2


def test_a_row_goes_into_a_stream_as_a_change_that_the_pipeline_takes(tmp_path: Path, stream: Stream) -> None:
    removed = change("demand", "REMOVE", email=s("a@example.com"))
    row = Function().row(removed)
    error_object(tmp_path, failed(row, "DataFormatConversion.MalformedData"))

    replay(tmp_path, "--to", "kinesis://dmnd")

    (sent,) = stream.records
    live = event_record(
        sent["Data"],
        shard_id="shardId-000000000000",
        partition_key=sent["PartitionKey"],
        sequence_number="49",
        arrival_ms=ARRIVED_MS,
    )
    local_pipeline(FolderSink(tmp_path / "live")).run([live])
    (found,) = rows(tmp_path / "live")
    assert (found["email"], found["change"]["id"], found["isdeleted"]) == ("[redacted]", row["change"]["id"], True)


def test_the_same_item_goes_to_the_same_shard(tmp_path: Path, stream: Stream) -> None:
    again = change(saleName=s("another name"))
    elsewhere = change()
    elsewhere["dynamodb"]["Keys"] = {"pk": s("Q")}
    error_object(tmp_path, failed(change()), failed(again), failed(elsewhere))

    replay(tmp_path, "--to", "kinesis://dmnd")

    first, second, third = (one["PartitionKey"] for one in stream.records)
    assert first == second != third
    assert len(third) == 32


def test_a_record_that_a_stream_refuses_still_fails(tmp_path: Path, stream: Stream) -> None:
    error_object(tmp_path, failed(change(fanId=s("f" * RECORD_BYTES))), failed(GOOD[0]))

    would = replay(tmp_path, "--to", "kinesis://dmnd", "--dry-run")
    assert stream.records == []
    did = replay(tmp_path, "--to", "kinesis://dmnd")

    assert would["failing"] == did["failing"] == [{"reason": "too_large", "type": "demand", "count": 1}]
    assert [one.reason for one in report(str(tmp_path)).failures] == [STATUS], "a lake may take it"
    assert would["delivered"] == did["delivered"] == {"demand": 1}


def test_records_that_did_not_reach_the_stream_are_sent_by_the_next_replay(tmp_path: Path, stream: Stream) -> None:
    error_object(tmp_path, failed(GOOD[0]))
    stream.broken = True
    with pytest.raises(UserError, match="cannot be written"):
        replay(tmp_path, "--to", "kinesis://dmnd")
    before = everything(tmp_path)
    stream.broken = False

    replay(tmp_path, "--to", "kinesis://dmnd")

    assert len(stream.records) == 1
    assert not any(name.startswith("dmd-replay/") for name in before)


def test_the_user_is_told_that_a_stream_may_get_a_record_twice(tmp_path: Path, stream: Stream) -> None:
    error_object(tmp_path, failed(GOOD[0]))

    result = CliRunner().invoke(app, ["replay", "--lake", str(tmp_path), "--to", "kinesis://dmnd"])

    assert result.stdout.splitlines()[0].split() == ["sent", "records"]
    assert "at least once" in result.stderr


@mock_aws
def test_a_prefix_of_a_bucket_is_replayed_into_another_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    for bucket in ("old", "lake"):
        client.create_bucket(Bucket=bucket)
    client.put_object(Bucket="old", Key="errors/a.json", Body=payload({"timestamp": 1, "events": [GOOD[0]]}))
    client.put_object(Bucket="old", Key="other/a.json", Body=payload({"timestamp": 1, "events": [GOOD[1]]}))

    delivered = [replay("s3://lake", "--errors", f"s3://old/{path}")["delivered"] for path in ("errors/", "errors")]

    assert delivered == [{"demand": 1}, {}]
    with pytest.raises(UserError, match="empty below none/"):
        replay("s3://lake", "--errors", "s3://old/none")
    assert replay("s3://lake", "--errors", "s3://old")["delivered"] == {"demand": 1}


@mock_aws
def test_a_prefix_in_the_lakes_own_bucket_is_the_lakes_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="lake")
    key = "data-pipeline/errors/firehose/processing-failed/dmnd-demand-1-2025-01-01-10-00-00-0"
    client.put_object(Bucket="lake", Key=key, Body=payload(failed(GOOD[0])))

    where = "s3://lake/data-pipeline/errors/firehose/processing-failed"
    delivered = [replay("s3://lake", *options)["delivered"] for options in ([], ["--errors", where])]

    assert delivered == [{"demand": 1}, {}]


def test_missing_error_objects_are_one_sentence_and_make_no_lake(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["replay", "--lake", str(tmp_path / "lake"), "--errors", str(tmp_path / "old")])

    assert str(result.exception) == f"no such folder of error objects: {tmp_path / 'old'}"
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []
