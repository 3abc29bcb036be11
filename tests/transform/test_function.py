"""The function keeps the Firehose data transformation contract, and every record ends in exactly one outcome."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fates import FATES
from tests.given import Function, change, change_of, event, image, m, results, row_of, s, spaced
from tests.invented import gift, group, member, optional
from transform import reply
from transform.outcome import Delivered, Dropped, Failed, Outcome, Reason
from transform.parquet_mode import LIMIT, result
from transform.row import row_types


def test_one_bad_record_fails_alone() -> None:
    function = Function()

    answered = function(change(), change(fanId={"N": "1"}), change("sale"))

    assert results(answered) == ["Ok", "ProcessingFailed", "Ok"]


def test_each_function_delivers_its_own_type_and_drops_the_known_others() -> None:
    function = Function("sale", claims=False)

    answered = function(change("demand"), change("sale"), change("event"), change("notification"))

    assert results(answered) == ["Dropped", "Ok", "Dropped", "Dropped"]


def test_a_bad_record_of_another_type_is_dropped_by_its_type_alone() -> None:
    function = Function("sale", claims=True)

    answered = function(change("demand", fanId={"N": "1"}, date={"X": 1}))

    assert results(answered) == ["Dropped"]


def test_a_type_that_nobody_archives_is_dropped_and_counted_once_as_other() -> None:
    claiming, others = Function("sale", claims=True), Function("demand", claims=False)

    answered = [function(change_of(image("venue"))) for function in (claiming, others)]

    assert [results(reply) for reply in answered] == [["Dropped"], ["Dropped"]]
    assert [m["type"] for m in claiming.metrics() if "RecordsDropped" in m] == ["other"]
    assert [m for m in others.metrics() if "RecordsDropped" in m] == []


def test_a_row_is_partitioned_by_its_type_and_date() -> None:
    (result,) = Function()(change())["records"]

    assert result["metadata"] == {"partitionKeys": {"type": "demand", "date": "2025-01-01"}}


@pytest.fixture(scope="module")
def twins() -> tuple[Function, Function]:
    return Function("demand"), Function("demand")


@given(names=st.lists(st.sampled_from(sorted(FATES)), max_size=12))
def test_what_becomes_of_a_record_does_not_depend_on_those_beside_it(
    twins: tuple[Function, Function], names: list[str]
) -> None:
    together, alone = twins
    for function in twins:
        function.bucket.objects.clear()
    begun = event(*[FATES[name] for name in names])
    apart = [{**begun, "records": [each]} for each in begun["records"]]

    answered = together.reply(begun)["records"]

    assert answered == [result for one in apart for result in alone.reply(one)["records"]]
    assert documents_of(together) == documents_of(alone)


def documents_of(function: Function) -> list[Any]:
    return sorted(json.dumps(document, sort_keys=True) for document in function.bucket.documents())


@pytest.mark.parametrize(
    ("step", "member"),
    [
        ("decode", "transform.change.at_micros"),
        ("build", "transform.row.date"),
        ("enrich", "transform.enrich.is_expired"),
        ("encode", "transform.record.arrival_ms"),
    ],
)
def test_our_own_bug_in_any_step_costs_one_record(step: str, member: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = importlib.import_module(member.rpartition(".")[0])
    whole, calls = getattr(ours, member.rpartition(".")[2]), []

    def broken(value: Any) -> Any:
        calls.append(value)
        return 1 / 0 if len(calls) == 2 else whole(value)

    monkeypatch.setattr(member, broken)
    row_types.cache_clear()  # compiled with what was whole
    function = Function()
    row_types.cache_clear()
    sale = change("sale", saleStartDate=s("2025-01-03")) | {"userIdentity": {"principalId": "someone"}}

    answered = function(sale, sale, change("sale"), sale)

    assert results(answered) == ["Ok", "ProcessingFailed", "Ok", "Ok"], step
    assert [document["error"]["code"] for document in function.bucket.documents()] == ["bug"]


def test_our_own_bug_costs_one_record_and_is_logged_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> None:
        raise RuntimeError(f"secret {text}")

    function = Function()
    monkeypatch.setattr("transform.record.sequence_of", lambda _: broken("+15550100"))

    answered = function(change(), change_of(image("venue")))

    assert results(answered) == ["ProcessingFailed", "Dropped"]
    assert function.bucket.documents()[0]["error"]["code"] == "bug"
    assert "+15550100" not in function.printed
    (line,) = [line for line in function.logs() if line["message"] == "our own code failed"]
    assert (line["records"], line["correlation_id"]) == (1, "5f2cd0e0-0000-4000-8000-000000000000")


def test_ten_thousand_records_are_one_invocation() -> None:
    function = Function("sale")

    answered = function(*[change_of(image("demand"))] * 9_999, change("sale"))

    assert results(answered) == ["Dropped"] * 9_999 + ["Ok"]


def test_what_would_push_the_reply_past_six_megabytes_is_too_large() -> None:
    function = Function("sale")
    big = change("sale", name=s("n" * 900_000))

    answered = function(*[big] * 6, change("sale"), change_of(image("venue")))

    assert results(answered) == ["Ok"] * 5 + ["ProcessingFailed", "Ok", "Dropped"]
    (document,) = function.bucket.documents()
    assert (document["error"]["code"], document["type"]) == ("too_large", "sale")


def test_the_size_of_a_reply_is_known_without_serialising_it() -> None:
    ids = ["plain", 'quo"te', "é", "back\\slash", "\U0001f39f"]
    outcomes: list[Outcome] = [
        Delivered("QUJD", "demand", "2025-01-01", 0),
        Dropped(None),
        Failed(Reason.INVALID, "m"),
        Dropped("sale"),
        Delivered("", "event", "2025-01-01", 0),
    ]

    size = LIMIT.size_bytes(ids, outcomes)

    assert size == len(json.dumps({"records": list(map(result, ids, outcomes))}))


def test_a_reply_that_just_fits_is_kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ["a", "b"]
    rows: list[Outcome] = [Delivered("QUJD", "demand", "2025-01-01", 0)] * 2
    exactly = LIMIT.size_bytes(ids, rows)

    kept, cut = list(rows), list(rows)
    monkeypatch.setattr(reply, "LAMBDA_PAYLOAD_BYTES", exactly)
    LIMIT.keep_within_limit(ids, kept)
    monkeypatch.setattr(reply, "LAMBDA_PAYLOAD_BYTES", exactly - 1)
    LIMIT.keep_within_limit(ids, cut)

    assert kept == rows
    assert [type(outcome) for outcome in cut] == [Delivered, Failed]


def test_a_retry_of_the_same_batch_gives_the_same_bytes_and_the_same_objects() -> None:
    first, second = Function(), Function()
    invocation = event(change(), b"nope", change("event"), change(fanId=None))

    one = first.reply(invocation)
    two = second.reply(invocation | {"invocationId": "another"})

    assert one == two
    assert first.bucket.objects == second.bucket.objects


def test_several_differently_configured_functions_live_in_one_process() -> None:
    functions = [Function(name, claims=name == "demand") for name in ("demand", "event", "notification", "sale")]
    records = [change("demand"), change("event"), change("notification"), change("sale"), b"nope"]

    answered = [results(function(*records)) for function in functions]

    assert [sum(result == "Ok" for result in one) for one in answered] == [1, 1, 1, 1]
    assert [sum(result == "ProcessingFailed" for result in one) for one in answered] == [1, 0, 0, 0]


def test_a_record_that_did_not_come_from_kinesis_has_no_sequence() -> None:
    invocation = event(change())
    del invocation["records"][0]["kinesisRecordMetadata"]

    (result,) = Function().reply(invocation)["records"]

    assert row_of(result)["change"]["sequence"] is None


def test_a_bad_record_of_its_own_type_fails_in_a_function_that_does_not_claim() -> None:
    answered = Function("sale", claims=False)(change("sale", id=None), spaced(change("sale", id=None)))

    assert results(answered) == ["ProcessingFailed"] * 2


def test_the_type_is_the_images_own_and_not_the_first_that_is_called_so() -> None:
    nested_first = change_of({"nested": m(type=s("sale"))} | image("demand"))
    decoy = change_of(image("sale"), awsRegion={"type": {"S": "demand"}})
    disguised = change_of(image("demand", type=s("venue")), awsRegion={"type": {"S": "demand"}})

    answered = [results(Function(name, claims=False)(nested_first, decoy, disguised)) for name in ("demand", "sale")]

    assert answered == [["Ok", "Dropped", "Dropped"], ["Dropped", "Ok", "Dropped"]]


def test_the_name_of_the_change_is_its_own_and_not_the_first_that_is_called_so() -> None:
    inserted = change_of(image("sale"), awsRegion={"eventName": "REMOVE"})
    inserted["dynamodb"]["OldImage"] = image("sale", id=s("old"))

    (result,) = Function()(inserted)["records"]

    assert (row_of(result)["id"], row_of(result)["isdeleted"]) == ("s1", False)


def test_the_records_of_an_aggregate_differ_in_their_subsequence_number() -> None:
    invocation = event(change("sale"))
    invocation["records"][0]["kinesisRecordMetadata"]["subsequenceNumber"] = 17

    (result,) = Function().reply(invocation)["records"]

    assert row_of(result)["change"]["sequence"].endswith("785154000000000017")


def test_a_system_user_of_any_length_costs_no_more_than_its_length() -> None:
    users = ["x" * 300_000, "x-" + "y" * 300_000, "x-y" * 100_000]

    answered = Function()(*[change(systemUserId=s(user)) for user in users])

    assert results(answered) == ["Ok"] * 3


@pytest.mark.parametrize(
    ("text", "result"), [("-1.5e3", "Ok"), ("1e400", "ProcessingFailed"), ("1.", "ProcessingFailed")]
)
def test_a_double_is_a_number_within_its_range(tmp_path: Path, text: str, result: str) -> None:
    (tmp_path / "gift.avsc").write_text(json.dumps(gift(member("amount", optional("double")))))
    present = {"type": s("gift"), "id": s("g1"), "madeAt": s("2025-02-03T04:05:06Z"), "amount": {"N": text}}

    answered = Function("gift", schemas=tmp_path)(change_of(present))

    assert results(answered) == [result]


@pytest.mark.parametrize("name", ["date", "timestamp", "R_gift", "None", "class", "enumerate", "_refuse", "gift_"])
def test_a_schema_may_call_its_records_and_fields_what_it_likes(tmp_path: Path, name: str) -> None:
    inner = group(name, member("class", optional("string")), member("from", optional("string")))
    (tmp_path / "gift.avsc").write_text(json.dumps(gift(member("inner", optional(inner)))))
    function = Function("gift", schemas=tmp_path)
    present = {"type": s("gift"), "id": s("g1"), "madeAt": s("2025-02-03T04:05:06Z")}

    archived = function.row(change_of(present | {"inner": m(**{"class": s("c"), "from": s("f")})}))

    assert archived["inner"] == {"class": "c", "from": "f"}
