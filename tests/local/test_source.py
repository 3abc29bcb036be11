"""File sources: lines to records, their numbers, and their arrival times."""

import base64
import gzip
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.event_record import event_record
from firehose.local.sources.files import MOST_LINE_BYTES, NO_TIME_MS, SourceError, file_records, number_lines
from tests.firehose_streams import payload, records


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


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line and line.strip())))
def test_every_line_is_a_record_with_its_bytes_and_a_56_digit_number(lines: list[bytes]) -> None:
    made = list(number_lines(lines))

    assert [payload(record) for record in made] == lines
    assert all(len(record["kinesisRecordMetadata"]["sequenceNumber"]) == 56 for record in made)
    assert all(record["data"] == base64.b64encode(line).decode() for record, line in zip(made, lines, strict=True))


@given(st.lists(st.binary(max_size=10).filter(bytes.strip), min_size=2))
def test_record_ids_sort_in_the_order_of_the_lines(lines: list[bytes]) -> None:
    ids = [record["recordId"] for record in number_lines(lines)]

    assert ids == sorted(set(ids))


def test_the_same_lines_get_the_same_records() -> None:
    assert records(b"a", b"b") == records(b"a", b"b")


def test_another_line_in_the_same_place_has_another_number() -> None:
    (one,), (other,) = records(b"a"), records(b"b")

    assert one["recordId"] != other["recordId"]


def test_a_line_without_an_arrival_arrives_with_the_line_before() -> None:
    lines = [b"first", b"5", b"bad", b"10", b"worse"]

    made = number_lines(lines, arrival_of=lambda line: int(line) if line.isdigit() else None)

    assert [record["approximateArrivalTimestamp"] for record in made] == [5, 5, 5, 10, 10]


def test_lines_without_any_arrival_have_a_constant_one() -> None:
    made = records(*[b"bad"] * 1001)

    assert {record["approximateArrivalTimestamp"] for record in made} == {NO_TIME_MS}
    assert len(made) == 1001


def test_what_tells_a_line_from_another_is_for_the_caller_to_say() -> None:
    (one,), (other,) = (list(number_lines([line], identity_of=lambda _: bytes(15) + b"\x0b")) for line in (b"a", b"b"))

    assert one["recordId"] == other["recordId"]
    assert one["kinesisRecordMetadata"]["partitionKey"] == "0" * 31 + "B"
    assert one["kinesisRecordMetadata"]["sequenceNumber"] == f"49{1:014}{11:040}"


def lines_of(path: Path) -> list[bytes]:
    return [payload(record) for record in file_records([str(path)])]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\nb\n \t\r\n", [b"a", b"b"]),
        (b"\n", []),
        (b"a\r\n\xff\x00", [b"a\r", b"\xff\x00"]),
    ],
)
def test_a_newline_ends_a_record_and_a_blank_line_is_none(tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    plain, zipped = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_bytes(content)
    zipped.write_bytes(gzip.compress(content, mtime=0))

    assert lines_of(plain) == lines_of(zipped) == lines


def test_blank_lines_are_counted_and_keep_their_number() -> None:
    blank: list[int] = []

    made = list(number_lines([b"a", b"", b" ", b"b"], on_blank=lambda: blank.append(1)))

    assert len(blank) == 2
    assert [int(record["kinesisRecordMetadata"]["sequenceNumber"][2:16]) for record in made] == [1, 4]


class Endless(io.RawIOBase):
    """A line of so many bytes, made as it is read, and another line; it knows the most that was read at once."""

    def __init__(self, size_bytes: int) -> None:
        self.left = size_bytes
        self.rest = b"\nnext\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self.left) or min(len(buffer), len(self.rest))
        if self.left:
            buffer[:size] = b"x" * size
            self.left -= size
        else:
            buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


@pytest.mark.parametrize(("size_bytes", "read"), [(MOST_LINE_BYTES, True), (MOST_LINE_BYTES + 1, False)])
def test_a_line_larger_than_a_kinesis_record_is_a_record_that_was_not_read(size_bytes: int, read: bool) -> None:
    large, after = file_records(["-"], standard_input=io.BufferedReader(Endless(size_bytes)))

    assert large.get("unreadBytes", 0) == (0 if read else size_bytes)
    assert len(payload(large)) == (size_bytes if read else 0)
    assert payload(after) == b"next"


def test_a_line_of_any_length_takes_little_memory() -> None:
    tracemalloc.start()
    large, _ = file_records(["-"], standard_input=io.BufferedReader(Endless(256 * 1024 * 1024)))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert large["unreadBytes"] == 256 * 1024 * 1024
    assert peak_bytes < 3 * MOST_LINE_BYTES


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
