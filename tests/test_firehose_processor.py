"""The Lambda processor: batches, the event, attempts, and what becomes of every kind of reply."""

import json
import logging
import sys
from collections import UserDict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.function_reply import LAMBDA_PAYLOAD_BYTES, Processed
from firehose.processor import Batcher, Processor
from firehose.source import EventRecord, event_record
from firehose.stream.processing import LambdaSettings
from tests.firehose_streams import FUNCTION_ARN, STREAM_ARN, answer, function, order, records

STREAM = "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders"
LOGGER = logging.getLogger("tests.processor")


def processor(handler: Any, retries: int = 3, **more: Any) -> Processor:
    settings = LambdaSettings(FUNCTION_ARN, retries, 1024 * 1024, 60)
    return Processor(handler, settings, stream_arn=STREAM_ARN, delivery_stream_arn=STREAM, region="us-east-1", **more)


def fates(done: Processed) -> dict[int, str]:
    told = dict.fromkeys(done.dropped, "Dropped") | {index: data.decode() for index, data, _ in done.ok}
    told |= {failure.index: failure.code for failure in done.failed}
    assert len(told) == len(done.ok) + len(done.dropped) + len(done.failed), "a record has two fates"
    return dict(sorted(told.items()))


def processed(each: Callable[[Any], Any], count: int = 3) -> dict[int, str]:
    """What becomes of `count` records when record 1 is answered by `each` and the others by Ok with data `ok`."""
    batch = records(*[b"%d" % number for number in range(count)])

    def handler(event: Any, _: Any) -> Any:
        found = [[answer(record, "Ok", b"ok")] for record in event["records"]]
        found[1] = each(event["records"][1])
        return {"records": [one for ones in found for one in ones]}

    return fates(processor(handler).process(batch))


def test_the_event_is_that_of_a_kinesis_sourced_stream() -> None:
    batch = records(b"a")
    events: list[Any] = []

    processor(lambda event, _: events.append(event)).process(batch)

    invocation = events[0].pop("invocationId")
    assert len(invocation) == 36
    assert events[0] == {
        "sourceKinesisStreamArn": STREAM_ARN,
        "deliveryStreamArn": STREAM,
        "region": "us-east-1",
        "records": batch,
    }


def test_the_context_has_what_powertools_asks_for() -> None:
    contexts: list[Any] = []

    processor(lambda event, context: contexts.append((event, context))).process(records(b"a"))

    event, context = contexts[0]
    assert context.aws_request_id == event["invocationId"]
    assert (context.function_name, context.invoked_function_arn) == ("transform", FUNCTION_ARN)
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


@pytest.mark.parametrize(
    ("each", "code"),
    [
        pytest.param(lambda _: [], "Lambda.MissingRecordId", id="missing"),
        pytest.param(lambda record: [answer(record, "Ok"), answer(record, "Ok")], "Lambda.DuplicatedRecordId", id="2x"),
        pytest.param(lambda _: [answer({"recordId": "x"}, "Ok")], "Lambda.MissingRecordId", id="unknown id"),
        pytest.param(lambda _: ["text", None, 1, {"recordId": []}], "Lambda.MissingRecordId", id="no answers"),
        pytest.param(
            lambda record: [{"recordId": record["recordId"], "result": "Ok", "data": None}],
            "Lambda.InvalidReturnFormat",
            id="Ok with null",
        ),
        pytest.param(
            lambda record: [{"recordId": record["recordId"], "result": "Ok"}],
            "Lambda.InvalidReturnFormat",
            id="Ok bare",
        ),
    ],
)
def test_a_wrong_answer_fails_its_record_alone(each: Callable[[Any], Any], code: str) -> None:
    assert processed(each) == {0: "ok", 1: code, 2: "ok"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"result": "Ok", "data": "not base64"},
        {"result": "Ok", "data": "YWJj\n"},
        {"result": "Ok", "data": 1},
        {"result": "OK", "data": ""},
        {"result": ["Ok"], "data": ""},
        {"data": ""},
    ],
)
def test_bad_base64_or_an_unknown_result_fails_the_whole_batch(wrong: dict[str, Any]) -> None:
    told = processed(lambda record: [{"recordId": record["recordId"], **wrong}])

    assert told == dict.fromkeys(range(3), "Lambda.FunctionError")


@pytest.mark.parametrize("reply", [{}, None, [], "x", {"records": None}, {"records": {}}])
def test_a_reply_without_records_misses_every_record_and_is_not_retried(reply: Any) -> None:
    replies = [reply]

    done = processor(lambda *_: replies.pop()).process(records(b"a", b"b"))

    assert fates(done) == {0: "Lambda.MissingRecordId", 1: "Lambda.MissingRecordId"}


def test_answers_in_another_order_reach_their_own_records() -> None:
    batch = records(b"0", b"1", b"2")

    done = processor(
        lambda event, _: {"records": [answer(r, "Ok", r["recordId"].encode()) for r in event["records"][::-1]]}
    ).process(batch)

    assert [(index, data.decode()) for index, data, _ in done.ok] == [
        (index, record["recordId"]) for index, record in enumerate(batch)
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
        (attempts, "the function raised ValueError")
    }


def test_an_attempt_that_succeeds_ends_the_trying() -> None:
    outcomes = [RuntimeError(), SystemExit(1), None]

    def handler(event: Any, context: Any) -> Any:
        outcome = outcomes.pop(0)
        if outcome:
            raise outcome
        return function()(event, context)

    assert fates(processor(handler).process(records(order("x")))) == {0: '{"id": "x"}\n'}


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


def test_a_reply_that_is_retried_leaves_nothing_behind() -> None:
    attempts: list[int] = []

    def handler(event: Any, _: Any) -> Any:
        attempts.append(1)
        dropped, ok, failed, last = event["records"]
        end = answer(last, "Odd" if len(attempts) == 1 else "Dropped")
        return {
            "records": [answer(dropped, "Dropped"), answer(ok, "Ok", b"ok"), answer(failed, "ProcessingFailed"), end]
        }

    done = processor(handler).process(records(b"0", b"1", b"2", b"3"))

    assert fates(done) == {0: "Dropped", 1: "ok", 2: "Lambda.ProcessingFailedStatus", 3: "Dropped"}
    assert (len(attempts), len(done.dropped)) == (2, 2)


@pytest.mark.parametrize(("seconds", "code"), [(300.0, "ok"), (300.1, "Lambda.FunctionError")])
def test_a_function_has_five_minutes(seconds: float, code: str) -> None:
    now_seconds = [0.0]

    def handler(event: Any, _: Any) -> Any:
        now_seconds[0] += seconds
        return {"records": [answer(record, "Ok", b"ok") for record in event["records"]]}

    done = processor(handler, 1, clock_seconds=lambda: now_seconds[0]).process(records(b"a"))

    assert fates(done) == {0: code}
    assert now_seconds == [seconds if code == "ok" else 2 * seconds]


def test_what_a_function_prints_and_logs_is_captured(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.StreamHandler(sys.stdout)
    LOGGER.addHandler(before)

    def handler(event: Any, context: Any) -> Any:
        print("printed")  # noqa: T201
        LOGGER.error("logged")
        return function()(event, context)

    done = processor(handler).process(records(b"a"))
    LOGGER.error("ours")
    LOGGER.removeHandler(before)

    assert done.printed == "printed\nlogged\n"
    assert capsys.readouterr().out == "ours\n"


def test_a_handler_that_a_function_makes_writes_to_our_output_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    made: list[logging.Handler] = []

    def handler(event: Any, context: Any) -> Any:
        made.append(logging.StreamHandler(sys.stdout))
        LOGGER.addHandler(made[0])
        LOGGER.error("inside")
        return function()(event, context)

    done = processor(handler).process(records(b"a"))
    LOGGER.error("afterwards")
    LOGGER.removeHandler(made[0])

    assert done.printed == "inside\n"
    assert capsys.readouterr().out == "afterwards\n"


def test_what_each_attempt_printed_is_kept() -> None:
    def handler(*_: Any) -> None:
        print("tried")  # noqa: T201
        raise ValueError

    assert processor(handler, 1).process(records(b"a")).printed == "tried\ntried\n"


@pytest.mark.parametrize(("spare", "code"), [(0, "Ok"), (-1, "Lambda.FunctionError")])
def test_a_reply_may_be_six_mebibytes_and_no_more(spare: int, code: str) -> None:
    (record,) = records(b"a")
    empty = len(json.dumps({"records": [answer(record, "Dropped")]}))
    padding = "x" * (LAMBDA_PAYLOAD_BYTES - empty - spare)

    done = processor(
        lambda event, _: {"records": [{**answer(record, "Dropped"), "data": padding} for record in event["records"]]}
    ).process([record])

    assert (done.dropped == [0]) == (code == "Ok")
    assert [failure.code for failure in done.failed] == ([] if code == "Ok" else [code])


HUGE = "x" * (LAMBDA_PAYLOAD_BYTES + 1)


def keyed(value: Any) -> dict[str, Any]:
    return {"metadata": {"partitionKeys": {"type": value}}}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"debug": HUGE}, id="an extra member over 6 MB"),
        pytest.param(keyed(HUGE), id="a key over 6 MB"),
        pytest.param(keyed("é" * (LAMBDA_PAYLOAD_BYTES // 4)), id="a key over 6 MB as it is written"),
        pytest.param({"metadata": {"partitionKeys": {}, "x": HUGE}}, id="metadata over 6 MB"),
        pytest.param({"debug": b""}, id="bytes"),
        pytest.param(keyed(b"x"), id="bytes in keys"),
        pytest.param(keyed({"x"}), id="a set in keys"),
        pytest.param({"metadata": {"partitionKeys": UserDict(type="x")}}, id="keys that only look like a dict"),
        pytest.param({**keyed("x"), "debug": b""}, id="bytes beside keys"),
        pytest.param({"data": "é" * (LAMBDA_PAYLOAD_BYTES // 5)}, id="text over 6 MB as it is written"),
        pytest.param({"debug": float("nan")}, id="NaN"),
        pytest.param({"debug": Decimal("nan")}, id="a Decimal that is none"),
        pytest.param({"data": b"YQ=="}, id="bytes as data"),
    ],
)
@pytest.mark.parametrize("result", ["Ok", "Dropped"])
def test_a_reply_that_lambda_cannot_send_fails_the_whole_batch(result: str, more: dict[str, Any]) -> None:
    told = processed(lambda record: [{**answer(record, result, b"x"), **more}])

    assert told == dict.fromkeys(range(3), "Lambda.FunctionError")


@pytest.mark.parametrize("more", [{"debug": HUGE}, {"debug": {1}}])
def test_a_member_beside_the_records_counts_too(more: dict[str, Any]) -> None:
    done = processor(lambda event, context: {**function()(event, context), **more}).process(records(order("x")))

    assert fates(done) == {0: "Lambda.FunctionError"}


def test_a_reply_is_read_as_it_comes_out_of_lambda() -> None:
    batch = records(b"0", b"1")

    done = processor(
        lambda event, _: {
            "records": tuple({**answer(r, "Ok", b"ok"), **keyed(Decimal("1.5"))} for r in event["records"])
        }
    ).process(batch)

    assert done.ok == [(0, b"ok", {"type": 1.5}), (1, b"ok", {"type": 1.5})]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_whatever_the_reply_every_record_has_exactly_one_fate(data: st.DataObject) -> None:
    batch = records(b"0", b"1", b"2")
    answers = st.fixed_dictionaries(
        {},
        optional={
            "recordId": st.sampled_from([record["recordId"] for record in batch]) | JSON,
            "result": st.sampled_from(["Ok", "Dropped", "ProcessingFailed"]) | JSON,
            "data": st.sampled_from(["", "YWJj"]) | JSON,
            "metadata": JSON,
        },
    )
    reply = data.draw(JSON | st.fixed_dictionaries({"records": st.lists(answers | JSON, max_size=5)}))

    done = processor(lambda *_: reply, 0).process(batch)

    found = [index for index, _, _ in done.ok] + done.dropped + [failure.index for failure in done.failed]
    assert sorted(found) == [0, 1, 2]


def batches(batcher: Batcher, made: list[EventRecord]) -> list[list[EventRecord]]:
    return [full for record in made if (full := batcher.add(record))] + [batcher.take()]


def test_batches_hold_the_buffer_size_of_raw_bytes() -> None:
    made = batches(Batcher(100), records(*[b"x" * 30] * 7))

    assert [len(batch) for batch in made] == [3, 3, 1]


def test_a_record_larger_than_the_buffer_goes_alone() -> None:
    made = batches(Batcher(100), records(b"x", b"x" * 300, b"x"))

    assert [len(batch) for batch in made] == [1, 1, 1]


def test_a_batch_whose_event_would_pass_six_mebibytes_is_split() -> None:
    made = batches(Batcher(3 * 1024 * 1024), records(*[b"x" * 200] * 9_000))

    assert len(made) == 2
    for batch in made:
        assert len(json.dumps({"records": batch}, separators=(",", ":"))) < LAMBDA_PAYLOAD_BYTES - 512


def test_a_batch_has_at_most_ten_thousand_records() -> None:
    tiny = event_record(b"", shard_id="shardId-000000000000", partition_key="k", sequence_number="49", arrival_ms=1)

    assert [len(batch) for batch in batches(Batcher(3 * 1024 * 1024), [tiny] * 10_001)] == [10_000, 1]


def test_a_record_too_large_for_any_event_fails_without_a_call() -> None:
    huge = event_record(
        b"x" * 5_000_000, shard_id="shardId-000000000000", partition_key="k", sequence_number="49", arrival_ms=1
    )

    def handler(*_: Any) -> None:
        raise AssertionError

    assert fates(processor(handler).process([huge])) == {0: "Lambda.FunctionError"}
