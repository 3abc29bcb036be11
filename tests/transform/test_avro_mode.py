"""Avro mode: the function puts one container for each record type and partition date, and says what lies there."""

import gzip
import importlib
import io
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from glue.schema import load
from glue.tables import read_table_inputs
from tests.given import (
    CHANGED_MS,
    STREAM,
    Bucket,
    Function,
    change,
    change_of,
    environment,
    event,
    m,
    payload,
    results,
    row_of,
    s,
    spaced,
)
from tests.invented import gift, group, member, optional
from transform.function import build
from transform.outcome import Reason

SAMPLE = Path(__file__).parents[1] / "corpora" / "sample.jsonl.gz"
AVRO = "data-pipeline/avro/"


def avro(bucket: Any = None, **settings: Any) -> Function:
    return Function(format="avro", bucket=bucket or Bucket(), **settings)


def containers(bucket: Bucket) -> dict[str, bytes]:
    return {key: body for key, body in bucket.objects.items() if key.startswith(AVRO)}


def records(body: bytes) -> list[dict[str, Any]]:
    return [record for record in fastavro.reader(io.BytesIO(body)) if isinstance(record, dict)]


def archived(bucket: Bucket) -> list[dict[str, Any]]:
    return [record for body in containers(bucket).values() for record in records(body)]


def documents(bucket: Bucket) -> list[dict[str, Any]]:
    bodies = [body for key, body in bucket.objects.items() if "/errors/" in key]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def as_row(value: Any) -> Any:
    """A record read from Avro in the form of Parquet mode's rows: lower-case names, times as text."""
    if isinstance(value, dict):
        return {name.lower(): as_row(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [as_row(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return value.isoformat() if isinstance(value, date) else value


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def in_order(rows: list[Any]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@dataclass
class Failing(Bucket):
    """A store that some objects cannot be put into."""

    fails: Callable[[str], bool] = lambda _: True
    error: Exception = field(default_factory=lambda: OSError("SECRET"))

    def put(self, key: str, body: bytes, content_type: str) -> None:
        if self.fails(key):
            raise self.error
        super().put(key, body, content_type)


@dataclass
class Hanging(Bucket):
    """A store whose puts of some objects do not end before they are released."""

    hangs: Callable[[str], bool] = lambda _: True
    released: threading.Event = field(default_factory=threading.Event)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        if self.hangs(key):
            self.released.wait(10)
        super().put(key, body, content_type)


class Context:
    """Lambda's, with little time left."""

    aws_request_id = "r"

    def __init__(self, millis: int) -> None:
        self.get_remaining_time_in_millis = lambda: millis


def lines() -> list[bytes]:
    return gzip.decompress(SAMPLE.read_bytes()).removesuffix(b"\n").split(b"\n")


def test_what_is_in_the_bucket_is_dropped_and_the_bad_record_fails_alone() -> None:
    function = avro()

    reply = function(change("demand"), b"nope", change("sale"), change("waitlist"), change("demand", fanId=None))

    assert results(reply) == ["Dropped", "ProcessingFailed", "Dropped", "Dropped", "ProcessingFailed"]
    assert sorted(record["type"] for record in archived(function.bucket)) == ["demand", "sale"]
    assert [document["error"]["code"] for document in documents(function.bucket)] == ["not_json", "invalid"]


def test_the_rows_are_those_of_parquet_mode_to_the_field() -> None:
    parquet, in_avro = Function(), avro()

    rows, found = [], []
    for start in range(0, 2_000, 500):
        batch = lines()[start : start + 500]
        rows += [row_of(result) for result in parquet(*batch)["records"] if result["result"] == "Ok"]
        in_avro(*batch)
        found += archived(in_avro.bucket)
        in_avro.bucket.objects.clear()

    assert len(found) == len(rows) == 1_980
    assert in_order([as_row(record) for record in found]) == in_order([without_nulls(row) for row in rows])


def test_there_is_one_container_for_each_type_and_date_of_the_invocation() -> None:
    function = avro()
    later = m(requested=s("2025-03-01T00:00:00Z"))

    function(change("demand"), change("demand", date=later), change("sale"), change("demand"))

    folders = sorted((key.rpartition("/")[0].removeprefix(AVRO), len(records(body)))
                     for key, body in containers(function.bucket).items())  # fmt: skip
    assert folders == [
        ("demand/partition_date=2025-01-01", 2),
        ("demand/partition_date=2025-03-01", 1),
        ("sale/partition_date=2025-01-03", 1),
    ]


def test_an_object_is_named_by_its_stream_and_says_that_it_is_avro() -> None:
    types = []

    class Typed(Bucket):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            types.append(content_type)
            super().put(key, body, content_type)

    function = avro(Typed())

    function(change())

    (key,) = containers(function.bucket)
    assert key.rpartition("/")[2].startswith(f"{STREAM}-")
    assert key.endswith(".avro")
    assert types == ["avro/binary"]


@pytest.mark.parametrize("record_type", ["demand", "event", "notification", "sale"])
def test_the_schema_in_a_file_is_the_one_its_table_is_read_by(record_type: str) -> None:
    function = avro()

    function(change(record_type))

    (body,) = containers(function.bucket).values()
    literal = read_table_inputs()[record_type]["avro"]["StorageDescriptor"]["SerdeInfo"]["Parameters"]
    header = fastavro.reader(io.BytesIO(body)).metadata
    assert json.loads(header["avro.schema"]) == json.loads(literal["avro.schema.literal"])
    assert header["avro.codec"] == "deflate"


def test_the_codec_is_null_by_choice() -> None:
    bucket = Bucket()
    handler = build(environment("demand", claims=True) | {"FORMAT": "avro", "AVRO_CODEC": "null"}, bucket)

    handler(event(change()), None)

    (body,) = containers(bucket).values()
    assert fastavro.reader(io.BytesIO(body)).metadata["avro.codec"] == "null"
    assert records(body)[0]["fanId"] == "f1"


def test_the_same_batch_again_leaves_the_same_objects_with_the_same_bytes() -> None:
    first, second = avro(), avro()
    invocation = event(*lines()[:300])

    first.reply(invocation)
    second(change())  # whatever the function did before
    second.bucket.objects.clear()
    second.reply(invocation | {"invocationId": "another"})

    assert containers(first.bucket)
    assert first.bucket.objects == second.bucket.objects


def test_other_batches_of_the_same_rows_have_other_names() -> None:
    one, other = avro(), avro()
    invocation = event(change(), change("event"))
    swapped = invocation | {"records": invocation["records"][::-1]}

    one.reply(invocation)
    other.reply(swapped)
    elsewhere = avro()
    elsewhere.reply(invocation | {"deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/x"})

    names = [*containers(one.bucket), *containers(other.bucket), *containers(elsewhere.bucket)]
    assert len(set(names)) == 6
    markers = {body[-16:] for body in [*containers(one.bucket).values(), *containers(other.bucket).values()]}
    assert len(markers) == 4


def test_a_crash_between_the_puts_and_the_reply_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket()
    invocation = event(change("demand"), change("sale"))
    with monkeypatch.context() as broken:
        broken.setattr("transform.telemetry.Telemetry.report", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            avro(bucket).reply(invocation)
    left_behind = dict(bucket.objects)

    reply = avro(bucket).reply(invocation | {"invocationId": "another"})

    assert results(reply) == ["Dropped"] * 2
    assert len(archived(bucket)) == 2
    assert left_behind == bucket.objects


def test_a_group_that_cannot_be_written_fails_and_the_others_are_not_touched() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "SECRET"}}, "PutObject")
    bucket = Failing(fails=lambda key: "avro/demand" in key, error=denied)
    function = avro(bucket)

    reply = function(change("demand"), change("sale"), change("demand"), change("event"))

    assert results(reply) == ["ProcessingFailed", "Dropped", "ProcessingFailed", "Dropped"]
    assert sorted(record["type"] for record in archived(bucket)) == ["event", "sale"]
    errors = documents(bucket)
    assert [(one["error"]["code"], one["type"], len(one["events"])) for one in errors] == [
        ("not_written", "demand", 1)
    ] * 2
    assert errors[0]["error"]["message"] == "its Avro container could not be written: AccessDenied"
    assert "SECRET" not in function.printed


def test_when_time_runs_out_what_is_not_yet_written_fails_and_the_rest_is_kept() -> None:
    bucket = Hanging(hangs=lambda key: "avro/demand" in key)
    function = avro(bucket, context=Context(millis=200))

    reply = function(change("demand"), change("sale"))
    kept = sorted(bucket.objects)
    bucket.released.set()

    assert results(reply) == ["ProcessingFailed", "Dropped"]
    assert [key.split("/")[1] for key in kept] == ["avro", "errors"]
    (told,) = documents(bucket)
    assert told["error"]["message"].endswith("TimeoutError")
    assert told["container"] not in kept
    while told["container"] not in bucket.objects:  # where it turns up in the end
        pass


def test_what_cannot_be_written_is_sent_again_by_firehose_and_then_lies_there_once() -> None:
    bucket = Failing()
    function = avro(bucket)
    invocation = event(change("demand"), change("sale"))

    first = function.reply(invocation)
    bucket.fails = lambda _: False
    second = function.reply(invocation | {"invocationId": "another"})

    assert results(first) == ["ProcessingFailed"] * 2
    assert results(second) == ["Dropped"] * 2
    assert len(archived(bucket)) == 2


def test_a_bug_in_one_row_costs_that_record_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transform.avro_binary.utf8", lambda _: 1 / 0)  # for what is not ASCII
    function = avro()

    reply = function(change(fanId=s("f1")), change(fanId=s("\u00e9")), change(fanId=s("f3")))

    assert results(reply) == ["Dropped", "ProcessingFailed", "Dropped"]
    assert [record["fanId"] for record in archived(function.bucket)] == ["f1", "f3"]
    assert function.logs()[0]["message"] == "our own code failed"


@pytest.mark.parametrize(("millis", "seconds"), [(60_000, 45), (20_000, 10), (600, 0.3)])
def test_time_is_kept_for_error_documents_and_the_reply(
    millis: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_seconds = {}

    def put_all(store: Any, objects: Any, content_type: str, seconds: float | None) -> dict[str, BaseException]:
        given_seconds[content_type] = seconds
        return dict.fromkeys((key for key, _ in objects), OSError())

    for place in ("transform.avro_mode.put_all", "transform.function.put_all"):
        monkeypatch.setattr(place, put_all)

    avro(context=Context(millis))(change())

    assert given_seconds == {"avro/binary": seconds, "application/x-ndjson": millis / 1000 - 1}


def test_error_documents_may_have_a_store_of_their_own() -> None:
    data, errors = Bucket(), Bucket()
    handler = build(environment("demand", claims=True) | {"FORMAT": "avro"}, data, error_store=errors)

    handler(event(change(), b"nope"), None)

    assert [key.split("/")[1] for key in data.objects] == ["avro"]
    assert [key.split("/")[1] for key in errors.objects] == ["errors"]


def test_the_handler_puts_containers_with_patience_and_error_documents_without(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment("demand", claims=True).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("transform.object_store.S3Store", lambda bucket, attempts: made.append((bucket, attempts)))
    made: list[tuple[str, int]] = []

    importlib.reload(importlib.import_module("transform.handler"))

    assert made[-2:] == [("lake", 5), ("lake", 2)]


def test_metrics_count_what_was_written_by_type() -> None:
    function = avro()

    later = m(requested=s("2025-03-01T00:00:00Z"))
    function(change("demand"), change("sale"), change("demand", date=later), change("waitlist"))

    lines = {line.get("type"): line for line in function.metrics() if "RecordsDelivered" in line}
    assert {kind: line["RecordsDelivered"] for kind, line in lines.items()} == {None: [3], "demand": [2], "sale": [1]}
    assert lines["demand"]["ObjectsWritten"] == [2]
    sizes = [(key.split("/")[2], len(body)) for key, body in containers(function.bucket).items()]
    assert lines["demand"]["BytesDelivered"] == [sum(size for kind, size in sizes if kind == "demand")]
    assert lines[None]["BytesDelivered"] == [sum(size for _, size in sizes)]


def test_a_deletion_is_scrubbed_and_marked() -> None:
    function = avro()

    function(change("demand", "REMOVE", email=s("SECRET"), phoneNumber=s("SECRET")))

    (record,) = archived(function.bucket)
    assert (record["email"], record["phoneNumber"], record["isDeleted"]) == ("[redacted]", "[redacted]", True)
    assert record["date"]["deleted"] == datetime.fromtimestamp(CHANGED_MS / 1000, UTC)


TIME = {"type": "long", "logicalType": "timestamp-millis"}
AGAIN = group("Again", member("at", optional(TIME)))
EVERYTHING = gift(
    member("words", {"type": "array", "items": optional("string")}),
    member("rows", optional({"type": "array", "items": optional({"type": "array", "items": optional("long")})})),
    member("by", {"type": "map", "values": {"type": "array", "items": optional("double")}}),
    member("size", optional({"type": "enum", "name": "Size", "symbols": ["S", "M", "L"]})),
    member("day", {"type": "int", "logicalType": "date"}),
    member("inner", group("Inner", member("count", "int"), member("again", optional(AGAIN)))),
    member("others", optional({"type": "array", "items": optional("Again")})),
    member("inner_count", optional("boolean")),
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
longs = st.integers(-(2**63), 2**63 - 1).map(lambda number: {"N": str(number)})
doubles = st.floats(-1e300, 1e300).map(lambda number: {"N": repr(number)})
moments = st.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31))
times = st.one_of(
    moments.map(lambda time: s(time.isoformat())),
    moments.map(lambda time: s(f"{time.isoformat(timespec='milliseconds')}Z")),
)
null = st.just({"NULL": True})
again = st.fixed_dictionaries({}, optional={"at": times | null}).map(lambda entries: {"M": entries})
everything = st.fixed_dictionaries(
    {
        "type": st.just(s("gift")),
        "id": texts.map(s),
        "madeAt": st.just(s("2025-02-03T04:05:06.789Z")),
        "words": st.lists(texts.map(s) | null, max_size=3).map(lambda items: {"L": items}),
        "by": st.dictionaries(
            st.sampled_from("abc"), st.lists(doubles | null, max_size=2).map(lambda items: {"L": items}), max_size=2
        ).map(lambda entries: {"M": entries}),
        "day": st.dates(date(1800, 1, 1), date(2199, 12, 31)).map(lambda day: s(day.isoformat())),
        "inner": st.fixed_dictionaries(
            {"count": st.integers(-(2**31), 2**31 - 1).map(lambda number: {"N": str(number)})},
            optional={"again": again | null},
        ).map(lambda entries: {"M": entries}),
    },
    optional={
        "rows": st.lists(st.lists(longs | null, max_size=2).map(lambda items: {"L": items}) | null, max_size=2).map(
            lambda items: {"L": items}
        ),
        "size": st.sampled_from("SML").map(s) | null,
        "others": st.lists(again | null, max_size=2).map(lambda items: {"L": items}),
        "inner_count": st.booleans().map(lambda truth: {"BOOL": truth}),
    },
)


@pytest.fixture(scope="module")
def gifts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Function, Function]:
    folder = tmp_path_factory.mktemp("schemas")
    (folder / "gift.avsc").write_text(json.dumps(EVERYTHING))
    assert list(load(folder)) == ["gift"]
    return Function("gift", schemas=folder), avro(types="gift", schemas=folder)


@given(items=st.lists(everything, min_size=1, max_size=3))
def test_any_row_of_any_schema_is_in_avro_what_it_is_in_parquet(
    gifts: tuple[Function, Function], items: list[Any]
) -> None:
    parquet, in_avro = gifts
    in_avro.bucket.objects.clear()

    rows = [row_of(result) for result in parquet(*map(change_of, items))["records"]]
    in_avro(*map(change_of, items))

    assert [as_row(record) for record in archived(in_avro.bucket)] == [without_nulls(row) for row in rows]
    (body,) = containers(in_avro.bucket).values()
    (block,) = fastavro.block_reader(io.BytesIO(body))
    data: Any = block
    assert data.bytes_.getvalue() == b"".join(map(by_fastavro, records(body)))


@pytest.mark.parametrize("letter", ["a", "\u00e9", "\u20ac", "\U0001f3ab"])
def test_a_text_may_have_any_length(letter: str) -> None:
    texts = [letter * length for length in (0, 1, 31, 32, 63, 64, 85, 86, 127, 128, 255, 256, 8191, 8192)]
    function = avro()

    function(*[change("sale", id=s(text or "-"), name=s(text)) for text in texts])

    assert [(record["id"], record["name"]) for record in archived(function.bucket)] == [(t or "-", t) for t in texts]


DAYS = ("1799-12-31", "1800-01-01", "2199-12-31", "2200-01-01", "2024-02-29", "2023-02-29", "2024-W01-1", "0000-01-01")
days, clocks = st.sampled_from(DAYS), st.sampled_from(["00:00:00", "23:59:59", "24:00:00", "12:60:00", "12:00:60"])
near_times = st.one_of(
    st.builds("{}T{}.{:03}Z".format, days, clocks, st.integers(0, 999)),
    st.builds(
        "{}{}{}{}{}".format,
        days,
        st.sampled_from("T t"),
        clocks,
        st.sampled_from(["", ".", ".1", ".12", ".999", ".9999", ".\u0661\u0662\u0663", ",999"]),
        st.sampled_from(["", "Z", "z", "+00:00", "-00:01", "+2359", "+24:00"]),
    ),
)


@given(texts=st.lists(near_times, min_size=20, max_size=20))
def test_a_time_is_read_as_in_parquet_mode(sales: tuple[Function, Function], texts: list[str]) -> None:
    parquet, in_avro = sales
    in_avro.bucket.objects.clear()
    changes = [change("sale", saleEndDateTime=s(text)) for text in texts]

    rows = [row_of(result) for result in parquet(*changes)["records"] if result["result"] == "Ok"]
    in_avro(*changes)

    assert [as_row(record)["saleenddatetime"] for record in archived(in_avro.bucket)] == [
        row["saleenddatetime"] for row in rows
    ]


@pytest.fixture(scope="module")
def sales() -> tuple[Function, Function]:
    return Function("sale"), avro(types="sale")


def by_fastavro(record: dict[str, Any]) -> bytes:
    """What fastavro itself makes of a record."""
    file = io.BytesIO()
    fastavro.schemaless_writer(file, EVERYTHING, record)
    return file.getvalue()


@given(data=st.lists(st.binary(max_size=60) | st.sampled_from([payload(change()), spaced(change("sale"))]), max_size=6))
def test_whatever_comes_in_every_record_is_in_one_place(data: list[bytes]) -> None:
    function = avro()

    reply = function(*data)

    failed = sum(result == "ProcessingFailed" for result in results(reply))
    assert failed == len(documents(function.bucket))
    assert len(archived(function.bucket)) == len(data) - failed


def test_not_written_is_one_of_the_closed_list_of_reasons() -> None:
    assert {str(reason) for reason in Reason} == {
        "not_json", "not_a_change", "no_image", "no_type", "invalid", "too_large", "not_written", "bug",
    }  # fmt: skip
