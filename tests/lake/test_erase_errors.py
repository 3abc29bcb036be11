"""Error documents and error objects: a subject's records are redacted as a deletion's are, and keep their places."""

import base64
import gzip
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firehose.lake.erasure.error_records import ErrorRecords
from firehose.lake.erasure.subjects import Subjects
from firehose.lake.errors.failed_records import FailedRecord, Unreadable, read
from firehose.lake.errors.report import report
from tests.commands import result_of
from tests.compacting import rows
from tests.erasing import erase, holders, states
from tests.failed import document_of, documents, error_object, failed
from tests.given import PERSONAL, change, payload, s
from transform.outcome import Reason
from transform.scrub import digest_of_original, parse_original

PHONE = "+15550107301"
NOW = 2**60


def broken(fan: str = "f1", **members: Any) -> dict[str, Any]:
    """A change that the function fails: its time of request is no text."""
    return change(fanId=s(fan), phoneNumber=s(PHONE), requestedDateTime={"N": "1"}, **members)


def redact(body: bytes, *subjects: str, emptied: Any = None) -> bytes:
    made = ErrorRecords(PERSONAL, emptied).redact(body, Subjects(dict.fromkeys(subjects or ("f1",), NOW))).body
    return body if made is None else made


def raw_of(body: bytes) -> list[bytes]:
    return [found.raw if isinstance(found, FailedRecord) else b"?" for found in read(body)]


def lines(*objects: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def encoded(record: Any) -> str:
    return base64.b64encode(payload(record)).decode()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with two failed records that are in Firehose's error object and in documents."""
    error_object(tmp_path / "lake", *map(failed, (broken(), broken("f2"))))
    documents(tmp_path / "lake", *(document_of(one, Reason.INVALID) for one in (broken(), broken("f2"))))
    return tmp_path / "lake"


def test_both_copies_of_a_failed_record_are_redacted_and_still_found_as_one(lake: Path, tmp_path: Path) -> None:
    counts = erase(lake, tmp_path, "f1")

    assert (counts["objects"], counts["rows"], counts["records"], counts["values"]) == (2, 0, 2, 2)
    found = report(str(lake))
    assert [(one.reason, one.count) for one in found.failures] == [(Reason.INVALID, 2)]
    assert found.unmatched_documents == 0
    assert len(holders(lake, PHONE)) == 2, "those of f2"
    erase(lake, tmp_path, "f2")
    assert holders(lake, PHONE) == []
    assert report(str(lake)).unmatched_documents == 0


def test_a_record_is_redacted_as_the_function_redacts_a_deletion(lake: Path, tmp_path: Path) -> None:
    erase(lake, tmp_path, "f1")

    (path,) = (lake / "data-pipeline/errors/firehose").rglob("dmnd-*")
    expected = parse_original(payload(broken()), PERSONAL)
    assert expected is not None
    assert raw_of(path.read_bytes()) == [expected.redacted, payload(broken("f2"))]


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param(lambda raw: {"rawData": raw, "errorCode": "Lambda.FunctionError"}, id="as today"),
        pytest.param(lambda raw: {"RawData": raw, "lambdaArn": "x", "ErrorCode": "e"}, id="as documented"),
        pytest.param(
            lambda raw: {"lastErrorCode": "D.ParseError", "lastErrorMessage": PHONE, "rawData": raw},
            id="of a conversion",
        ),
        pytest.param(lambda raw: {"ErrorMessage": f"For input string: {PHONE}", "rawData": raw}, id="with a message"),
        pytest.param(lambda raw: {"events": [base64.b64decode(raw).decode()]}, id="events"),
        pytest.param(lambda raw: {"events": [raw], "encoding": "base64"}, id="events in base64"),
        pytest.param(lambda raw: {"events": [json.loads(base64.b64decode(raw))]}, id="events as JSON"),
        pytest.param(
            lambda raw: {"Events": [{"kinesis": {"data": raw, "sequenceNumber": "1"}}]}, id="events of Kinesis"
        ),
        pytest.param(lambda raw: {"events": [{"recordId": "r", "data": raw}]}, id="events of Firehose"),
        pytest.param(lambda raw: [{"rawData": raw}], id="a list"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("ending", [b"\n", b""], ids=["lines", "one after the other"])
def test_every_spelling_of_an_error_record_is_redacted(wrapped: Any, packed: bool, ending: bytes) -> None:
    body = b"".join(json.dumps(wrapped(encoded(broken(fan)))).encode() + ending for fan in ("f2", "f1", "f2"))

    made = redact(gzip.compress(body) if packed else body)

    made = gzip.decompress(made) if packed else made
    first, second, third = raw_of(made)
    expected = parse_original(payload(broken()), PERSONAL)
    assert expected is not None
    assert json.loads(second) == json.loads(expected.redacted)
    assert json.loads(first) == json.loads(third) == broken("f2")
    texts = made + b"".join(base64.b64decode(run) for run in base64_runs(made))
    assert texts.count(PHONE.encode()) == made_of(body).count(PHONE.encode()) * 2 // 3


def base64_runs(body: bytes) -> list[str]:
    found = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name.lower() in {"rawdata", "data"}:
                    found.append(inner)
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str) and len(value) > 200 and not value.startswith("{"):
            found.append(value) if value not in found else None

    decoder, text, at = json.JSONDecoder(), body.decode(), 0
    while at < len(text.rstrip()):
        document, at = decoder.raw_decode(text, at)
        at += text[at : at + 1] == "\n"
        walk(document)
    return found


def made_of(body: bytes) -> bytes:
    return body + b"".join(base64.b64decode(run) for run in base64_runs(body))


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(broken(note={"L": [{"M": {"who": s("f1")}}]}) | {"x": 1}, id="deep"),
        pytest.param(change(fanId=s("f2"), phoneNumber=s(PHONE), f1={"BOOL": True}), id="as a name"),
        pytest.param(change(fanId={"N": "f1"}, Email=s(PHONE)), id="under another tag"),
        pytest.param(change(fanId=None, phoneNumber=s(PHONE), pk=s("FAN#f1")), id="between other characters"),
    ],
)
def test_an_id_is_found_in_any_string(record: Any) -> None:
    assert PHONE.encode() not in b"".join(raw_of(redact(lines(failed(record)))))


@pytest.mark.parametrize("text", ["e1_s1_f1", "f12", "f1-a", "F1"])
def test_an_id_within_a_longer_word_is_another(text: str) -> None:
    body = lines(failed(change(fanId=s("f2"), phoneNumber=s(PHONE), pk=s(text))))

    assert redact(body) == body


def test_ids_with_other_characters_are_found() -> None:
    body = lines(failed(change(fanId=s("o:neil@x"), phoneNumber=s(PHONE))))

    assert redact(body, "o:neil@y") == body
    assert PHONE.encode() not in b"".join(raw_of(redact(body, "o:neil@x")))


ROW = {
    "type": "demand",
    "fanid": "f1",
    "phonenumber": PHONE,
    "email": None,
    "price": 1.10,
    "change": {"name": "INSERT"},
}


def test_a_row_is_redacted_as_a_row_of_a_deletion_is() -> None:
    (raw,) = raw_of(redact(lines(failed(ROW | {"isdeleted": False}))))

    assert json.loads(raw) == ROW | {"isdeleted": False, "phonenumber": "[redacted]"}


def test_a_redacted_row_can_still_be_replayed(tmp_path: Path) -> None:
    for fan in ("f1", "f2"):
        result_of("run", write_change(tmp_path, fan), "--lake", str(tmp_path / fan))
    row = json.dumps(as_json(rows(tmp_path / "f1")[0])).encode()
    error_object(tmp_path / "lake", failed(row, "DataFormatConversion.MalformedData"), kind="format-conversion-failed")
    erase(tmp_path / "lake", tmp_path, "f1")

    result_of("replay", "--lake", str(tmp_path / "lake"), "--format", "parquet")

    assert [row["phonenumber"] for row in rows(tmp_path / "lake")] == ["[redacted]"]


def write_change(folder: Path, fan: str) -> str:
    (folder / "one.jsonl").write_bytes(payload(change(fanId=s(fan), phoneNumber=s(PHONE))))
    return str(folder / "one.jsonl")


def as_json(row: Any) -> Any:
    if isinstance(row, dict):
        return {name: as_json(value) for name, value in row.items()}
    return row.isoformat(" ", "milliseconds") if hasattr(row, "isoformat") else row


CUT = payload(broken())[:-20]


def test_a_record_that_does_not_parse_is_emptied_only_if_it_holds_the_id() -> None:
    other = payload(broken("f2"))[:-20]

    made = redact(lines(failed(other), failed(CUT), failed(broken("f2"))))

    assert raw_of(made) == [other, b"", payload(broken("f2"))]


def test_an_escaped_id_in_what_does_not_parse_is_found() -> None:
    cut = CUT.replace(b'"f1"', b'"\\u0066\\u0031"')

    assert raw_of(redact(lines(failed(cut)))) == [b""]


def test_the_document_of_a_record_that_does_not_parse_is_still_found_by_its_digest(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    others = payload(broken("f2"))[:-20]
    error_object(lake, failed(CUT), failed(others))
    path = documents(lake, *(document_of(one, Reason.NOT_JSON) for one in (CUT, others)))

    counts = erase(lake, tmp_path, "f1")

    assert (counts["objects"], counts["records"], counts["unreadable"]) == (2, 2, 1)
    assert report(str(lake)).unmatched_documents == 0
    digests = [json.loads(line)["digest"] for line in path.read_text().splitlines()]
    assert digests == [sha256(b"").hexdigest(), digest_of_original(others, PERSONAL)]
    assert erase(lake, tmp_path, "f1")["objects"] == 0


def test_a_copy_is_emptied_no_sooner_than_the_document_that_holds_its_digest(tmp_path: Path) -> None:
    lake, raw = tmp_path / "lake", payload(broken())[:-9]
    copy, explained = error_object(lake, failed(raw)), documents(lake, document_of(raw, Reason.INVALID))
    os.utime(copy, (1, 1))
    before = copy.read_bytes()
    is_young = ("--retention", "0s", "--older-than", "1h")

    assert states(erase(lake, tmp_path, "f1", options=is_young)) == (0, 1, 0)
    assert copy.read_bytes() == before
    os.utime(explained, (1, 1))
    erase(lake, tmp_path, "f1", options=is_young)

    assert holders(lake, PHONE) == []
    assert holders(lake, digest_of_original(raw, PERSONAL)) == []


def test_what_is_no_json_becomes_null_if_it_holds_the_id_and_all_places_stay() -> None:
    truncated = json.dumps(failed(broken())).encode()[:-120]
    body = b"".join([lines(failed(broken("f2"))), b"garbage f3\n", truncated, b"\n", lines(failed(broken("f2")))])

    made = redact(body)

    before, after = list(read(body)), list(read(made))
    assert (
        [type(one) for one in after]
        == [type(one) for one in before]
        == [FailedRecord, Unreadable, Unreadable, FailedRecord]
    )
    assert [one.place for one in after] == [one.place for one in before]
    assert b"garbage f3" in made
    assert truncated not in made
    assert redact(made) == made


def test_of_a_cut_off_gzip_object_what_holds_the_id_is_emptied() -> None:
    whole = gzip.compress(lines(*(failed(broken(f"f{number}")) for number in range(40))))

    assert redact(whole[:-30]) == b"null\n"
    assert redact(whole[:-30], "nobody") == whole[:-30]


def test_a_record_changed_after_the_erasure_is_left() -> None:
    body = lines(failed(broken()))

    made = ErrorRecords(PERSONAL).redact(body, Subjects({"f1": 1_000}))

    assert (made.body, made.found.rows) == (None, 0)


def test_bytes_of_other_records_stay_as_they_are_written() -> None:
    strange = b'\xef\xbb\xbf{"rawData" : "bm9wZQ==",  "errorMessage":"caf\xe9"}\r\n \xff\xfe {"a":1.0}'
    body = strange + lines(failed(broken()))

    assert redact(body).startswith(strange)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from([json.dumps(failed(broken())).encode(), CUT, b"{", b'{"events":[1,"f1",null]}']),
        ),
        max_size=6,
    )
)
@example([json.dumps(failed(broken())).encode(), CUT, b"\0"])  # shorter, its zero byte is one of the first thousand
def test_whatever_an_object_holds_its_places_stay_and_a_second_pass_changes_nothing(parts: list[bytes]) -> None:
    body = b"\n".join(parts)

    made = redact(body)

    assert [one.place for one in read(made)] == [one.place for one in read(body)]
    assert redact(made) == made


def test_a_failed_deletion_was_redacted_by_the_function_and_firehoses_copy_becomes_equal(tmp_path: Path) -> None:
    lake, gone = tmp_path / "lake", broken() | {"eventName": "REMOVE"}
    error_object(lake, failed(gone))
    documents(lake, document_of(gone, Reason.INVALID))

    counts = erase(lake, tmp_path, "f1")

    assert (counts["objects"], states(counts)) == (1, (0, 1, 0))
    assert holders(lake, PHONE) == []
    assert report(str(lake)).unmatched_documents == 0
