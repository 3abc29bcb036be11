"""What becomes of every kind of reply: by code, scope and number of attempts (facts of the outcome matrix)."""

import base64
import json
from collections import UserDict, namedtuple
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.behaviour import Behaviour, DuplicateIds, NoRecords, OkWithoutData, UnreadableReply
from firehose.local.processors.invocation import LAMBDA_PAYLOAD_BYTES, LambdaCode
from tests.firehose_streams import answer, function, order, records
from tests.processors import fates, processor, tried


@pytest.mark.parametrize(
    ("each", "code"),
    [
        pytest.param(lambda _: [], "Lambda.MissingRecordId", id="missing"),
        pytest.param(lambda record: [answer(record, "Ok"), answer(record, "Ok")], "Lambda.DuplicatedRecordId", id="2x"),
        pytest.param(lambda _: [answer({"recordId": "x"}, "Ok")], "Lambda.MissingRecordId", id="unknown id"),
        pytest.param(lambda _: [{"recordId": []}, {}], "Lambda.MissingRecordId", id="ids that are none"),
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
def test_a_wrong_answer_fails_its_record_alone_at_the_first_attempt(each: Callable[[Any], Any], code: str) -> None:
    assert tried(each) == ({0: "ok", 1: code, 2: "ok"}, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"result": "Ok", "data": "not base64"},
        {"result": "Ok", "data": "YWJj\n"},
        {"result": "Ok", "data": 1},
        {"result": "Dropped", "data": "not base64"},
        {"result": "ProcessingFailed", "data": "not base64"},
        {"result": "OK", "data": ""},
        {"result": ["Ok"], "data": ""},
        {"data": ""},
    ],
)
def test_bad_base64_or_an_unknown_result_fails_the_whole_batch_after_all_attempts(wrong: dict[str, Any]) -> None:
    told = tried(lambda record: [{"recordId": record["recordId"], **wrong}], retries=2)

    assert told == (dict.fromkeys(range(3), "Lambda.FunctionError"), 3)


@pytest.mark.parametrize("data", [None, "absent", ""])
@pytest.mark.parametrize(
    ("result", "fate"), [("Dropped", "Dropped"), ("ProcessingFailed", "Lambda.ProcessingFailedStatus")]
)
def test_only_ok_needs_data(result: str, fate: str, data: str | None) -> None:
    given = {} if data == "absent" else {"data": data}

    told = tried(lambda record: [{"recordId": record["recordId"], "result": result, **given}])

    assert told == ({0: "ok", 1: fate, 2: "ok"}, 1)


def test_a_record_that_the_function_fails_has_firehoses_own_message() -> None:
    done = processor(function(lambda record: answer(record, "ProcessingFailed"))).process(records(b"a"))

    assert [failure.message for failure in done.failed] == ["ProcessingFailed status set for record"]


BATCH_DUPLICATES = Behaviour(duplicate_ids=DuplicateIds.BATCH)
BATCH_WITHOUT_DATA = Behaviour(ok_without_data=OkWithoutData.BATCH)


@pytest.mark.parametrize(
    ("behaviour", "each", "code", "attempts"),
    [
        pytest.param(
            BATCH_DUPLICATES,
            lambda record: [answer(record, "Ok"), answer(record, "Ok")],
            "Lambda.DuplicatedRecordId",
            1,
            id="an id twice",
        ),
        pytest.param(
            BATCH_WITHOUT_DATA,
            lambda record: [{"recordId": record["recordId"], "result": "Ok"}],
            "Lambda.FunctionError",
            4,
            id="Ok bare",
        ),
    ],
)
def test_what_fails_a_record_fails_its_batch_by_a_switch(
    behaviour: Behaviour, each: Callable[[Any], Any], code: str, attempts: int
) -> None:
    assert tried(each, behaviour=behaviour) == (dict.fromkeys(range(3), code), attempts)


def answered(reply: Any, **more: Any) -> tuple[dict[int, str], int]:
    """What becomes of two records whose batch has this reply, and in how many attempts."""
    attempts: list[int] = []

    def handler(*_: Any) -> Any:
        attempts.append(1)
        return reply

    done = processor(handler, 1, **more).process(records(b"a", b"b"))
    assert {failure.attempts for failure in done.failed} == {len(attempts)}
    return fates(done), len(attempts)


@pytest.mark.parametrize("reply", [{}, None, {"records": None}, {"records": []}, {"record": [1]}])
def test_a_reply_without_records_misses_every_record_at_the_first_attempt(reply: Any) -> None:
    assert answered(reply) == ({0: "Lambda.MissingRecordId", 1: "Lambda.MissingRecordId"}, 1)


def test_a_reply_without_records_is_the_functions_failure_by_a_switch() -> None:
    told = answered({}, behaviour=Behaviour(no_records=NoRecords.FUNCTION_ERROR))

    assert told == ({0: "Lambda.FunctionError", 1: "Lambda.FunctionError"}, 2)


UNREADABLE = [[], [1], "x", 1, {"records": {}}, {"records": "x"}, {"records": ["x"]}, {"records": [None]}]


@pytest.mark.parametrize("reply", UNREADABLE)
def test_a_reply_of_another_form_cannot_be_parsed_and_is_final(reply: Any) -> None:
    assert answered(reply) == ({0: "Lambda.JsonProcessingException", 1: "Lambda.JsonProcessingException"}, 1)


@pytest.mark.parametrize("reply", UNREADABLE)
def test_a_reply_of_another_form_is_the_functions_failure_by_a_switch(reply: Any) -> None:
    told = answered(reply, behaviour=Behaviour(unreadable_reply=UnreadableReply.FUNCTION_ERROR))

    assert told == ({0: "Lambda.FunctionError", 1: "Lambda.FunctionError"}, 2)


@pytest.mark.parametrize("of_records", [True, False], ids=["its records", "the reply"])
def test_a_generator_is_no_reply(of_records: bool) -> None:
    def handler(event: Any, _: Any) -> Any:
        answers = (answer(record, "Dropped") for record in event["records"])
        return {"records": answers} if of_records else answers

    done = processor(handler, 1).process(records(b"a", b"b"))

    assert fates(done) == {0: "Lambda.FunctionError", 1: "Lambda.FunctionError"}
    assert {failure.attempts for failure in done.failed} == {2}


def test_answers_in_another_order_reach_their_own_records() -> None:
    batch = records(b"0", b"1", b"2")

    done = processor(
        lambda event, _: {"records": [answer(r, "Ok", r["recordId"].encode()) for r in event["records"][::-1]]}
    ).process(batch)

    assert [(index, data.decode()) for index, data, _ in done.ok] == [
        (index, record["recordId"]) for index, record in enumerate(batch)
    ]


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
    assert [failure.attempts for failure in done.failed] == [2]


@pytest.mark.parametrize(("spare", "code"), [(0, "Ok"), (-1, "Lambda.FunctionError")])
def test_a_reply_may_be_six_mebibytes_and_no_more(spare: int, code: str) -> None:
    (record,) = records(b"a")
    empty = len(json.dumps({"records": [{**answer(record, "Dropped"), "debug": ""}]}))
    padding = "x" * (LAMBDA_PAYLOAD_BYTES - empty - spare)

    done = processor(
        lambda event, _: {"records": [{**answer(record, "Dropped"), "debug": padding} for record in event["records"]]}
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
        pytest.param(keyed({"x"}), id="a set in keys"),
        pytest.param({"data": b"\xff"}, id="bytes that are no text"),
        pytest.param({"metadata": {"partitionKeys": UserDict(type="x")}}, id="keys that only look like a dict"),
        pytest.param({"data": "é" * (LAMBDA_PAYLOAD_BYTES // 5)}, id="text over 6 MB as it is written"),
    ],
)
@pytest.mark.parametrize("result", ["Ok", "Dropped"])
def test_a_reply_that_lambda_cannot_send_fails_the_whole_batch(result: str, more: dict[str, Any]) -> None:
    told = tried(lambda record: [{**answer(record, result, b"x"), **more}], retries=1)

    assert told == (dict.fromkeys(range(3), "Lambda.FunctionError"), 2)


Answer = namedtuple("Answer", ["recordId", "result", "data"])


@pytest.mark.parametrize(
    ("each", "fate"),
    [
        pytest.param(lambda r: {**answer(r, "Ok"), "data": base64.b64encode(b"made")}, "made", id="bytes as data"),
        pytest.param(lambda r: Answer(r["recordId"], "Ok", b"bWFkZQ=="), "made", id="a namedtuple"),
        pytest.param(lambda r: {**answer(r, "Ok", b"made"), "debug": [b"", (b"x",)]}, "made", id="bytes anywhere"),
        pytest.param(lambda r: {b"recordId": r["recordId"], b"result": b"Dropped"}, "Dropped", id="bytes as names"),
        pytest.param(lambda r: {**answer(r, "Ok", b"made"), **keyed(b"x")}, "made", id="bytes in keys"),
    ],
)
def test_a_reply_is_serialised_as_lambdas_python_runtime_does(each: Callable[[Any], Any], fate: str) -> None:
    assert tried(lambda record: [each(record)]) == ({0: "ok", 1: fate, 2: "ok"}, 1)


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), Decimal("nan")])
@pytest.mark.parametrize(
    ("choice", "code", "attempts"),
    [
        (UnreadableReply.JSON_PROCESSING_EXCEPTION, "Lambda.JsonProcessingException", 1),
        (UnreadableReply.FUNCTION_ERROR, "Lambda.FunctionError", 4),
    ],
)
def test_nan_makes_a_reply_that_cannot_be_parsed(
    value: object, choice: UnreadableReply, code: str, attempts: int
) -> None:
    told = tried(
        lambda record: [{**answer(record, "Ok", b"x"), "debug": value}], behaviour=Behaviour(nan_in_reply=choice)
    )

    assert told == (dict.fromkeys(range(3), code), attempts)


def test_an_id_with_half_a_surrogate_pair_fails_its_record_alone() -> None:
    told = tried(lambda record: [{**answer(record, "Ok", b"x"), "recordId": record["recordId"] + "\ud800"}])

    assert told == ({0: "ok", 1: "Lambda.MissingRecordId", 2: "ok"}, 1)


@pytest.mark.parametrize("code", LambdaCode)
def test_each_code_has_a_fixed_message(code: LambdaCode) -> None:
    assert code.message


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
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


BEHAVIOURS = st.builds(
    Behaviour,
    duplicate_ids=st.sampled_from(DuplicateIds),
    ok_without_data=st.sampled_from(OkWithoutData),
    no_records=st.sampled_from(NoRecords),
    unreadable_reply=st.sampled_from(UnreadableReply),
    nan_in_reply=st.sampled_from(UnreadableReply),
)


@given(st.data(), BEHAVIOURS)
def test_whatever_the_reply_every_record_has_exactly_one_fate(data: st.DataObject, behaviour: Behaviour) -> None:
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

    done = processor(lambda *_: reply, 0, behaviour=behaviour).process(batch)

    found = [index for index, _, _ in done.ok] + done.dropped + [failure.index for failure in done.failed]
    assert sorted(found) == [0, 1, 2]


def ready(*answers: Any, before: str = "") -> bytes:
    return (before + json.dumps({"records": answers}, indent=1)).encode()


def test_a_reply_of_bytes_is_passed_on_as_the_json_that_it_is() -> None:
    done = processor(
        lambda event, _: ready(*(answer(record, "Ok", b"made") for record in event["records"]), before="\n")
    ).process(records(b"a", b"b"))

    assert [data for _, data, _ in done.ok] == [b"made", b"made"]


@pytest.mark.parametrize(
    "reply", [b"", b"no JSON", b'{"records": [', b"\xff", ready(before=" " * LAMBDA_PAYLOAD_BYTES)]
)
def test_a_reply_of_bytes_that_are_no_json_or_too_many_fails_the_batch(reply: bytes) -> None:
    done = processor(lambda _event, _context: reply).process(records(b"a"))

    assert fates(done) == {0: "Lambda.FunctionError"}
