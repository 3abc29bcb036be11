"""Every failed record has an error document, in an object that a retry writes again."""

import json
from hashlib import md5, sha1, sha256
from typing import Any

import pytest

from tests.fates import FATES
from tests.given import Bucket, Function, change, event, m, payload, results, s
from transform.errors import batch_digest


@pytest.mark.parametrize("name", ["with a time that is none", "with a wrong attribute", "out of its table's range"])
def test_the_error_document_of_a_record_names_its_type(name: str) -> None:
    assert Function().failure(FATES[name])["type"] == "demand"


def test_error_documents_that_cannot_be_written_cost_nothing_but_a_log_line() -> None:
    class Refusing(Bucket):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            raise OSError("no +15550100 here")

    function = Function(bucket=Refusing())

    answered = function(change(), b"nope")

    assert results(answered) == ["Ok", "ProcessingFailed"]
    assert any(line["message"] == "error documents not written" for line in function.logs())
    assert "+15550100" not in function.printed


def test_documents_of_other_records_and_days_are_written_though_one_cannot_be() -> None:
    class RefusingTheFirst(Bucket):
        def put(self, key: str, body: bytes, content_type: str) -> None:
            if "2025-01-01" in key:
                raise OSError
            super().put(key, body, content_type)

    function = Function(bucket=RefusingTheFirst())
    invocation = event(b"nope", b"nope", b"nope")
    invocation["records"][1]["approximateArrivalTimestamp"] += 86_400_000
    invocation["records"][2]["approximateArrivalTimestamp"] = None

    answered = function.reply(invocation)

    assert results(answered) == ["ProcessingFailed"] * 3
    assert len(function.bucket.documents()) == 1
    assert sum(line.get("times", 0) for line in function.logs()) == 2


def test_the_digest_of_a_batch_depends_on_where_each_record_id_ends() -> None:
    assert batch_digest(["a", "bc"]) != batch_digest(["ab", "c"])


def test_objects_of_other_records_have_other_names() -> None:
    names: list[str] = []
    for bad in (b"one", b"two"):
        function = Function()
        invocation = event(bad, change(), change("sale"))
        invocation["records"][1]["recordId"] += bad.decode()
        function.reply(invocation)
        names.append(*function.bucket.objects)
    swapped = Function()
    invocation = event(b"one", change(), change("sale"))
    invocation["records"][1]["recordId"] += "one"
    invocation["records"][1:] = invocation["records"][:0:-1]
    swapped.reply(invocation)

    assert len({*names, *swapped.bucket.objects}) == 3


def numbered(name: str, phone: str, **attributes: Any) -> dict[str, Any]:
    """A record that fails, of a fan with this phone number, in both images and the keys."""
    personal = {"PhoneNumber": s(phone), "messageBody": m(text=s(phone))}
    broken = change("notification", name, fanId=None, **personal, **attributes)
    both = {"Keys": {"phoneNumber": s(phone)}, "NewImage": personal, "OldImage": personal}
    return broken | {"dynamodb": both | broken["dynamodb"] | {"Keys": both["Keys"]}}


@pytest.mark.parametrize("name", ["MODIFY", "REMOVE"])
def test_no_digest_gives_personal_data_back(name: str) -> None:
    """The digest of one record is that of all records which differ in personal data alone (BR-23)."""
    true, tried = (Function().failure(numbered(name, phone)) for phone in ("+15550101234", "+15550105678"))

    assert true["digest"] == tried["digest"]
    assert true["digest"] != Function().failure(numbered(name, "+15550101234", saleName=s("x")))["digest"]


def test_none_of_ten_thousand_endings_is_found_from_the_error_document_of_a_deletion() -> None:
    document = Function().failure(numbered("REMOVE", "+15550107301"))
    kept = {json.dumps(value).strip('"') for value in document.values()}

    found = [
        ending
        for ending in range(10_000)
        for phone in [f"+1555010{ending:04}"]
        for data in (phone.encode(), payload(numbered("REMOVE", phone)))
        for digest in (md5(data), sha1(data), sha256(data))  # noqa: S324 - as whoever tries would
        if any(digest.hexdigest()[:length] in kept for length in (16, 32, 40, 64)) or phone in "".join(kept)
    ]

    assert found == []


def test_records_that_do_not_parse_are_told_apart_by_their_bytes() -> None:
    digests = [Function().failure(data)["digest"] for data in (b"nope one", b"nope two", b"\xff{}")]

    assert digests == [sha256(data).hexdigest() for data in (b"nope one", b"nope two", b"\xff{}")]


def test_the_digest_of_a_record_without_personal_data_is_that_of_its_bytes() -> None:
    spaced = json.dumps(change("sale", id=None), indent=1).encode()

    assert Function().failure(spaced)["digest"] == sha256(spaced).hexdigest()


@pytest.mark.parametrize("data", ["not base64!", "abc", "é", "\ud800", None, 7, [], "{}"])
def test_data_that_is_not_base64_is_its_own_original(data: Any) -> None:
    """Its digest is that of the text. `events` has the text where it parses, as for any other record."""
    document = failure_of_data(data)

    text = str(data).encode("utf-8", "surrogatepass")
    assert document["error"] == {"code": "not_json", "message": "the record's data is not base64", "path": None}
    assert document["digest"] == sha256(text).hexdigest()
    assert document["events"] == ([str(data)] if data in ("{}", 7, []) else [])


def test_a_deletion_whose_data_is_not_base64_is_redacted() -> None:
    broken = payload(numbered("REMOVE", "+15550101234")).decode()

    document = failure_of_data(broken)

    assert "+1555010" not in json.dumps(document)
    assert json.loads(document["events"][0])["dynamodb"]["Keys"] == {"phoneNumber": s("[redacted]")}
    assert document["digest"] == failure_of_data(broken.replace("1234", "5678"))["digest"]


def failure_of_data(data: Any) -> dict[str, Any]:
    """The error document of a record with this in `data`."""
    function, invocation = Function(), event(b"x")
    invocation["records"][0]["data"] = data
    assert results(function.reply(invocation)) == ["ProcessingFailed"]
    document: dict[str, Any] = function.bucket.documents()[0]
    return document
