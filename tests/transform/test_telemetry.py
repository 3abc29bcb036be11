"""Operations see of an invocation its log lines and metrics, and no value of a record."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest

from glue.layout import Format
from tests.fakes import MemorySink, failing
from tests.given import Function, change, change_of, event, image, m, payload, s
from transform.event_record import sequence_of


def test_a_function_logs_one_line_an_invocation_and_one_for_each_reason() -> None:
    function = Function(context=SimpleNamespace(aws_request_id="r1"))

    function(change(), b"nope", b"nope", change(fanId=None))

    reasons = [line["reason"] for line in function.logs() if line["level"] == "ERROR"]
    (line,) = [line for line in function.logs() if line["level"] == "INFO"]
    assert sorted(reasons) == ["invalid", "not_json"]
    assert line["correlation_id"] == "5f2cd0e0-0000-4000-8000-000000000000"
    assert (line["received"], line["delivered"], line["cold_start"], line["request_id"]) == (4, 1, True, "r1")
    function()
    assert function.logs()[-1]["cold_start"] is False


def test_metrics_count_what_came_in_and_what_became_of_it() -> None:
    function = Function("demand")

    reply = function(change(), change("sale"), change_of(image("venue")), b"nope", change(extra=s("x")))

    main, *parts = function.metrics()
    assert main["RecordsReceived"] == [5]
    assert main["RecordsDelivered"] == [2]
    assert main["ChangeAge"] == [123]
    rows = [base64.b64decode(result["data"]) for result in reply["records"]]
    assert abs(main["BytesDelivered"][0] - sum(map(len, rows))) <= 2 * len(rows)  # counted in base64
    assert abs(main["BytesReceived"][0] - len(b"nope") - 4 * len(payload(change()))) < 300
    counted = {(part.get("type"), part.get("reason")): part for part in parts}
    assert counted["sale", None]["RecordsDropped"] == [1]
    assert counted["other", None]["RecordsDropped"] == [1]
    assert counted[None, "not_json"]["RecordsFailed"] == [1]


def test_attributes_that_the_schema_does_not_name_are_counted_on_a_sample() -> None:
    function = Function()

    function(change(extra=s("x"), another=m(deep=s("y")), pk=s("P")), *[change(extra=s("x"))] * 300)

    assert function.metrics()[0]["RecordsSampled"] == [2]
    assert function.metrics()[0]["AttributesUnmapped"] == [3]


@pytest.mark.parametrize("keys", ["none", None, [], {"pk": {"S": "P"}}])
def test_the_tables_own_keys_are_no_drift_and_odd_keys_are_no_error(keys: Any) -> None:
    record = change(pk=s("P"), reference=s("x"))
    record["dynamodb"]["Keys"] = keys
    function = Function()

    function(record)

    assert function.metrics()[0]["AttributesUnmapped"] == [1 if keys == {"pk": {"S": "P"}} else 2]


def test_a_log_line_names_ten_paths_at_most() -> None:
    broken = [change("event", images={"L": [m()] * n + [s("x")]}) for n in range(12)]
    function = Function()

    function(*broken)

    (line,) = [line for line in function.logs() if line.get("reason") == "invalid"]
    assert (line["records"], len(line["paths"])) == (12, 10)


def test_the_age_of_a_batch_is_that_of_its_oldest_change() -> None:
    old, new = change("sale"), change("sale")
    old["dynamodb"]["ApproximateCreationDateTime"] -= 5_000
    function = Function()

    function(new, old, new)

    assert function.metrics()[0]["ChangeAge"] == [5_123]


@pytest.mark.parametrize("mode", Format)
def test_the_telemetry_of_an_invocation_says_nothing_of_the_one_before(
    mode: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = event(change("sale"), stream="dmnd-second") | {"invocationId": "second"}
    fresh = Function("event,sale", format=mode, bucket=MemorySink())
    fresh.reply(quiet)
    function = Function("event,sale", format=mode, bucket=MemorySink(failing(when=lambda key: "/errors/" in key)))
    with monkeypatch.context() as patch:
        patch.setattr("transform.record.sequence_of", failing(1, RuntimeError(), then=sequence_of))
        old = change("sale", unmapped=s("x"))
        old["dynamodb"]["ApproximateCreationDateTime"] -= 5_000
        function(old, old, change("event"), change(), change_of(image("venue")), b"nope", change("sale", id=None))
    assert {line["level"] for line in function.logs()} == {"CRITICAL", "ERROR", "INFO"}
    assert len(function.metrics()) > 4
    function.printed = ""

    function.reply(quiet)

    assert without_the_moment(function) == without_the_moment(fresh)


def without_the_moment(function: Function) -> list[dict[str, Any]]:
    """The lines that a function printed, without what differs between any two invocations."""
    metrics = [{**line, "_aws": {**line["_aws"], "Timestamp": 0}} for line in function.metrics()]
    return metrics + [{**line, "timestamp": "", "cold_start": None} for line in function.logs()]
