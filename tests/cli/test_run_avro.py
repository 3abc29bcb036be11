"""`dmd run --format avro`: the same rows as in Parquet, put by the function, and counts that are checked."""

import io
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import fastavro
import pytest
from moto import mock_aws

from firehose.cli import run as run_command
from firehose.lake.query.sql import Dialect, query
from firehose.local.data_plane import DataPlane
from firehose.local.local_stream import LocalStream
from firehose.local.report import RunReport, StreamReport, TableReport
from firehose.local.sinks import FolderSink
from firehose.pipeline.change_records import change_records
from firehose.pipeline.run_summary import PROCESSING_FAILED, CountingSink, FunctionMetrics, RunSummary, summarise
from firehose.pipeline.streams import LOCAL, local_pipeline
from glue.layout import FILE_FORMATS, Format
from glue.schema import load
from glue.tables import avro_literal
from tests.commands import SAMPLE, dmd, keys, write
from tests.fakes import MemorySink, failing
from tests.firehose_streams import avro_request, function, order, records
from tests.given import PERSONAL, change, s
from tests.invented import gift, member, optional

pytestmark = pytest.mark.slow

AVRO = "data-pipeline/avro/"


def rows(body: bytes) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(body)))


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> dict[Format, Path]:
    """The sample, in both."""
    made = {file_format: tmp_path_factory.mktemp(file_format) for file_format in FILE_FORMATS}
    for file_format, lake in made.items():
        assert dmd("run", str(SAMPLE), "--lake", str(lake), "--format", file_format)[0] == 0
    return made


@pytest.mark.parametrize("table", load())
def test_both_lakes_hold_the_same_rows(lakes: dict[Format, Path], table: str) -> None:
    sql = f"SELECT * FROM {table} ORDER BY ALL"  # noqa: S608  of ours

    parquet, avro = (
        query(sql, str(lakes[file_format]), dialect=Dialect.DUCKDB) for file_format in (Format.PARQUET, Format.AVRO)
    )

    assert avro.columns == parquet.columns
    assert len(avro.rows) > 90
    assert avro.rows == parquet.rows


def test_both_lakes_have_the_same_failures(lakes: dict[Format, Path]) -> None:
    sql = "SELECT type, error, digest, sequence, events, partition_date FROM errors ORDER BY ALL"

    parquet, avro = (query(sql, str(lakes[one]), dialect=Dialect.DUCKDB) for one in (Format.PARQUET, Format.AVRO))

    assert avro == parquet


def test_the_summary_says_what_lies_in_the_lake(lakes: dict[Format, Path]) -> None:
    _, printed = dmd("run", str(SAMPLE), "--lake", str(lakes[Format.AVRO]), "--format", "avro", "--json")
    summary, lake = json.loads(printed), lakes[Format.AVRO]

    for one in summary["delivered"]:
        files = list((lake / AVRO / one["type"]).rglob("*.avro"))
        assert one["objects"] == len(files)
        assert one["partitions"] == len({path.parent for path in files})
        assert one["bytes"] == sum(path.stat().st_size for path in files)
        assert one["rows"] == sum(len(rows(path.read_bytes())) for path in files)
    assert [one["type"] for one in summary["delivered"]] == ["demand", "event", "notification", "sale"]
    assert summary["adds_up"] is True


def test_both_modes_count_the_same(lakes: dict[Format, Path]) -> None:
    counted = [
        json.loads(dmd("run", str(SAMPLE), "--lake", str(lakes[one]), "--format", one, "--json")[1])
        for one in FILE_FORMATS
    ]
    same = [
        (one["read"], one["dropped"], one["failed"], [(each["rows"], each["partitions"]) for each in one["delivered"]])
        for one in counted
    ]

    assert same[0] == same[1]


def test_nothing_but_containers_and_errors_is_put(lakes: dict[Format, Path]) -> None:
    folders = {key.split("/")[1] for key in keys(lakes[Format.AVRO]) if key.startswith("data-pipeline/")}

    assert folders == {"avro", "errors"}
    assert not list((lakes[Format.AVRO] / "data-pipeline/errors/firehose").glob("unexpected*"))


def test_the_same_input_again_replaces_its_objects_with_the_same_bytes(tmp_path: Path) -> None:
    for _ in range(2):
        dmd("run", str(SAMPLE), "--lake", str(tmp_path / "lake"), "--format", "avro")
        again = keys(tmp_path / "lake")
        (tmp_path / "lake").rename(tmp_path / f"lake{len(list(tmp_path.iterdir()))}")

    first, second = (keys(lake) for lake in sorted(tmp_path.iterdir()))
    assert again == first == second


def test_the_same_event_records_through_a_fresh_pipeline_give_the_same_objects() -> None:
    given = list(change_records([str(SAMPLE)], personal=PERSONAL))
    sinks = [MemorySink(), MemorySink()]

    for sink in sinks:
        report = local_pipeline(sink, file_format=Format.AVRO).run(given)
        assert report.adds_up
        assert (report.delivered, [stream.name for stream in report.streams]) == (0, ["prd3292-local-dmnd-avro"])

    assert sinks[0] == sinks[1]


def test_two_files_into_one_lake_do_not_overwrite_each_other(tmp_path: Path) -> None:
    one, two = (write(tmp_path / f"{n}.jsonl", change("sale", id=s(n)), change("sale", id=s(n + n))) for n in "ab")

    for source in (one, two):
        dmd("run", source, "--lake", str(tmp_path / "lake"), "--format", "avro")

    answer = query("SELECT id FROM sale ORDER BY id", str(tmp_path / "lake"))
    assert answer.rows == [("a",), ("aa",), ("b",), ("bb",)]


def test_the_summary_counts_every_record_once(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", change(), change("sale"), change(fanId=None), b"nope", change("venue"))

    code, printed = dmd("run", source, "--lake", str(tmp_path / "lake"), "--format", "avro", "--json")

    summary = json.loads(printed)
    assert code == 0
    assert summary["read"] == 5
    assert {one["type"]: one["rows"] for one in summary["delivered"]} == {
        "demand": 1,
        "event": 0,
        "notification": 0,
        "sale": 1,
    }
    assert summary["dropped"] == {"demand": 0, "event": 0, "notification": 0, "sale": 0, "other": 1}
    assert summary["failed"] == {"invalid": 1, "not_json": 1}
    assert summary["adds_up"] is True


class FullForSales(FolderSink):
    """A disk that takes no containers of sales."""

    def put(self, key: str, body: bytes, content_type: str = "", content_encoding: str = "") -> None:
        if key.startswith(f"{AVRO}sale/"):
            raise OSError(28, "No space left on device")
        super().put(key, body, content_type, content_encoding)


def test_what_cannot_be_written_has_failed_and_the_rest_is_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_command, "open_lake_to_write", lambda lake: FullForSales(Path(lake)))
    source = write(tmp_path / "in.jsonl", change(), change("sale"), change("sale", id=s("s2")))

    code, printed = dmd("run", source, "--lake", str(tmp_path / "lake"), "--format", "avro", "--json", "--strict")

    summary = json.loads(printed)
    assert code == 1
    assert summary["failed"] == {"not_written": 2}
    assert {one["type"]: one["objects"] for one in summary["delivered"]} == {
        "demand": 1,
        "event": 0,
        "notification": 0,
        "sale": 0,
    }
    assert summary["adds_up"] is True


def delivered_line(record_type: str, rows: int, objects: int, size_bytes: int) -> str:
    counts = {"RecordsDelivered": [rows], "ObjectsWritten": [objects], "BytesDelivered": [size_bytes]}
    return json.dumps(
        {"_aws": {}, "type": record_type, "stream": LOCAL.delivery_stream("avro"), **counts}, separators=(",", ":")
    )


DROPPED_LINE = '{"_aws": {}, "type": "other", "RecordsDropped": [1.0]}'
TOTAL_LINE = '{"_aws": {}, "RecordsDelivered": [3.0], "BytesDelivered": [30.0]}'
FAILED_LINE = '{"_aws": {}, "reason": "invalid", "RecordsFailed": [1.0]}'


def summary_of(printed: list[str], puts: list[str], **counts: int) -> RunSummary:
    """Of a run in which a function printed and put these; the data plane saw 4 dropped and 1 failed, unless told."""
    stream = StreamReport(LOCAL.delivery_stream("avro"), received=5, dropped=4, failed=Counter({PROCESSING_FAILED: 1}))
    report = RunReport(read=5, dropped=4, failed=1, streams=[stream])
    for name, count in counts.items():
        setattr(report, name, count)
        if name == "delivered":
            stream.delivered, stream.dropped = count, report.dropped
    metrics, objects = FunctionMetrics(), CountingSink(MemorySink())
    metrics.add(stream.name, "\n".join(printed))
    for key in puts:
        objects.put(f"data-pipeline/{key}", b"0123456789")
    return summarise(report, metrics, objects, ["demand", "sale"], 1.0)


PUTS = [
    "avro/demand/partition_date=2025-01-01/a.avro",
    "avro/demand/partition_date=2025-01-02/a.avro",
    "avro/sale/partition_date=2025-01-01/a.avro",
    "errors/records/partition_date=2025-01-01/a.jsonl",
    "errors/firehose/processing-failed/a",
]
PRINTED = [
    TOTAL_LINE,
    "a log line",
    delivered_line("demand", 2, 2, 20),
    delivered_line("sale", 1, 1, 10),
    DROPPED_LINE,
    FAILED_LINE,
]


def test_a_run_adds_up_when_metrics_data_plane_and_objects_agree() -> None:
    summary = summary_of(PRINTED, PUTS)

    assert summary.adds_up
    assert [(one.type, one.rows, one.partitions, one.objects, one.bytes) for one in summary.delivered] == [
        ("demand", 2, 2, 2, 20),
        ("sale", 1, 1, 1, 10),
    ]
    assert (summary.dropped, summary.failed) == ({"demand": 0, "sale": 0, "other": 1}, {"invalid": 1})


@pytest.mark.parametrize(
    ("printed", "puts", "counts"),
    [
        pytest.param([*PRINTED[:3], *PRINTED[4:]], PUTS, {}, id="dropped and never said to be delivered"),
        pytest.param([*PRINTED, delivered_line("sale", 1, 0, 0)], PUTS, {}, id="delivered more than was dropped"),
        pytest.param([line for line in PRINTED if line != DROPPED_LINE], PUTS, {}, id="a drop that nobody counts"),
        pytest.param([line for line in PRINTED if line != FAILED_LINE], PUTS, {}, id="a failure without a reason"),
        pytest.param(PRINTED, PUTS[1:], {}, id="a container that was never put"),
        pytest.param(PRINTED, [*PUTS, PUTS[0]], {}, id="a container that nobody says was written"),
        pytest.param([*PRINTED[:2], delivered_line("demand", 2, 2, 21), *PRINTED[3:]], PUTS, {}, id="other bytes"),
        pytest.param(PRINTED, PUTS, {"read": 6}, id="a record that is nowhere"),
        pytest.param(PRINTED, PUTS, {"delivered": 1, "dropped": 3}, id="an Ok that should never be"),
    ],
)
def test_a_run_does_not_add_up_if_one_says_otherwise(
    printed: list[str], puts: list[str], counts: dict[str, int]
) -> None:
    assert not summary_of(printed, puts, **counts).adds_up


def test_an_ok_in_avro_mode_is_put_where_errors_are_and_does_not_add_up() -> None:
    objects, inner = MemorySink(), LocalStream(avro_request(LOCAL.delivery_stream("avro")), None, function())
    sink = CountingSink(objects)

    report = DataPlane([inner], sink).run(records(order("1")))

    (key,) = objects
    assert key.startswith("data-pipeline/errors/firehose/unexpected-ok/")
    assert report.adds_up
    assert not summarise(report, FunctionMetrics(), sink, ["demand"], 1.0).adds_up


def test_rows_that_no_type_has_do_not_add_up() -> None:
    stream = StreamReport("of another pipeline", received=1, delivered=1, objects=1, bytes_out=10)
    objects = CountingSink(MemorySink())
    objects.put(f"data-pipeline/{PUTS[0]}", b"0123456789")

    summary = summarise(
        RunReport(read=1, delivered=1, streams=[stream]), FunctionMetrics(), objects, ["demand", "sale"], 1.0
    )

    assert summary.rows == 0
    assert not summary.adds_up


def test_only_what_was_put_is_counted() -> None:
    sink = CountingSink(MemorySink(failing(error=OSError(28, "No space left on device"))))

    with pytest.raises(OSError, match="No space"):
        sink.put(f"{AVRO}sale/partition_date=2025-01-01/a.avro", b"x")

    assert sink.total == (0, 0)


def test_puts_of_several_threads_are_each_counted() -> None:
    sink, together = CountingSink(MemorySink()), threading.Barrier(8)

    def put(number: int) -> None:
        together.wait()
        for each in range(500):
            sink.put(f"{AVRO}sale/partition_date=2025-01-{each % 7 + 10}/{number}-{each}.avro", b"xx")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(8)))

    assert sink.total == (4000, 8000)
    assert sink.summary("sale", 1, TableReport()).partitions == 7


def test_a_run_of_which_the_function_says_nothing_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FunctionMetrics, "add", lambda *_: None)

    code, _ = dmd("run", write(tmp_path / "in.jsonl", change()), "--lake", str(tmp_path / "lake"), "--format", "avro")

    assert code == 1


def test_a_lake_may_be_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    starts = [f"2025-01-{day:02}T10:00:00Z" for day in range(1, 29)]
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="lake")
        source = write(tmp_path / "in.jsonl", *[change("sale", saleStartDateTime=s(start)) for start in starts])

        code, _ = dmd("run", source, "--lake", "s3://lake", "--format", "avro")

        found = {
            one["Key"]: s3.get_object(Bucket="lake", Key=one["Key"])
            for one in s3.list_objects_v2(Bucket="lake")["Contents"]
        }
        answer = query("SELECT count(*) FROM sale WHERE partition_date > '2025-01-14'", "s3://lake")
    assert code == 0
    assert len(found) == 28
    assert {(answer["ContentType"], answer.get("ContentEncoding")) for answer in found.values()} == {
        ("avro/binary", None)
    }
    assert answer.rows == [(14,)]


def test_a_fifth_record_type_is_one_schema(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "gift.avsc").write_text(json.dumps(gift(member("from", optional("string"), pii=True))))
    removed = change("gift", "REMOVE")
    removed["dynamodb"]["OldImage"] = {
        "type": s("gift"),
        "id": s("g1"),
        "madeAt": s("2025-02-03T04:05:06Z"),
        "from": s("me"),
    }

    code, _ = dmd(
        "run",
        write(tmp_path / "in.jsonl", removed),
        *("--lake", str(tmp_path / "lake"), "--schemas", str(schemas), "--format", "avro"),
    )

    assert code == 0
    (path,) = (tmp_path / "lake" / AVRO / "gift/partition_date=2025-02-03").iterdir()
    (row,) = rows(path.read_bytes())
    assert (row["id"], row["from"], row["isDeleted"]) == ("g1", "[redacted]", True)
    written: Any = fastavro.reader(io.BytesIO(path.read_bytes())).writer_schema
    assert fastavro.schema.to_parsing_canonical_form(written) == fastavro.schema.to_parsing_canonical_form(
        json.loads(avro_literal(load(schemas)["gift"]))
    )
