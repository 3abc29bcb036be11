"""Where batches are cut: Firehose's buffer hints, and Lambda's 6 MB."""

import json

from firehose.local.event_record import EventRecord, event_record
from firehose.local.processors.batcher import Batcher
from firehose.local.processors.invocation import LAMBDA_PAYLOAD_BYTES
from tests.firehose_streams import records
from tests.processors import direct_put_record


def batches(batcher: Batcher, made: list[EventRecord]) -> list[list[EventRecord]]:
    return [full for record in made if (full := batcher.add(record))] + [batcher.take()]


def test_batches_hold_the_buffer_size_of_raw_bytes() -> None:
    made = batches(Batcher(100), records(*[b"x" * 30] * 7))

    assert [len(batch) for batch in made] == [3, 3, 1]


def test_a_record_larger_than_the_buffer_goes_alone() -> None:
    made = batches(Batcher(100), records(b"x", b"x" * 300, b"x"))

    assert [len(batch) for batch in made] == [1, 1, 1]


def test_a_batch_whose_event_would_pass_six_mebibytes_is_split() -> None:
    made = batches(Batcher(3 * 1024 * 1024), records(*[b"x" * 200] * 9_000))

    assert len(made) == 2
    for batch in made:
        assert len(json.dumps({"records": batch}, separators=(",", ":"))) < LAMBDA_PAYLOAD_BYTES - 512


def test_a_partition_key_counts_with_what_json_makes_of_it() -> None:
    key = "\x01" * 256  # the longest, and six bytes a character
    long = event_record(b"x", shard_id="shardId-000000000000", partition_key=key, sequence_number="49", arrival_ms=1)

    made = batches(Batcher(3 * 1024 * 1024), [long] * 4_000)

    assert len(made) > 1
    assert all(len(json.dumps({"records": batch})) < LAMBDA_PAYLOAD_BYTES for batch in made)


def test_a_batch_has_at_most_ten_thousand_records() -> None:
    tiny = event_record(b"", shard_id="shardId-000000000000", partition_key="k", sequence_number="49", arrival_ms=1)

    assert [len(batch) for batch in batches(Batcher(3 * 1024 * 1024), [tiny] * 10_001)] == [10_000, 1]


def test_records_put_directly_are_batched_like_others() -> None:
    put = [direct_put_record(b"x" * 30, number=number, arrival_ms=1) for number in range(7)]

    assert [len(batch) for batch in batches(Batcher(100), put)] == [3, 3, 1]
