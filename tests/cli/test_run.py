"""`dmd run`: change records through the handler and the local data plane into a lake, right to the field."""

import gzip
import io
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from firehose.cli import run as run_command
from firehose.cli import run_dmd, run_source
from firehose.lake.opening import open_lake_to_write
from firehose.local.event_record import EventRecord
from firehose.local.report import RunReport, StreamReport
from firehose.local.sinks import FolderSink
from firehose.local.user_error import UserError
from firehose.pipeline import streams
from firehose.pipeline.change_records import change_records
from firehose.pipeline.run_summary import PROCESSING_FAILED, CountingSink, FunctionMetrics, summarise
from tests import reference
from tests.commands import DMD, SAMPLE, dmd, keys, result_of, write
from tests.fakes import MemorySink
from tests.given import change, image, payload, s
from tests.invented import TIME, gift, group, member, optional
from transform.function import build


def rows(lake: Path, table: str) -> Iterator[dict[str, Any]]:
    for path in sorted((lake / "data-pipeline/parquet" / table).rglob("*.parquet")):
        for row in pq.ParquetFile(path).read().to_pylist():
            yield row | {"partition_date": path.parent.name.removeprefix("partition_date=")}


def test_every_record_of_the_sample_is_in_the_lake_as_the_reference_wants_it(tmp_path: Path) -> None:
    lines = gzip.decompress(SAMPLE.read_bytes()).splitlines()
    wanted: dict[str, Counter[str]] = {}
    for line in lines:
        outcome = reference.expected(line, "0", 0)
        if isinstance(outcome, reference.Row):
            row = as_columns(outcome.row) | {"partition_date": outcome.partition_date}
            wanted.setdefault(outcome.type, Counter())[canonical(row)] += 1

    code, _ = dmd("run", str(SAMPLE), "--lake", str(tmp_path))

    found = {table: Counter(map(canonical, rows(tmp_path, table))) for table in wanted}
    assert code == 0
    assert found == wanted


def as_columns(value: Any) -> Any:
    """What the reference says, under Hive's names, with times as Parquet holds them."""
    if isinstance(value, dict):
        return {key.lower(): as_columns(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_columns(inner) for inner in value]
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


def canonical(row: dict[str, Any]) -> str:
    """A row as text that tells any difference, but for the sequence, which is the source's."""
    for attraction in row.get("attractions") or []:
        if attraction and attraction["externallinks"] is not None:
            attraction["externallinks"] = dict(attraction["externallinks"])  # pyarrow gives pairs
    return json.dumps(row | {"change": row["change"] | {"sequence": None}}, sort_keys=True, default=str)


def test_the_summary_counts_every_record_once(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", change(), change("sale"), change(fanId=None), b"nope", change("venue"))

    code, printed = dmd("run", source, "--lake", str(tmp_path / "lake"), "--json")

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


def test_br9_one_object_holds_the_records_of_one_type_and_date(tmp_path: Path) -> None:
    starts = ["2025-01-03T10:00:00Z", "2025-01-03T23:59:59Z", "2025-01-04T00:00:00Z"]
    source = write(tmp_path / "in.jsonl", *[change("sale", saleStartDateTime=s(start)) for start in starts], change())

    dmd("run", source, "--lake", str(tmp_path / "lake"))

    root = tmp_path / "lake/data-pipeline/parquet"
    objects = {path.parent.relative_to(root).as_posix(): pq.ParquetFile(path) for path in root.rglob("*.parquet")}
    assert {place: one.metadata.num_rows for place, one in objects.items()} == {
        "demand/partition_date=2025-01-01": 1,
        "sale/partition_date=2025-01-03": 2,
        "sale/partition_date=2025-01-04": 1,
    }


def test_a_run_that_lost_a_record_says_so_and_exits_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(*arguments: Any) -> Any:
        arguments[0].delivered -= 1
        return summarise(*arguments)

    monkeypatch.setattr(run_command, "summarise", losing)

    code, _ = dmd("run", write(tmp_path / "in.jsonl", change()), "--lake", str(tmp_path / "lake"))

    assert code == 1


def test_a_run_adds_up_only_if_the_function_gives_a_reason_for_every_failure() -> None:
    stream = StreamReport("a", received=2, failed=Counter({PROCESSING_FAILED: 2}))
    report = RunReport(read=2, failed=2, streams=[stream])
    metrics = FunctionMetrics()
    verdicts = []

    for _ in range(2):
        metrics.add("a", 'a log line\n{"_aws": {}, "RecordsFailed": [1], "reason": "invalid"}\n')
        verdicts.append(summarise(report, metrics, CountingSink(MemorySink()), ["demand"], 1.0).adds_up)

    assert verdicts == [False, True]


def test_strict_exits_1_if_a_record_failed(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.jsonl", change()), write(tmp_path / "bad.jsonl", b"nope")

    codes = [dmd("run", source, "--lake", str(tmp_path / "lake"), "--strict")[0] for source in (good, bad)]

    assert codes == [0, 1]


def test_the_same_input_again_replaces_its_objects(tmp_path: Path) -> None:
    dmd("run", str(SAMPLE), "--lake", str(tmp_path))
    first = keys(tmp_path)

    dmd("run", str(SAMPLE), "--lake", str(tmp_path))

    assert keys(tmp_path) == first


def test_two_files_into_one_lake_do_not_overwrite_each_other(tmp_path: Path) -> None:
    one, two = (write(tmp_path / f"{n}.jsonl", change("sale", id=s(n)), change("sale", id=s(n + n))) for n in "ab")

    dmd("run", one, "--lake", str(tmp_path / "lake"))
    dmd("run", two, "--lake", str(tmp_path / "lake"))

    assert sorted(row["id"] for row in rows(tmp_path / "lake", "sale")) == ["a", "aa", "b", "bb"]


def test_standard_input_is_a_source(tmp_path: Path) -> None:
    code, _ = dmd("run", "-", "--lake", str(tmp_path), standard_input=payload(change("sale")) + b"\n")

    assert code == 0
    assert len(list(rows(tmp_path, "sale"))) == 1


def test_a_source_that_breaks_off_is_a_mistake_and_costs_nothing_read_before(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.jsonl", change("sale"))
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(payload(change("sale", id=s("other"))) + b"\n")[:-9])
    lake = tmp_path / "lake"

    done = subprocess.run(
        [*DMD, "run", whole, str(cut), "--lake", str(lake)], check=False, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "cut short or damaged" in done.stderr
    assert "s1" in [row["id"] for row in rows(lake, "sale")]
    assert {path.name for path in lake.iterdir()} == {"data-pipeline", "dmd-jobs"}, "no temporary folder"


def test_gzip_is_known_by_what_it_is_whatever_its_name(tmp_path: Path) -> None:
    packed = tmp_path / "changes"
    packed.write_bytes(gzip.compress(payload(change("sale")) + b"\n"))
    lake = tmp_path / "lake"

    with packed.open("rb") as standard_input:
        command = [*DMD, "run", str(packed), "-", "--lake", str(lake), "--strict"]
        done = subprocess.run(command, check=False, stdin=standard_input, capture_output=True)

    assert done.returncode == 0
    assert len(list(rows(lake, "sale"))) == 2


def test_an_input_without_records_makes_an_empty_lake(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    dmd("run", write(tmp_path / "in.jsonl"), "--lake", lake)

    code, printed = dmd("query", "SELECT count(*) AS n FROM demand", "--lake", lake, "--csv")

    assert (code, printed.split()) == (0, ["n", "0"])


def test_one_run_that_ends_takes_nothing_from_another_into_the_same_lake(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    sink.put("data-pipeline/one", b"1")

    subprocess.run([*DMD, "run", write(tmp_path / "in.jsonl", change("sale")), "--lake", str(tmp_path)], check=True)
    sink.put("data-pipeline/two", b"2")

    assert (tmp_path / "data-pipeline/two").read_bytes() == b"2"


def test_a_bucket_that_is_not_there_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_aws(), pytest.raises(UserError, match="s3://nowhere cannot be written: 404"):
        open_lake_to_write("s3://nowhere")


def test_a_lake_may_be_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="lake")

        code, _ = dmd("run", write(tmp_path / "in.jsonl", change("sale"), b"nope"), "--lake", "s3://lake")

        found = {
            one["Key"]: s3.get_object(Bucket="lake", Key=one["Key"])
            for one in s3.list_objects_v2(Bucket="lake")["Contents"]
        }
    assert code == 0
    assert sorted(key.split("/")[1] for key in found) == ["errors", "errors", "parquet"]
    (parquet,) = [answer for key, answer in found.items() if key.endswith(".parquet")]
    assert pq.ParquetFile(io.BytesIO(parquet["Body"].read())).metadata.num_rows == 1
    assert parquet["ContentEncoding"] == "hadoop-snappy"


def test_an_exception_of_our_function_is_named_by_class_file_and_line_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(*_: Any) -> None:
        raise ValueError("+15550100")

    monkeypatch.setattr(streams, "build", lambda *_, **__: handler)
    source = write(tmp_path / "in.jsonl", change("sale"))

    result = result_of("run", source, "--lake", str(tmp_path / "lake"), "--strict")

    assert result.exit_code == 1
    assert "dmnd-sale: the function raised ValueError at test_run.py:" in result.output
    assert "(4 invocations)" in result.output
    assert "+15550100" not in result.output


@pytest.mark.parametrize("broken", [{"sale"}, {"demand", "event", "notification", "sale"}], ids=["one", "all"])
def test_a_record_whose_batch_a_function_failed_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: set[str]
) -> None:
    def handler(*_: Any) -> None:
        raise ValueError

    def built(variables: Any, *others: Any, **shared: Any) -> Any:
        return handler if variables["RECORD_TYPES"] in broken else build(variables, *others, **shared)

    monkeypatch.setattr(streams, "build", built)
    source = write(tmp_path / "in.jsonl", change("sale"), change("demand"), change("demand", fanId={"N": "1"}))

    result = result_of("run", source, "--lake", str(tmp_path / "lake"), "--json")

    failed = {"Lambda.FunctionError": 1, "invalid": 1} if broken == {"sale"} else {"Lambda.FunctionError": 3}
    assert (result.exit_code, json.loads(result.stdout)["failed"]) == (0, failed)
    assert "counted twice" not in result.stderr


def test_blank_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b"\n" + payload(change("sale")) + b"\n \n\n")

    code, printed = dmd("run", str(tmp_path / "in.jsonl"), "--lake", str(tmp_path / "lake"), "--strict", "--json")

    summary = json.loads(printed)
    assert (code, summary["read"], summary["blank_lines"], summary["failed"]) == (0, 1, 3, {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_sigterm_delivers_what_was_read(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(sources: list[str], **more: Any) -> Iterator[EventRecord]:
        yield from change_records(sources, **more)
        signal.raise_signal(number)

    monkeypatch.setattr(run_source, "change_records", interrupted)
    source = write(tmp_path / "in.jsonl", change("sale"), change("sale"))

    code, printed = dmd("run", source, "--lake", str(tmp_path / "lake"), "--json")

    assert code == 130
    assert json.loads(printed)["stopped"] is True
    assert len(list(rows(tmp_path / "lake", "sale"))) == 2


def test_a_fifth_record_type_is_one_schema(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    tag = group("Tag", member("name", optional("string")), member("owner", optional("string"), pii=True))
    extra = [
        member("from", optional("string"), pii=True),
        member("amount", optional("double")),
        member("serial", optional("long")),
        member("tags", optional({"type": "array", "items": ["null", tag]})),
        member("byPlace", optional({"type": "map", "values": "Tag"})),
        member("dates", group("Dates", member("sent", optional(TIME)), member("deleted", optional(TIME)))),
    ]
    (schemas / "gift.avsc").write_text(json.dumps(gift(*extra, deletionTime="dates.deleted")))
    item = {
        "type": s("gift"),
        "id": s("g1"),
        "madeAt": s("2025-02-03T04:05:06Z"),
        "from": s("me"),
        "amount": {"N": "12.5"},
        "serial": {"N": "5000000000"},
        "tags": {"L": [{"M": {"name": s("t"), "owner": s("o")}}, {"NULL": True}]},
        "byPlace": {"M": {"Rome": {"M": {"owner": s("o")}}}},
        "dates": {"M": {}},
    }
    removed = change("gift", "REMOVE")
    removed["dynamodb"]["OldImage"] = item

    code, _ = dmd("run", write(tmp_path / "in.jsonl", removed), "--lake", str(tmp_path), "--schemas", str(schemas))

    assert code == 0
    (row,) = rows(tmp_path, "gift")
    assert (row["id"], row["amount"], row["serial"], row["partition_date"]) == ("g1", 12.5, 5_000_000_000, "2025-02-03")
    assert row["from"] == "[redacted]"
    assert row["tags"] == [{"name": "t", "owner": "[redacted]"}, None]
    assert row["byplace"] == [("rome", {"name": None, "owner": "[redacted]"})]
    assert row["reference"]["id"] == "g1"
    assert str(row["dates"]["deleted"]) == "2025-01-01 10:00:00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere.jsonl", "--lake", "{tmp}/lake"], "nowhere.jsonl cannot be read"),
        (["run", "{tmp}/plain.jsonl.gz", "--lake", "{tmp}/lake"], "is not gzip"),
        (["run", "{tmp}/ok.jsonl", "--lake", "{tmp}/ok.jsonl"], "cannot be a lake"),
        (["run", "{tmp}/ok.jsonl", "--lake", "{tmp}/ok.jsonl/below"], "cannot be a lake"),
        (["run", "{tmp}/ok.jsonl", "--lake", "file://{tmp}/lake"], "should be the path of a folder"),
        (["run", "{tmp}/ok.jsonl", "--lake", ""], "specify the lake with --lake"),
        (["run", "{tmp}/ok.jsonl", "nowhere.jsonl", "--lake", "{tmp}/lake"], "nowhere.jsonl cannot be read"),
        (["run", "{tmp}/ok.jsonl", "--lake", "s3://"], "is not a lake"),
        (["run", "{tmp}/ok.jsonl", "--lake", "{tmp}/lake", "--format", "orc"], "Invalid value for '--format'"),
        (["run", "{tmp}/ok.jsonl", "--lake", "{tmp}/lake", "--schemas", "{tmp}"], "no .avsc file here"),
        (["query", "SELECT 1", "--lake", "{tmp}/none"], "no such lake"),
        (["query", "SELECT 1", "--lake", "{tmp}"], "is not a lake"),
    ],
)
def test_wrong_input_is_a_sentence_and_exit_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    (tmp_path / "ok.jsonl").write_bytes(payload(change("sale")) + b"\n")
    (tmp_path / "plain.jsonl.gz").write_bytes(b"not gzip")
    monkeypatch.setattr(sys, "argv", ["dmd", *(argument.replace("{tmp}", str(tmp_path)) for argument in arguments)])

    with pytest.raises(SystemExit) as left:
        run_dmd()

    printed = capsys.readouterr()
    assert left.value.code == 2
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_no_record_lands_outside_the_range_of_its_table(tmp_path: Path) -> None:
    first, last, before, after = ("1900-01-01", "2039-12-31", "1899-12-31", "2040-01-01")
    starts = [image("sale", id=s(day), saleStartDateTime=s(f"{day}T12:00:00Z")) for day in (first, last, before, after)]
    source = write(tmp_path / "in.jsonl", *[change("sale", **item) for item in starts])
    dmd("run", source, "--lake", str(tmp_path / "lake"))

    _, answer = dmd(
        "query",
        "SELECT id FROM sale WHERE partition_date IN ('1900-01-01', '2039-12-31') ORDER BY id",
        "--lake",
        str(tmp_path / "lake"),
        "--csv",
    )

    assert answer.split() == ["id", first, last]
    assert sorted(row["id"] for row in rows(tmp_path / "lake", "sale")) == [first, last]
