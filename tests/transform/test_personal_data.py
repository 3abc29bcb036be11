"""Personal data is in the rows of living records and in the originals of failed ones, and nowhere else."""

import base64
import hashlib
import json
from typing import Any

import pytest

from tests.given import Function, change, change_of, event, image, m, payload, s

MARK = "MARK-5550100"
PERSONAL = {"phoneNumber": s(f"{MARK}1"), "email": s(f"{MARK}2"), "messageBody": s(f"{MARK}3")}
TYPES = ["demand", "notification", "sale", "event"]

# Every kind of fault, on an image that holds personal data in every place.
FAULTS: dict[str, Any] = {
    "wrong tag": {"eventId": {"N": MARK}, "id": {"N": MARK}},
    "two tags": {"eventId": {"S": MARK, "N": MARK}, "id": {"S": MARK, "N": MARK}},
    "unknown tag": {"eventId": {MARK: MARK}, "id": {MARK: MARK}},
    "bare value": {"eventId": MARK, "id": MARK},
    "missing": {"eventId": None, "id": None},
    "enum": {"contactMethod": s(MARK), "statusId": s(MARK), "isSuppressed": s(MARK), "saleEndDateTime": s(MARK)},
    "unreadable time": {
        "requestedDateTime": s(MARK),
        "date": m(created=s(MARK), requested=s(MARK), firstSeen=s(MARK), deleted=s(MARK)),
    },
    "text that looks like a path": {
        "eventId": {"S": f"x at `$.{MARK}", f"y at `$.saleTypes.L.{MARK}": "v"},
        "id": {f"y at `$.saleTypes.L.{MARK}": "v"},
        "contactMethod": s(f"foo at `$.{MARK}"),
    },
    "bad map key": {
        "attractions": {"L": [m(externalLinks={"M": {MARK: {"L": []}, MARK.lower(): {"L": []}}})]},
        "eventId": {"L": [s(MARK)]},
        "id": {"M": {MARK: s(MARK)}},
    },
    "personal field of the wrong tag": {name: {"N": MARK} for name in PERSONAL} | {"id": {"N": MARK}},
}


def faulty(record_type: str, fault: str, name: str) -> dict[str, Any]:
    return change_of(image(record_type, **(PERSONAL | FAULTS[fault])), name)


@pytest.mark.parametrize("record_type", TYPES)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_value_of_a_failed_record_is_logged_measured_or_put_in_a_message(record_type: str, fault: str) -> None:
    function = Function()

    document = function.failure(faulty(record_type, fault, "MODIFY"))

    assert MARK.lower() not in function.printed.lower()
    assert MARK.lower() not in json.dumps(document["error"]).lower()
    assert MARK in document["events"][0]


@pytest.mark.parametrize("record_type", TYPES)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_error_document_of_a_deletion_redacts_every_personal_attribute(record_type: str, fault: str) -> None:
    broken = faulty(record_type, fault, "REMOVE")
    broken["dynamodb"]["NewImage"] = {"deep": {"L": [{"M": PERSONAL}]}}
    broken["dynamodb"]["Keys"] = {"email": {"B": MARK}}

    document = Function().failure(broken)

    original = json.loads(document["events"][0])
    assert_redacted(original)
    assert original["dynamodb"]["Keys"] == {"email": {"S": "[redacted]"}}


@pytest.mark.parametrize("name", ["Email", "PHONENUMBER", "messagebody", "eMail"])
def test_a_personal_attribute_is_redacted_whatever_the_case_of_its_name(name: str) -> None:
    """Such a deletion fails where the attribute of the schema's own name is missing or wrong, for one."""
    document = Function().failure(change("demand", "REMOVE", fanId=None, **{name: s(MARK)}))

    assert MARK not in json.dumps(document)
    assert json.loads(document["events"][0])["dynamodb"]["OldImage"][name] == {"S": "[redacted]"}


REMOVAL = payload(change("demand", "REMOVE", fanId=None, **PERSONAL))
NAMED = b'"eventName":"REMOVE"'


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(REMOVAL.replace(NAMED, b'"eventName":"INSERT",' + NAMED), id="the last of two"),
        pytest.param(REMOVAL.replace(NAMED, NAMED + b',"eventName":"INSERT"'), id="the first of two"),
        pytest.param(REMOVAL.replace(NAMED, b'"EventName":"REMOVE"'), id="a name in another case"),
        pytest.param(REMOVAL.replace(NAMED, b'"eventName":"Remove"'), id="a value in another case"),
        pytest.param(REMOVAL.replace(NAMED, rb'"event\u004eame":"\u0052EMOVE"'), id="escaped"),
        pytest.param(b"[" + REMOVAL + b"]", id="in a list"),
        pytest.param(b'{"record":' + REMOVAL + b"}", id="in a member"),
        pytest.param(REMOVAL[:-1] + b',"dynamodb":{"Keys":{}}}', id="images that a later member hides"),
        pytest.param(REMOVAL[:-1] + b',"digits":' + b"9" * 5000 + b"}", id="beside a number of 5,000 digits"),
    ],
)
def test_whatever_may_be_a_deletion_is_redacted_in_its_error_document(broken: bytes) -> None:
    document = Function().failure(broken)

    assert MARK not in json.dumps(document)
    assert len(document["events"]) == 1


def test_an_attribute_called_event_name_makes_no_deletion() -> None:
    kept = change("demand", "MODIFY", fanId=None, eventName=s("REMOVE"), **PERSONAL)

    assert Function().failure(kept)["events"] == [payload(kept).decode()]


def assert_redacted(value: Any) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in PERSONAL:
                assert inner == {"S": "[redacted]"}
            assert_redacted(inner)
    if isinstance(value, list):
        for inner in value:
            assert_redacted(inner)


@pytest.mark.parametrize("record_type", TYPES)
def test_the_row_of_a_deletion_holds_no_personal_data(record_type: str) -> None:
    row = Function().row(change(record_type, "REMOVE", **PERSONAL))

    assert MARK not in json.dumps(row)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(payload(change("demand", "REMOVE", **PERSONAL))[:-2], id="cut short"),
        pytest.param(payload(change("demand", "REMOVE", **PERSONAL)) + b"x", id="something behind it"),
        pytest.param(b'{"eventName":"REMOVE","a":NaN,"email":{"S":"%s"}}' % MARK.encode(), id="not quite JSON"),
        pytest.param(b"\xff" + payload(change("demand", "REMOVE", **PERSONAL)), id="not UTF-8 nor JSON"),
    ],
)
def test_an_original_that_does_not_parse_is_left_out_for_it_may_be_a_deletion(broken: bytes) -> None:
    document = Function().failure(broken)

    assert document["events"] == []
    assert MARK not in json.dumps(document)


def test_an_original_that_is_not_utf8_is_kept_in_base64() -> None:
    broken = payload(change("sale", name=s("@@"))).replace(b"@@", b"\xc3\x28")

    document = Function().failure(broken)

    assert document["encoding"] == "base64"
    assert base64.b64decode(document["events"][0]) == broken


def test_a_deletion_that_is_not_utf8_is_redacted_all_the_same() -> None:
    broken = payload(change("demand", "REMOVE", eventName=s("@@"), **PERSONAL)).replace(b"@@", b"\xc3\x28")

    document = Function().failure(broken)

    assert MARK not in json.dumps(document)
    assert MARK.encode() not in base64.b64decode(document["events"][0] + "==", validate=False)
    assert_redacted(json.loads(document["events"][0]))


def test_what_nests_too_deep_costs_its_own_original_only() -> None:
    deep = b'{"eventName":"REMOVE","a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    function = Function()

    function(deep, change(fanId=None))

    first, second = function.bucket.documents()
    assert (first["error"]["code"], first["events"]) == ("not_json", [])
    assert second["events"] != []


def test_an_error_document_says_what_is_needed_to_find_the_record_again() -> None:
    function = Function("demand")
    broken = change(fanId=None)

    document = function.failure(broken)

    (key,) = function.bucket.objects
    metadata = event(broken)["records"][0]
    assert key.startswith("data-pipeline/errors/records/partition_date=2025-01-01/dmnd-test-")
    assert key.endswith(".jsonl")
    assert document == {
        "timestamp": "2025-01-01T10:00:00.123Z",
        "type": "demand",
        "error": {"code": "invalid", "message": 'fanId: expected a string: {"S": text}', "path": "fanId"},
        "stream": "dmnd-test",
        "recordId": metadata["recordId"],
        "sequence": metadata["recordId"].removeprefix("shardId-000000000000"),
        "digest": hashlib.sha256(payload(broken)).hexdigest(),
        "events": [payload(broken).decode()],
    }


def test_failures_of_one_invocation_lie_in_one_object_a_day_of_arrival() -> None:
    function = Function()
    invocation = event(b"nope", change(fanId=None), b"no")
    invocation["records"][2]["approximateArrivalTimestamp"] += 86_400_000

    function.reply(invocation)

    days = sorted(key.split("/")[3] for key in function.bucket.objects)
    assert days == ["partition_date=2025-01-01", "partition_date=2025-01-02"]
    assert len(function.bucket.documents()) == 3


def test_a_float_beyond_a_double_in_a_deletion_stays_json() -> None:
    broken = payload(change("demand", "REMOVE", fanId=None, **PERSONAL) | {"odd": 5}).replace(
        b'"odd":5', b'"odd":1e999'
    )

    document = Function().failure(broken)

    assert json.loads(document["events"][0], parse_constant=pytest.fail)["odd"] is None
