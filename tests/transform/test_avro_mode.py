"""Avro mode puts one container for each record type and partition date, and a record fails if that is not possible."""

import importlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.avro_containers import AVRO, archived, avro, containers, lines, records
from tests.given import STREAM, Bucket, change, environment, event, m, payload, results, s, spaced
from transform.function import build
from transform.outcome import Reason


def documents(bucket: Bucket) -> list[dict[str, Any]]:
    bodies = [body for key, body in bucket.objects.items() if "/errors/" in key]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


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


def test_what_is_in_the_bucket_is_dropped_and_the_bad_record_fails_alone() -> None:
    function = avro()

    reply = function(change("demand"), b"nope", change("sale"), change("waitlist"), change("demand", fanId=None))

    assert results(reply) == ["Dropped", "ProcessingFailed", "Dropped", "Dropped", "ProcessingFailed"]
    assert sorted(record["type"] for record in archived(function.bucket)) == ["demand", "sale"]
    assert [document["error"]["code"] for document in documents(function.bucket)] == ["not_json", "invalid"]


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
    (document,) = documents(bucket)
    assert document["error"]["message"].endswith("TimeoutError")
    assert document["container"] not in kept
    while document["container"] not in bucket.objects:  # where it turns up in the end
        pass


def test_a_container_that_could_not_be_written_is_there_once_after_firehose_retries() -> None:
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
