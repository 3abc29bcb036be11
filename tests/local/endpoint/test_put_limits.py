"""PutRecord and PutRecordBatch: what they take, to the byte."""

import pytest

from firehose.local.sources.puts import PutSource
from tests.endpoints import LocalAws, plain
from tests.local.endpoint.test_firehose_api import NAMED, code

MIB = 1024 * 1024


@pytest.mark.slow
def test_the_largest_record_is_taken_and_a_byte_more_is_refused(aws: LocalAws) -> None:
    aws.create(plain())
    firehose = aws.client("firehose")

    assert firehose.put_record(**NAMED, Record={"Data": b"x" * 1_024_000})["RecordId"]
    assert code(firehose.put_record, **NAMED, Record={"Data": b"x" * 1_024_001}) == "ValidationException 400"
    assert code(firehose.put_record_batch, **NAMED, Records=[{"Data": b"x" * 1_024_001}]) == "ValidationException 400"


@pytest.mark.slow
def test_a_batch_has_500_records_and_4_mib_at_most(aws: LocalAws) -> None:
    aws.create(plain())
    put = aws.client("firehose").put_record_batch

    assert put(**NAMED, Records=[{"Data": b"x"}] * 500)["FailedPutCount"] == 0
    assert code(put, **NAMED, Records=[{"Data": b"x"}] * 501) == "ValidationException 400"
    whole = [{"Data": b"x" * MIB}] * 0 + [{"Data": b"x" * (MIB // 2)}] * 8
    assert len(put(**NAMED, Records=whole)["RequestResponses"]) == 8
    assert code(put, **NAMED, Records=[*whole, {"Data": b"x"}]) == "InvalidArgumentException 400"


@pytest.mark.slow
def test_each_record_has_an_id_of_its_own(aws: LocalAws) -> None:
    aws.create(plain())

    answers = [aws.put({"id": 1}, {"id": 1}) for _ in range(2)]

    assert len({entry["RecordId"] for answer in answers for entry in answer["RequestResponses"]}) == 4
    assert {answer["FailedPutCount"] for answer in answers} == {0}


def test_records_that_find_no_room_are_told_apart_from_those_that_do() -> None:
    source = PutSource(lambda _: None, queue_bytes=10)

    ids = source.put([b"12345", b"12345", b"12345"], 0, wait_seconds=0)

    assert len(ids) == 2
    records = iter(source)
    assert [next(records) is None for _ in range(3)] == [False, False, True]
    assert len(source.put([b"12345"], 0, wait_seconds=0)) == 1
