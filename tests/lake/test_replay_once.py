"""A record that several streams lost, or whose container came late, is delivered once."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firehose.cli.app import app
from firehose.lake.errors.report import report
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from tests.failed import CRASHED, document_of, documents, error_object, failed, fans
from tests.fakes import failing
from tests.given import change, s
from transform.outcome import Reason

LATER = "2-2025-01-01-10-00-00-5f2cd0e0-0000-4000-8000-000000000000"
CONTAINER = "data-pipeline/avro/demand/partition_date=2025-01-01/dmnd-avro-0123.avro"


def replay(lake: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["replay", "--lake", str(lake), "--json", *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


@pytest.mark.parametrize("first", ["dmnd-avro", "dmnd-demand"])
def test_a_record_that_the_streams_of_both_modes_lost_is_delivered_once(tmp_path: Path, first: str) -> None:
    (second,) = {"dmnd-avro", "dmnd-demand"} - {first}
    error_object(tmp_path, failed(change(), CRASHED), stream=first)
    assert replay(tmp_path, "--format", "parquet")["delivered"] == {"demand": 1}
    error_object(tmp_path, failed(change(), CRASHED), failed(change(fanId=s("b")), CRASHED), stream=second)

    summary = replay(tmp_path, "--format", "parquet")

    assert (summary["delivered"], summary["skipped"]["other_streams"]) == ({"demand": 1}, 1)
    assert len(fans(tmp_path)) == 2
    assert report(str(tmp_path)).failures == []


def test_a_record_that_one_stream_failed_twice_is_delivered_twice(tmp_path: Path) -> None:
    error_object(tmp_path, failed(change()))
    error_object(tmp_path, failed(change()), name=LATER)

    assert replay(tmp_path)["delivered"] == {"demand": 2}


@pytest.mark.parametrize(("first", "second"), [("dmnd-avro", "dmnd-demand"), ("dmnd-demand", "dmnd-avro")])
@pytest.mark.parametrize("killed_at", ["object", "entry"])
def test_a_killed_replay_is_finished_without_what_another_stream_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str, killed_at: str
) -> None:
    error_object(tmp_path, failed(change(), CRASHED), stream=first)
    replay(tmp_path, "--format", "parquet")
    error_object(tmp_path, failed(change(), CRASHED), failed(change(fanId=s("b")), CRASHED), stream=second)

    def killed(_sink: FolderSink, key: str, *_: Any) -> bool:
        return "parquet" in key if killed_at == "object" else "b" in fans(tmp_path)

    with monkeypatch.context() as patch:
        dies = failing(1, UserError("killed"), then=FolderSink.put, when=killed)
        patch.setattr(FolderSink, "put", dies)
        with pytest.raises(UserError, match="killed"):
            replay(tmp_path, "--format", "parquet")

    summary = replay(tmp_path, "--format", "parquet")

    assert (summary["finished"], summary["delivered"]) == (1, {})
    assert len(fans(tmp_path)) == 2
    assert replay(tmp_path, "--format", "parquet")["delivered"] == {}


def late_container(lake: Path, *, there: bool) -> None:
    """What Avro mode left of a batch whose container was still being put when time was up."""
    error_object(lake, failed(change()), stream="dmnd-avro")
    documents(lake, document_of(change(), Reason.NOT_WRITTEN, stream="dmnd-avro", container=CONTAINER))
    if there:
        (lake / CONTAINER).parent.mkdir(parents=True)
        (lake / CONTAINER).write_bytes(b"Obj\1")


def test_rows_of_a_container_that_was_written_late_are_not_failures(tmp_path: Path) -> None:
    late_container(tmp_path, there=True)

    found = report(str(tmp_path))

    assert (found.failures, found.written) == ([], 1)


def test_rows_of_a_container_that_was_written_late_are_not_delivered_again(tmp_path: Path) -> None:
    late_container(tmp_path, there=True)

    summary = replay(tmp_path)

    assert (summary["delivered"], summary["skipped"]["written"]) == ({}, 1)
    (tmp_path / CONTAINER).unlink()  # compacted away
    assert replay(tmp_path)["skipped"] == {"filtered": 0, "replayed": 1, "other_streams": 0, "written": 0}


def test_rows_of_a_container_that_was_not_written_are_delivered(tmp_path: Path) -> None:
    late_container(tmp_path, there=False)
    assert [one.reason for one in report(str(tmp_path)).failures] == [Reason.NOT_WRITTEN]

    assert replay(tmp_path)["delivered"] == {"demand": 1}


def test_a_lake_with_only_errors_of_avro_modes_stream_gets_containers(tmp_path: Path) -> None:
    error_object(tmp_path, failed(change()), stream="dmnd-avro")

    replay(tmp_path)

    assert [path.suffix for path in (tmp_path / "data-pipeline/avro").rglob("*.*")] == [".avro"]


def test_a_lake_with_only_errors_of_both_modes_gets_parquet(tmp_path: Path) -> None:
    error_object(tmp_path, failed(change()), stream="dmnd-avro")
    error_object(tmp_path, failed(change(fanId=s("b"))), stream="dmnd-demand")

    assert replay(tmp_path)["delivered"] == {"demand": 2}
    assert {path.suffix for path in (tmp_path / "data-pipeline").rglob("*.*")} == {".parquet"}


def test_a_lake_of_both_formats_needs_the_format_to_write(tmp_path: Path) -> None:
    error_object(tmp_path, failed(change()))
    for name in ("parquet", "avro"):
        partition = tmp_path / "data-pipeline" / name / "demand" / "partition_date=2025-01-01"
        partition.mkdir(parents=True)
        (partition / "a").write_bytes(b"")

    with pytest.raises(UserError, match=r"has parquet and avro: choose the format to write with --format"):
        replay(tmp_path)

    assert replay(tmp_path, "--format", "parquet")["delivered"] == {"demand": 1}
