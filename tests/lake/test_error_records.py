"""Firehose's error objects are read by every spelling, and nothing in them stops the reader."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.errors.failed_records import FailedRecord, Unreadable, read
from tests.failed import failed
from tests.given import ARRIVED_MS, CHANGED_MS, change, payload

RAW = base64.b64encode(b"{}").decode()


def records(*documents: Any) -> list[FailedRecord | Unreadable]:
    return list(read(b"\n".join(payload(one) for one in documents)))


def record(document: Any) -> FailedRecord:
    (found,) = records(document)
    assert isinstance(found, FailedRecord)
    return found


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            {
                "rawData": RAW,
                "errorCode": "Lambda.FunctionError",
                "errorMessage": "SECRET",
                "attemptsMade": 4,
                "arrivalTimestamp": ARRIVED_MS,
                "attemptEndingTimestamp": ARRIVED_MS + 1,
                "lambdaARN": "arn",
            },
            id="captured",
        ),
        pytest.param(
            {
                "attemptsMade": "4",
                "arrivalTimestamp": str(ARRIVED_MS),
                "errorCode": "Lambda.FunctionError",
                "errorMessage": "SECRET",
                "attemptEndingTimestamp": str(ARRIVED_MS + 1),
                "rawData": RAW,
                "lambdaArn": "arn",
            },
            id="documented",
        ),
        pytest.param(
            {"arrivalTimestamp": ARRIVED_MS, "lastErrorCode": "Lambda.FunctionError", "rawData": RAW}, id="last error"
        ),
        pytest.param(
            {"ErrorCode": "Lambda.FunctionError", "rawData": RAW, "attemptEndingTimestamp": float(ARRIVED_MS)},
            id="no arrival",
        ),
    ],
)
def test_every_spelling_of_an_error_record_is_the_same_record(document: Any) -> None:
    assert record(document) == FailedRecord(0, b"{}", ARRIVED_MS, "Lambda.FunctionError")


def test_a_conversion_error_has_its_place_in_the_stream() -> None:
    found = record(failed({}, sequenceNumber="4954", subSequenceNumber=7))

    assert (found.sequence, found.subsequence) == ("4954", 7)


@pytest.mark.parametrize("between", [b"\n", b"", b" \r\n\n"], ids=["lines", "butted together", "blank lines"])
def test_documents_stand_one_a_line_or_without_a_separator(between: bytes) -> None:
    body = between.join(payload(failed({"n": number})) for number in range(3)) + between

    assert [found.place for found in read(body) if isinstance(found, FailedRecord)] == [0, 1, 2]
    assert list(read(gzip.compress(body))) == list(read(body))


def test_something_else_than_a_record_counts_as_a_place_and_does_not_hide_the_others() -> None:
    torn = payload(failed({}))[:40]

    found = records(failed({}), torn, failed({}), [], {"rawData": "%%%"}, {"rawData": 1}, b"\xff", failed({}))

    assert [isinstance(one, FailedRecord) for one in found] == [True, False, True, False, False, False, False, True]
    assert [one.place for one in found] == list(range(8))


def test_a_record_after_garbage_on_its_line_is_read() -> None:
    sound, torn = payload(failed({})), payload(failed({}) | {"dataCatalogTable": {"region": "x"}})[:-2]

    found = list(read(torn + sound + b"%%" + sound + sound + b"\n" + sound))

    assert [isinstance(one, FailedRecord) for one in found] == [False, True, False, True, True, True]


def test_records_may_stand_in_an_array() -> None:
    found = list(read(payload([failed({}), 1, failed({"n": 1})]) + payload(failed({}))))

    assert [isinstance(one, FailedRecord) for one in found] == [True, False, True, True]
    assert [one.place for one in found] == [0, 1, 2, 3]


def test_base64_may_have_line_breaks() -> None:
    broken = "\r\n".join(RAW[at : at + 3] for at in range(0, len(RAW), 3))

    assert record({"rawData": broken, "arrivalTimestamp": ARRIVED_MS}).raw == b"{}"


def test_an_error_record_may_be_empty() -> None:
    assert record({"rawData": "", "arrivalTimestamp": ARRIVED_MS}).raw == b""


@pytest.mark.parametrize("arrival", [None, True, -1, 10**30, "soon", 1e300, "", [], {}], ids=str)
def test_a_record_without_an_arrival_arrived_when_its_change_was_made(arrival: Any) -> None:
    assert (
        record(failed(change()) | {"arrivalTimestamp": arrival, "attemptEndingTimestamp": None}).arrival_ms
        == CHANGED_MS
    )


@pytest.mark.parametrize("code", ["+1 555 0100", "a@example.com", "", 7, None, "x" * 101], ids=str)
def test_free_text_in_place_of_a_code_is_not_kept(code: Any) -> None:
    assert record(failed({}, code)).code is None


@pytest.mark.parametrize(
    ("event", "raw"),
    [
        pytest.param({"a": 1}, b'{"a":1}', id="object"),
        pytest.param('{"a": 1}', b'{"a": 1}', id="text"),
        pytest.param(base64.b64encode(b'{"a": 1}').decode(), b'{"a": 1}', id="base64"),
        pytest.param("not JSON", b"not JSON", id="text that is no JSON"),
        pytest.param({"data": RAW, "recordId": "r"}, b"{}", id="Firehose"),
        pytest.param({"kinesis": {"data": RAW}, "eventSource": "aws:kinesis"}, b"{}", id="Kinesis"),
    ],
)
def test_a_document_with_events_is_one_record_for_each(event: Any, raw: bytes) -> None:
    first, second = records({"timestamp": "2025-01-01T10:00:00.123Z", "error": {"message": "m"}, "events": [{}, event]})

    assert first == FailedRecord(0, b"{}", ARRIVED_MS)
    assert second == FailedRecord(1, raw, ARRIVED_MS)


def test_an_event_from_kinesis_has_its_own_arrival_and_sequence() -> None:
    kinesis = {"data": RAW, "approximateArrivalTimestamp": ARRIVED_MS / 1000, "sequenceNumber": "4954"}
    around = {"sequenceNumber": "4955", "subsequenceNumber": 3}
    firehose = {"data": RAW, "approximateArrivalTimestamp": ARRIVED_MS, "kinesisRecordMetadata": around}

    found = records({"timestamp": 1, "events": [{"kinesis": kinesis}, firehose]})

    assert found == [
        FailedRecord(0, b"{}", ARRIVED_MS, None, "4954"),
        FailedRecord(1, b"{}", ARRIVED_MS, None, "4955", 3),
    ]


def test_events_that_are_not_records_are_unreadable() -> None:
    assert records({"events": []}, {"events": [1]}) == [Unreadable(0), Unreadable(1)]


members = st.dictionaries(
    st.sampled_from(["rawData", "errorCode", "arrivalTimestamp", "sequenceNumber", "events", "timestamp", "kinesis"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(RAW),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("data") | st.text(max_size=2), inner),
        max_leaves=5,
    ),
)


@given(
    body=st.binary(max_size=60)
    | st.text(alphabet='{}[]":,aé1 \n\ud800', max_size=40).map(lambda text: text.encode("utf-8", "replace"))
    | st.lists(members).map(lambda documents: "".join(map(json.dumps, documents)).encode())
)
def test_any_object_is_read_to_its_end(body: bytes) -> None:
    found = list(read(body))

    assert [one.place for one in found] == list(range(len(found)))
    assert bool(found) == bool(body.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n"))


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 10_000, b"\x1f\x8b damaged", b"1" * 10_000, b"PAR1\0\n\n1\n"]
)
def test_a_hostile_body_is_unreadable(body: bytes) -> None:
    assert list(read(body)) == [Unreadable(0)]
