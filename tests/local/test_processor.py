"""The Lambda processor: batches, the event, the context, attempts and metrics."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.behaviour import Behaviour, FunctionTimeout
from firehose.local.config.processing import LambdaSettings
from firehose.local.event_record import EventRecord
from firehose.local.faults import faulty_function, read_faults
from firehose.local.metrics import Metrics
from firehose.local.processors.function_problems import FunctionProblems
from firehose.local.processors.invocation import InvocationError, LambdaCode
from firehose.local.processors.lambda_processor import spacing_ms
from tests.firehose_streams import FUNCTION_ARN, STREAM_ARN, answer, function, order, records
from tests.processors import STREAM, direct_put_record, fates, processor


def test_the_event_is_that_of_a_kinesis_sourced_stream() -> None:
    batch = records(b"a")
    events: list[Any] = []

    processor(lambda event, _: events.append(event)).process(batch)

    assert list(events[0].items())[1:] == [
        ("sourceKinesisStreamArn", STREAM_ARN),
        ("deliveryStreamArn", STREAM),
        ("region", "us-east-1"),
        ("records", batch),
    ]
    assert len(events[0]["invocationId"]) == 36


@pytest.mark.parametrize("keeps_event", [True, False])
def test_the_event_of_records_put_directly_has_nothing_of_kinesis(keeps_event: bool) -> None:
    record = direct_put_record(b"a", number=7, arrival_ms=1_714_564_809_617)
    events: list[Any] = []

    processor(lambda event, _: events.append(event), stream_arn=None, keeps_event=keeps_event).process([record])

    assert list(events[0]) == ["invocationId", "deliveryStreamArn", "region", "records"]
    (given,) = events[0]["records"]
    assert list(given) == ["recordId", "approximateArrivalTimestamp", "data"]
    assert (len(given["recordId"]), given["data"]) == (160, "YQ==")


@pytest.mark.parametrize("keeps_event", [True, False])
def test_a_record_keeps_the_order_of_its_members(keeps_event: bool) -> None:
    events: list[Any] = []

    processor(lambda event, _: events.append(event), keeps_event=keeps_event).process(records(b"a"))

    (given,) = events[0]["records"]
    assert list(given) == ["recordId", "approximateArrivalTimestamp", "data", "kinesisRecordMetadata"]
    assert (len(given["recordId"]), type(given["kinesisRecordMetadata"]["subsequenceNumber"])) == (160, int)


def test_the_context_has_what_powertools_asks_for() -> None:
    contexts: list[Any] = []

    processor(lambda event, context: contexts.append((event, context))).process(records(b"a"))

    event, context = contexts[0]
    assert context.aws_request_id == event["invocationId"]
    assert (context.function_name, context.invoked_function_arn) == ("transform", f"{FUNCTION_ARN}:$LATEST")
    assert context.memory_limit_in_mb > 0
    assert context.get_remaining_time_in_millis() == 300_000


def test_each_record_has_its_own_result() -> None:
    batch = records(order("x"), b'{"result": "Dropped"}', b"bad")

    done = processor(function()).process(batch)

    assert [(index, data, keys) for index, data, keys in done.ok] == [
        (0, b'{"id": "x"}\n', {"type": "order", "date": "2025-01-01"})
    ]
    assert done.dropped == [1]
    assert [(failure.index, failure.code, failure.attempts) for failure in done.failed] == [
        (2, "Lambda.ProcessingFailedStatus", 1)
    ]


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (3, 4)])
def test_a_function_that_raises_is_tried_again_with_a_new_id_and_the_same_bytes(retries: int, attempts: int) -> None:
    seen: list[tuple[str, str]] = []

    def handler(event: Any, _: Any) -> None:
        seen.append((event["invocationId"], json.dumps(event["records"])))
        event["records"][0]["data"] = "changed"
        event["records"][1]["kinesisRecordMetadata"]["partitionKey"] = "changed"
        event["records"].clear()
        raise ValueError("secret@example.com")

    done = processor(handler, retries).process(records(b"a", b"b"))

    assert (len({each for each, _ in seen}), len({each for _, each in seen})) == (attempts, 1)
    assert fates(done) == {0: "Lambda.FunctionError", 1: "Lambda.FunctionError"}
    assert {(failure.attempts, failure.message) for failure in done.failed} == {
        (attempts, "The Lambda function was successfully invoked but it returned an error result.")
    }


@given(st.text(max_size=5))
def test_attempts_are_some_two_four_and_eight_seconds_apart(record_id: str) -> None:
    spacings = [spacing_ms(attempts, record_id) for attempts in range(1, 9)]

    for least_ms, found_ms in zip((2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000), spacings, strict=True):
        assert least_ms <= found_ms <= min(2 * least_ms, 60000)
    assert spacings == [spacing_ms(attempts, record_id) for attempts in range(1, 9)]


def test_an_attempt_that_succeeds_ends_the_trying() -> None:
    outcomes = [RuntimeError(), SystemExit(1), None]

    def handler(event: Any, context: Any) -> Any:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome
        return function()(event, context)

    assert fates(processor(handler).process(records(order("x")))) == {0: '{"id": "x"}\n'}


def test_a_record_that_fails_in_a_later_attempt_says_how_many_were_made() -> None:
    outcomes = [RuntimeError(), None]

    def handler(event: Any, context: Any) -> Any:
        if outcome := outcomes.pop(0):
            raise outcome
        return function()(event, context)

    (failure,) = processor(handler).process(records(b"bad")).failed

    assert (failure.code, failure.attempts) == ("Lambda.ProcessingFailedStatus", 2)


def test_a_function_may_answer_in_the_records_it_was_given() -> None:
    batch = records(b"a")

    def handler(event: Any, _: Any) -> Any:
        for record in event["records"]:
            record["data"], record["result"] = "YWJj", "Ok"
        return event

    first, second = processor(handler).process(batch), processor(handler).process(batch)

    assert fates(first) == fates(second) == {0: "abc"}
    assert batch == records(b"a")


def test_a_function_may_change_all_it_was_given() -> None:
    batch = records(b"a")

    def handler(event: Any, _: Any) -> Any:
        event["records"][0]["kinesisRecordMetadata"].clear()
        return {"records": [answer(record, "Dropped") for record in event["records"]]}

    processor(handler).process(batch)

    assert batch == records(b"a")


@pytest.mark.parametrize(
    "raised",
    [
        pytest.param(SystemExit(0), id="sys.exit"),
        pytest.param(GeneratorExit(), id="GeneratorExit"),
        pytest.param(type("Odd", (BaseException,), {})(), id="BaseException"),
    ],
)
def test_whatever_a_function_raises_is_its_own_failure(raised: BaseException) -> None:
    def handler(*_: Any) -> None:
        raise raised

    done = processor(handler, 1).process(records(b"a"))

    assert [(failure.code, failure.attempts) for failure in done.failed] == [("Lambda.FunctionError", 2)]


def test_ctrl_c_in_a_function_of_our_own_process_is_for_us() -> None:
    def handler(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processor(handler).process(records(b"a"))


@pytest.mark.parametrize(
    "code", [LambdaCode.THROTTLED, LambdaCode.INVOKE_DENIED, LambdaCode.ROLE_DENIED, LambdaCode.NOT_FOUND]
)
def test_an_invocation_that_lambda_refuses_is_tried_again_and_has_its_own_code(code: LambdaCode) -> None:
    calls: list[int] = []

    def handler(*_: Any) -> None:
        calls.append(1)
        raise InvocationError(code, "refused")

    done = processor(handler, 2).process(records(b"a", b"b"))

    assert [(failure.code, failure.message, failure.attempts) for failure in done.failed] == [
        (code, code.message, 3)
    ] * 2
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("timeout_seconds", "seconds", "fate"),
    [
        pytest.param(None, 300.0, "ok", id="Firehose's five minutes"),
        pytest.param(None, 300.1, "Lambda.FunctionTimedOut", id="longer than Firehose's"),
        pytest.param(3, 3.0, "ok", id="its own timeout"),
        pytest.param(3, 3.1, "Lambda.FunctionTimedOut", id="longer than its own"),
        pytest.param(900, 300.1, "Lambda.FunctionTimedOut", id="longer than Firehose's, of its own fifteen minutes"),
    ],
)
def test_a_function_has_its_own_timeout_and_no_more_than_five_minutes(
    timeout_seconds: float | None, seconds: float, fate: str
) -> None:
    now_seconds = [1000.0]

    def handler(event: Any, _: Any) -> Any:
        now_seconds[0] += seconds
        return {"records": [answer(record, "Ok", b"ok") for record in event["records"]]}

    run = processor(handler, 1, timeout_seconds=timeout_seconds, clock_seconds=lambda: now_seconds[0])
    done = run.process(records(b"a"))

    assert fates(done) == {0: fate}
    assert round(now_seconds[0] - 1000, 1) == (seconds if fate == "ok" else 2 * seconds)


def test_a_timeout_is_the_functions_error_by_a_switch() -> None:
    handler = faulty_function(function(), read_faults(["timeout"]))
    behaviour = Behaviour(function_timeout=FunctionTimeout.FUNCTION_ERROR)

    assert fates(processor(handler, behaviour=behaviour).process(records(b"a"))) == {0: "Lambda.FunctionError"}


def test_an_exception_is_kept_once_a_place_with_a_count_and_what_lambda_logs_of_the_first() -> None:
    problems = FunctionProblems(with_logs=True)

    def handler(event: Any, _: Any) -> None:
        raise ValueError(f"at order {event['records'][0]['data']}")

    run = processor(handler, 1, problems=problems)
    run.process(records(b"7"))
    run.process(records(b"8"))

    (problem,) = problems
    assert (problem.count, problem.reason.rpartition(":")[0]) == (
        4,
        "the function raised ValueError at test_processor.py",
    )
    assert problem.log.startswith("[ERROR] ValueError: at order Nw==\nTraceback (most recent call last):\n")
    assert 'raise ValueError(f"at order' in problem.log
    assert "lambda_processor" not in problem.log
    assert str(problem).startswith(f"{problem.reason} (4 invocations)\n[ERROR] ValueError")


def test_of_our_own_functions_no_exceptions_text_is_kept() -> None:
    problems = FunctionProblems()

    def handler(*_: Any) -> None:
        raise ValueError("+15550100")

    processor(handler, problems=problems).process(records(b"a"))

    (problem,) = problems
    assert problem.log == ""
    assert "+15550100" not in str(problem)


def test_the_time_that_remains_is_the_functions_own_where_it_is_known() -> None:
    now_seconds = [1000.0]
    remaining: list[int] = []

    def handler(_: Any, context: Any) -> Any:
        for _ in range(3):
            remaining.append(context.get_remaining_time_in_millis())
            now_seconds[0] += 2
        return {}

    processor(handler, 0, timeout_seconds=3, clock_seconds=lambda: now_seconds[0]).process(records(b"a"))

    assert remaining == [3000, 1000, 0]


def counted(handler: Any, *batches: list[EventRecord], **more: Any) -> dict[str, tuple[int, float]]:
    """How often each metric was emitted, and the sum of its values; half a second passes whenever the time is asked."""
    metrics = Metrics()
    now_seconds = [0.0]

    def clock() -> float:
        now_seconds[0] += 0.5
        return now_seconds[0]

    run = processor(handler, metrics=metrics, clock_seconds=clock, **more)
    for batch in batches:
        run.process(batch)
    return {name: (statistics.samples, statistics.sum) for name, statistics in metrics.totals().items()}


def test_metrics_count_invocations_and_what_was_answered_ok_by_its_original_size() -> None:
    batch = records(order("x"), order("yy"), b'{"result": "Dropped"}', b"bad", b'{"result": "Ok"}')
    ok = [order("x"), order("yy")]

    assert counted(function(), batch[:4], batch[:2]) == {
        "ExecuteProcessing.Duration": (2, 1000.0),
        "ExecuteProcessing.Success": (2, 2),
        "SucceedProcessing.Bytes": (2, 2 * len(b"".join(ok))),
        "SucceedProcessing.Records": (2, 4),
    }


def test_an_invocation_that_fails_counts_as_none_that_succeeds() -> None:
    outcomes: list[Any] = [ValueError(), None, "not a reply"]

    def handler(event: Any, context: Any) -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or function()(event, context)

    assert counted(handler, records(order("x")), records(order("x"))) == {
        "ExecuteProcessing.Duration": (3, 1500.0),
        "ExecuteProcessing.Success": (3, 1),
        "SucceedProcessing.Bytes": (1, len(order("x"))),
        "SucceedProcessing.Records": (1, 1),
    }


def test_a_record_too_large_for_any_event_fails_without_a_call() -> None:
    huge = direct_put_record(b"x" * 5_000_000, number=1, arrival_ms=1)
    calls: list[int] = []

    done = processor(lambda *_: calls.append(1)).process([huge])

    assert fates(done) == {0: "Lambda.FunctionError"}
    assert ([failure.attempts for failure in done.failed], calls) == ([1], [])


@pytest.mark.parametrize(
    ("configured", "invoked"),
    [(FUNCTION_ARN, f"{FUNCTION_ARN}:$LATEST"), (f"{FUNCTION_ARN}:live", f"{FUNCTION_ARN}:live")],
)
def test_an_unqualified_function_is_invoked_as_its_latest_version(configured: str, invoked: str) -> None:
    assert LambdaSettings(configured, retries=3, buffer_bytes=1, buffer_seconds=0).invoked_arn == invoked
