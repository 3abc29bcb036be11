"""`dmd firehose run`: any delivery stream from the API's own JSON, a file or a stream in, objects out."""

import gzip
import json
import os
import signal
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from firehose.cli import firehose_run, run_source
from firehose.local.sources.kinesis import KinesisSource, now_ms
from firehose.local.user_error import UserError
from tests.commands import result_of
from tests.firehose_streams import destination, request, table
from tests.kinesis_streams import Clock

HANDLER = """
import base64, json

def handler(event, context):
    print("called with", len(event["records"]))
    return {"records": [answer(record) for record in event["records"]]}

def answer(record):
    try:
        line = json.loads(base64.b64decode(record["data"]))
        keys = {"type": "order", "date": line["day"]}
    except ValueError:
        return {"recordId": record["recordId"], "result": "ProcessingFailed"}
    return {"recordId": record["recordId"], "result": "Ok", "data": record["data"], "metadata": {"partitionKeys": keys}}
"""
LINES = [b'{"id": 1, "qty": "3", "day": "mon"}', b'{"id": 2, "qty": "many", "day": "mon"}', b"broken"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user stands, with what they have."""
    write("stream.json", request(), tmp_path)
    write("table.json", table({"id": "string", "qty": "int"}), tmp_path)
    handler_module(tmp_path).write_text(HANDLER)
    (tmp_path / "orders.jsonl").write_bytes(b"\n".join(LINES) + b"\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def handler_module(folder: Path) -> Path:
    """Each of a name of its own: a module that is loaded is not loaded again."""
    return folder / f"handler_{sha256(str(folder).encode()).hexdigest()[:12]}.py"


def write(name: str, document: Any, folder: Path = Path()) -> None:
    (folder / name).write_text(json.dumps(document, default=str))


def run(*more: str, table: bool = True, handler: bool = True, source: str = "orders.jsonl") -> tuple[int, str]:
    result = result_of(
        *("firehose", "run", "--stream", "stream.json", "--source", source, "--sink", "bucket"),
        *(("--table", "table.json") if table else ()),
        *(("--handler", f"{handler_module(Path.cwd()).stem}:handler") if handler else ()),
        *more,
    )
    return result.exit_code, result.output


def summary(printed: str) -> dict[str, Any]:
    (found,) = [json.loads(line) for line in printed.splitlines() if line.startswith('{"stream"')]
    return dict(found)


def objects() -> dict[str, Path]:
    """What is in the bucket, by the first two parts of the key behind data-pipeline/."""
    files = (path for path in Path("bucket").rglob("*") if path.is_file())
    return {"/".join(path.parts[2:4]): path for path in files}


def test_records_of_a_file_become_objects_as_the_description_says() -> None:
    code, printed = run("--json")

    found = summary(printed)
    assert code == 0
    assert (found["read"], found["delivered"], found["failed"], found["in_source"]) == (3, 1, 2, 0)
    assert found["failures"] == {"Lambda.ProcessingFailedStatus": 1, "DataFormatConversion.MalformedData": 1}
    assert sorted(objects()) == ["errors/firehose", "parquet/order"]
    assert pq.ParquetFile(objects()["parquet/order"]).read().to_pylist() == [{"id": "1", "qty": 3}]


def test_counts_and_metrics_are_shown_by_their_names() -> None:
    _, printed = run()

    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert "failed 2 1 Lambda.ProcessingFailedStatus, 1 DataFormatConversion.MalformedData" in lines
    assert "FailedConversion.Records 1 1 1 1" in lines
    assert "called with 3" in printed


def test_strict_exits_1_if_a_record_failed() -> None:
    assert run("--strict")[0] == 1


def test_the_same_file_again_replaces_its_objects() -> None:
    run()
    first = {path: path.read_bytes() for path in Path("bucket").rglob("*") if path.is_file()}

    run()

    assert {path: path.read_bytes() for path in Path("bucket").rglob("*") if path.is_file()} == first


def test_records_that_say_no_time_arrive_when_their_file_was_written_or_when_it_is_said() -> None:
    os.utime("orders.jsonl", (1_700_000_000, 1_700_000_000))

    run()
    by_file = {path.name[:29] for path in objects().values()}
    run("--arrival", "2026-02-03T04:05:06Z")

    assert by_file == {"orders-1-2023-11-14-22-13-20-"[:29]}
    assert any("2026-02-03-04-05-06" in path.name for path in Path("bucket").rglob("*.parquet"))


def test_described_streams_and_tables_are_taken_as_aws_prints_them() -> None:
    made = request()
    described = {
        "DeliveryStreamName": made["DeliveryStreamName"],
        "DeliveryStreamARN": "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders",
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": made["DeliveryStreamType"],
        "VersionId": "7",
        "CreateTimestamp": "2026-01-01T00:00:00Z",
        "Source": {"KinesisStreamSourceDescription": made["KinesisStreamSourceConfiguration"]},
        "Destinations": [{"DestinationId": "d-1", "ExtendedS3DestinationDescription": destination(made)}],
        "HasMoreDestinations": False,
    }
    write("stream.json", {"DeliveryStreamDescription": described})
    write("table.json", {"Table": {**table({"id": "string", "qty": "int"}), "DatabaseName": "db", "CreateTime": 1.5}})

    code, _ = run()

    assert code == 0
    assert objects()["parquet/order"].name.startswith("orders-7-")


@pytest.mark.parametrize("more", [(), ("--process",)], ids=["in this process", "in one of its own"])
def test_a_handler_may_lie_beside_the_description_of_its_stream(folder: Path, more: tuple[str, ...]) -> None:
    elsewhere = folder / "streams"
    elsewhere.mkdir()
    (folder / "stream.json").rename(elsewhere / "stream.json")
    handler_module(elsewhere).write_text(HANDLER)

    code, _ = run("--stream", "streams/stream.json", "--handler", f"{handler_module(elsewhere).stem}:handler", *more)

    assert code == 0
    assert list((folder / "bucket").rglob("*.parquet"))


def test_a_stream_that_is_put_to_needs_neither_table_nor_handler() -> None:
    write("stream.json", PLAIN)

    code, _ = run("--json", table=False, handler=False)

    (landed,) = Path("bucket").rglob("*.gz")
    assert (code, gzip.decompress(landed.read_bytes())) == (0, b"".join(LINES))


@pytest.mark.parametrize("process", [(), ("--process",)], ids=["in this process", "in its own"])
def test_a_function_that_is_throttled_and_a_bucket_that_is_slow_cost_no_record(process: tuple[str, ...]) -> None:
    code, printed = run("--json", "--by-arrival", "--fault", "throttle:2", "--fault", "s3-slow-down:3", *process)

    found = summary(printed)
    assert (code, found["delivered"], found["failed"], found["in_source"]) == (0, 1, 2, 0)
    assert found["metrics"]["ExecuteProcessing.Success"]["samples"] == 3
    assert found["metrics"]["DeliveryToS3.Success"]["minimum"] == 0


@pytest.mark.parametrize("process", [(), ("--process",)], ids=["in this process", "in its own"])
def test_the_author_of_a_function_sees_what_lambda_logs_of_its_exceptions(process: tuple[str, ...]) -> None:
    handler_module(Path.cwd()).write_text("def handler(event, context):\n    raise ValueError('at order 7')\n")

    code, printed = run("--strict", "--json", *process)

    (problem,) = summary(printed)["function_problems"]
    place = f"{handler_module(Path.cwd()).name}:2"
    assert (code, problem["count"], problem["reason"]) == (1, 4, f"the function raised ValueError at {place}")
    assert f"{problem['reason']} (4 invocations)\n[ERROR] ValueError: at order 7\nTraceback" in printed
    assert "at order 7" not in "".join(path.read_text() for path in Path("bucket").rglob("orders-*"))


def test_what_a_bucket_never_takes_is_still_in_the_source_and_says_so() -> None:
    code, printed = run("--json", "--fault", "s3-denied")

    found = summary(printed)
    assert (code, found["read"], found["in_source"]) == (1, 3, 3)
    assert "AccessDenied" in printed
    assert "3 of the records read are still in the source" in printed


def test_a_switch_changes_what_it_says() -> None:
    run("--behaviour", "parquet-timestamps=int64", "--behaviour", "conversion-raw-data=transformed")

    assert objects()["parquet/order"].exists()


def test_what_has_no_effect_here_is_said() -> None:
    _, printed = run("--json")

    assert "without effect here: ExtendedS3DestinationConfiguration.CloudWatchLoggingOptions" in printed
    assert summary(printed)["without_effect"] == ["ExtendedS3DestinationConfiguration.CloudWatchLoggingOptions"]


def refused(*more: str, **given: Any) -> str:
    """The sentence that a run ends with."""
    with pytest.raises(UserError) as mistake:
        run(*more, **given)
    assert not Path("bucket").exists()
    return str(mistake.value)


def test_what_aws_refuses_is_refused_with_its_code_and_the_member() -> None:
    made = request()
    destination(made)["BufferingHints"]["IntervalInSeconds"] = 901
    write("stream.json", made)

    assert refused().startswith("ValidationException: ExtendedS3DestinationConfiguration.BufferingHints.IntervalInSec")


def test_a_stream_that_converts_without_its_table_is_refused_as_glue_would() -> None:
    assert refused(table=False).startswith("InvalidArgumentException: ")


@pytest.mark.parametrize(
    ("more", "given", "says"),
    [
        pytest.param((), {"handler": False}, "--handler", id="a stream that calls a function, and none is given"),
        pytest.param(("--fault", "flood"), {}, "flood", id="a fault that there is not"),
        pytest.param(("--behaviour", "mood=bad"), {}, "mood", id="a switch that there is not"),
        pytest.param(("--behaviour", "duplicate-ids=all"), {}, "all", id="a value that a switch has not"),
        pytest.param(("--arrival", "soon"), {}, "soon", id="an arrival that is no time"),
        pytest.param((), {"source": "absent.jsonl"}, "absent.jsonl", id="a file that is not there"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(more: tuple[str, ...], given: Any, says: str) -> None:
    assert says in refused(*more, **given)


PLAIN = {
    "DeliveryStreamName": "plain",
    "ExtendedS3DestinationConfiguration": {
        "RoleARN": "arn:aws:iam::123456789012:role/r",
        "BucketARN": "arn:aws:s3:::b",
        "CompressionFormat": "GZIP",
    },
}
NEITHER: dict[str, Any] = {"table": False, "handler": False}


@pytest.mark.parametrize(
    ("option", "given"),
    [
        pytest.param(("--table", "table.json"), NEITHER, id="a table without conversion"),
        pytest.param(("--handler", "orders:handler"), NEITHER, id="a handler without a Lambda processor"),
        pytest.param(("--process",), NEITHER, id="a process without a function"),
        pytest.param(("--fault", "throttle"), NEITHER, id="a fault of a function that there is not"),
        pytest.param(("--fault", "kinesis-throttled"), NEITHER, id="a fault of Kinesis on a file"),
        pytest.param(("--behaviour", "parquet-timestamps=int64"), NEITHER, id="Parquet's times without Parquet"),
        pytest.param(("--backup", "originals"), NEITHER, id="a bucket without a backup"),
        pytest.param(("--active-partitions", "5"), NEITHER, id="a quota without partitions"),
        pytest.param(("--state", "state"), NEITHER, id="checkpoints of a file"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(option: tuple[str, ...], given: dict[str, Any]) -> None:
    write("stream.json", PLAIN)

    assert refused(*option, **given).startswith(option[0])


def test_the_quota_of_partitions_has_no_effect_on_files_without_a_clock() -> None:
    assert refused("--active-partitions", "5").startswith("--active-partitions")


@pytest.mark.parametrize("option", [("--arrival", "2026-01-01"), ("--by-arrival",)], ids=["arrival", "by arrival"])
def test_an_option_of_files_is_refused_for_a_stream(option: tuple[str, ...]) -> None:
    assert refused(*option, source="kinesis://dmnd").startswith(option[0])


def test_a_stream_that_is_put_to_reads_no_kinesis_stream() -> None:
    write("stream.json", PLAIN)

    assert "DirectPut" in refused(source="kinesis://dmnd", **NEITHER)


def test_a_file_that_is_cut_short_costs_nothing_that_was_read_before() -> None:
    lines = [json.dumps({"id": os.urandom(8).hex(), "day": "mon"}).encode() + b"\n" for _ in range(999)]
    whole = gzip.compress(b"".join(lines))
    Path("cut.jsonl.gz").write_bytes(whole[:-4000])

    code, printed = run("--json", source="cut.jsonl.gz")

    found = summary(printed)
    assert code == 1
    assert 0 < found["read"] == found["delivered"] < 999
    assert "cut.jsonl.gz is cut short" in printed


@pytest.mark.parametrize("broken", ["{", "[]"], ids=["no JSON", "no structure"])
def test_a_description_that_is_none_is_named(broken: str) -> None:
    Path("stream.json").write_text(broken)

    assert refused()


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A Kinesis stream, and a clock that only sleeping moves; five minutes on, somebody presses Ctrl-C."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clock = Clock(now_ms())

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) % 300 == 0:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(run_source, "KinesisSource", partial(KinesisSource, clock=clock, sleep=sleep))
    for module in (firehose_run, run_source):
        monkeypatch.setattr(module, "now_ms", clock)
    with mock_aws():
        client = boto3.client("kinesis")
        client.create_stream(StreamName="dmnd", ShardCount=1)
        yield client


def test_a_stream_is_read_from_when_the_delivery_stream_was_made_and_on_from_what_was_delivered(stream: Any) -> None:
    code, _ = run(source="kinesis://dmnd")
    for line in LINES:
        stream.put_record(StreamName="dmnd", Data=line, PartitionKey="k")
    again, printed = run("--json", "--fault", "kinesis-throttled:2", source="kinesis://dmnd")

    found = summary(printed)
    assert (code, again) == (130, 130)
    assert (found["read"], found["delivered"], found["failed"]) == (3, 1, 2)
    assert found["metrics"]["ThrottledGetRecords"]["sum"] == 2
    assert "KinesisMillisBehindLatest" in found["metrics"]


def test_what_was_delivered_and_why_the_first_of_each_kind_failed_is_shown_with_its_place() -> None:
    _, printed = run()

    places = {key: f"{path}" for key, path in objects().items()}
    errors = sorted(str(path) for path in Path("bucket/data-pipeline/errors").rglob("*") if path.is_file())
    lines = printed.splitlines()
    assert f"delivered to {places['parquet/order']}" in lines
    conversion = next(line for line in lines if line.startswith("DataFormatConversion.MalformedData: "))
    assert "qty" in conversion
    assert "many" not in printed
    assert f"kept in {errors[0]}" in lines
    assert f"kept in {errors[1]}" in lines
