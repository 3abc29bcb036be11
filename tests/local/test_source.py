"""File sources: lines to records, their numbers, and their arrival times."""

import base64
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.sources.files import (
    NO_TIME_MS,
    SourceError,
    change_time_ms,
    event_record,
    file_records,
    number_lines,
)
from tests.firehose_streams import payload, records


def change(at: Any, **more: Any) -> bytes:
    return json.dumps({"dynamodb": {"ApproximateCreationDateTime": at, **more}}).encode()


MILLIS = 1_714_564_809_617


def test_a_record_has_the_members_of_a_captured_event() -> None:
    number = "49" + "7" * 54
    made = event_record(b"{}", shard_id="shardId-000000000003", partition_key="K", sequence_number=number, arrival_ms=5)

    assert made == {
        "recordId": "shardId-000000000003" + "0" * 72 + number + "0" * 12,
        "approximateArrivalTimestamp": 5,
        "data": "e30=",
        "kinesisRecordMetadata": {
            "shardId": "shardId-000000000003",
            "partitionKey": "K",
            "approximateArrivalTimestamp": 5,
            "sequenceNumber": number,
            "subsequenceNumber": 0,
        },
    }
    assert len(made["recordId"]) == 160


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line)))
def test_every_line_is_a_record_with_its_bytes_and_a_56_digit_number(lines: list[bytes]) -> None:
    made = list(number_lines(lines))

    assert [payload(record) for record in made] == lines
    assert all(len(record["kinesisRecordMetadata"]["sequenceNumber"]) == 56 for record in made)
    assert all(record["data"] == base64.b64encode(line).decode() for record, line in zip(made, lines, strict=True))


@given(st.lists(st.binary(max_size=10), min_size=2))
def test_record_ids_sort_in_the_order_of_the_lines(lines: list[bytes]) -> None:
    ids = [record["recordId"] for record in number_lines(lines)]

    assert ids == sorted(set(ids))


def test_the_same_lines_get_the_same_records() -> None:
    assert records(b"a", b"b") == records(b"a", b"b")


def test_another_line_in_the_same_place_has_another_number() -> None:
    (one,), (other,) = records(b"a"), records(b"b")

    assert one["recordId"] != other["recordId"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(change(MILLIS), MILLIS, id="milliseconds"),
        pytest.param(change(MILLIS * 1000 + 185), MILLIS, id="microseconds by their digits"),
        pytest.param(
            change(10**12 + 1, ApproximateCreationDateTimePrecision="MICROSECOND"), 10**9, id="microseconds as said"
        ),
        pytest.param(change(99_999_999_999_999), None, id="14 digits are milliseconds, beyond 2199"),
        pytest.param(change(10**12, eventSource="\ud800"), 10**12, id="beside a lone surrogate"),
        pytest.param(change(100_000_000_000_000), 100_000_000_000, id="15 digits are microseconds"),
        pytest.param(change(10**12 - 1), None, id="too small"),
        pytest.param(change(10**30), None, id="beyond the year 9999"),
        pytest.param(change("x"), None, id="no number"),
        pytest.param(change(1.5), None, id="no whole number"),
        pytest.param(b"{}", None, id="no change"),
        pytest.param(b"\xff", None, id="no text"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b'{"dynamodb":' * 5000, None, id="nested too deep"),
    ],
)
def test_the_time_of_a_change_is_read_br_16(line: bytes, expected: int | None) -> None:
    assert change_time_ms(line) == expected


def test_a_line_without_a_time_arrives_with_the_line_before() -> None:
    made = records(b"first", change(MILLIS), b"bad", change(MILLIS + 5), b"")

    arrivals = [record["approximateArrivalTimestamp"] for record in made]
    assert arrivals == [MILLIS, MILLIS, MILLIS, MILLIS + 5, MILLIS + 5]


def test_input_without_any_time_has_a_constant_arrival() -> None:
    made = records(*[b"bad"] * 1001)

    assert {record["approximateArrivalTimestamp"] for record in made} == {NO_TIME_MS}
    assert len(made) == 1001


def lines_of(path: Path) -> list[bytes]:
    return [payload(record) for record in file_records([str(path)])]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"\n", [b""]),
        (b"a\r\n\xff\x00", [b"a\r", b"\xff\x00"]),
    ],
)
def test_a_newline_ends_a_record_and_a_blank_line_is_one(tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    plain, zipped = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_bytes(content)
    zipped.write_bytes(gzip.compress(content, mtime=0))

    assert lines_of(plain) == lines_of(zipped) == lines


def test_lines_are_numbered_through_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"1\n2\n")
    (tmp_path / "b.jsonl").write_bytes(b"3")

    made = list(file_records([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]))

    assert made == records(b"1", b"2", b"3")


def test_a_dash_is_standard_input() -> None:
    assert list(file_records(["-"], standard_input=io.BytesIO(b"a\nb\n"))) == records(b"a", b"b")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("plain.jsonl.gz", b"{}\n", "is not gzip"),
        ("cut.jsonl.gz", gzip.compress(b"abc" * 1000, mtime=0)[:-9], "cut short"),
        ("torn.jsonl.gz", gzip.compress(bytes(range(256)) * 9, mtime=0)[:20] + b"\xff" * 40, "damaged"),
    ],
)
def test_a_gz_file_that_is_no_whole_gzip_is_a_sentence(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceError, match=sentence):
        lines_of(tmp_path / name)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        lines_of(tmp_path / "none.jsonl")
    with pytest.raises(SourceError, match="directory"):
        lines_of(tmp_path)
