"""A record that cannot be read fails alone, in the one function that claims such records."""

import json
from typing import Any

import pytest

from tests.given import Function, change, change_of, event, image, payload, results, s

UNREADABLE: dict[str, list[Any]] = {
    "not_json": [
        b"",
        b"nope",
        b"<xml>",
        b'{"a":1} x',
        b'{"eventName":"INSERT","x":"\xff"}',
        b'\xef\xbb\xbf{"eventName":"INSERT"}',
        b'{"eventName":"INSERT","dynamodb":{"a":NaN}}',
        json.dumps(change()).encode()[:-1],
        json.dumps(change()).encode("utf-16"),
        b"[" * 100_000,
        json.dumps(change()).encode() + json.dumps(change()).encode(),
    ],
    "not_a_change": [
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        change_of(image("demand"), eventName="UPSERT"),
        change_of(image("demand"), eventName="foo at `$.bar"),
        change_of(image("demand"), eventName=...),
        change_of(image("demand"), eventID=7),
        change_of(image("demand"), eventID=None),
        change_of(image("demand"), dynamodb=None),
        change_of(image("demand"), dynamodb=...),
        change_of(image("demand"), dynamodb={"NewImage": image("demand")}),
        *(
            change_of(image("demand"), dynamodb={"NewImage": image("demand"), "ApproximateCreationDateTime": time})
            for time in (
                None,
                "1735725600000",
                1735725600000.0,
                True,
                -1,
                0,
                10**12 - 1,
                10**13,
                7_258_118_400_000_000,
                10**17,
                10**40,
            )
        ),
    ],
    "no_image": [
        change_of(image("demand"), dynamodb={"ApproximateCreationDateTime": 10**12}),
        change_of(None),
        change_of("text"),
        change_of([]),
        change_of(image("demand"), name="INSERT", eventName="REMOVE"),
    ],
    "no_type": [
        change_of({}),
        change_of({"type": s("")}),
        change_of({"type": {"N": "1"}}),
        change_of({"type": {"S": "demand", "N": "1"}}),
        change_of({"type": "demand"}),
        change_of({"type": {"NULL": True}}),
    ],
}


@pytest.mark.parametrize(
    ("code", "record"),
    [
        pytest.param(code, record, id=f"{code} {n}")
        for code, all_ in UNREADABLE.items()
        for n, record in enumerate(all_)
    ],
)
def test_a_record_with_no_readable_type_fails_only_where_it_is_claimed(code: str, record: object) -> None:
    claiming, others = Function("sale", claims=True), Function("demand", claims=False)

    document = claiming.failure(record)
    answered = others(record)

    assert document["error"]["code"] == code
    assert results(answered) == ["Dropped"]
    assert others.bucket.objects == {}


def test_the_questions_are_asked_in_the_same_order_in_every_function() -> None:
    broken_to_the_end = json.dumps(change("sale")).encode() + b"}"
    bad_change_and_image = change_of({"type": {"N": "1"}}, eventName="UPSERT")

    codes = [Function("sale").failure(record)["error"]["code"] for record in (broken_to_the_end, bad_change_and_image)]

    assert codes == ["not_json", "not_a_change"]


@pytest.mark.parametrize("data", ["%%%", "YQ", "YQ==YQ=="])
def test_data_that_is_not_base64_is_not_json(data: str) -> None:
    invocation = event(change())
    invocation["records"][0]["data"] = data
    function = Function()

    answered = function.reply(invocation)

    assert results(answered) == ["ProcessingFailed"]
    assert function.bucket.documents()[0]["error"]["code"] == "not_json"


def test_bytes_that_are_not_utf8_in_an_attribute_nobody_names_are_not_json() -> None:
    broken = payload(change("sale", other=s("@@"))).replace(b"@@", b"\xc3\x28")

    assert Function().failure(broken)["error"]["code"] == "not_json"


def test_what_nests_too_deep_beside_a_sound_image_is_not_json() -> None:
    deep = payload(change("sale", other=s("@@"))).replace(b'"@@"', b"[" * 50_000 + b"]" * 50_000)

    assert Function().failure(deep)["error"]["code"] == "not_json"


@pytest.mark.parametrize("arrival", [None, "2025-01-01T10:00:00Z"])
def test_an_arrival_that_cannot_be_read_costs_one_record(arrival: Any) -> None:
    invocation = event(change(), change())
    invocation["records"][0]["approximateArrivalTimestamp"] = arrival

    assert results(Function().reply(invocation)) == ["ProcessingFailed", "Ok"]


def test_data_that_is_null_costs_one_record() -> None:
    invocation = event(change(), change())
    invocation["records"][0]["data"] = None

    assert results(Function().reply(invocation)) == ["ProcessingFailed", "Ok"]
