"""Partition buffers: rows wait under their partition, leave in order, and what stays is whole."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.batch import Batch
from firehose.local.delivery.buffering import PARTITION_BYTES, BufferedRecord, ByteBuffer, Partition, RowBuffer, largest
from tests.firehose_deliveries import record

SCHEMA = pa.schema([("n", pa.int64()), ("s", pa.struct([("tags", pa.list_(pa.string()))]))])


def batch(numbers: list[int]) -> pa.RecordBatch:
    rows = [{"n": number, "s": {"tags": [str(number)]}} for number in numbers]
    return pa.RecordBatch.from_pylist(rows, SCHEMA)


def entry(value: str, ordinal: int, *, rows: int = 1, size_bytes: int = 10) -> BufferedRecord:
    return BufferedRecord((value,), f"id-{ordinal}", ordinal, 1000 - ordinal, size_bytes, rows)


def taken(buffer: RowBuffer, *values: str) -> dict[str, list[int]]:
    partitions = [buffer.partitions[(value,)] for value in values]
    return {
        partition.values[0]: [row["n"] for row in rows.to_pylist() if row["s"]["tags"] == [str(row["n"])]]
        for partition, rows in buffer.take(partitions)
    }


def test_a_partition_leaves_with_its_rows_and_the_rest_stays() -> None:
    buffer = RowBuffer(SCHEMA, 10)
    buffer.add(batch([0, 1, 2, 3]), [entry("a", 0), entry("b", 1, rows=2), entry("a", 3)], None)
    buffer.add(batch([4, 5]), [entry("b", 4), entry("c", 5)], None)

    assert taken(buffer, "b") == {"b": [1, 2, 4]}
    assert buffer.size_bytes == 30 + 2 * PARTITION_BYTES
    assert taken(buffer, "c", "a") == {"c": [5], "a": [0, 3]}
    assert (buffer.size_bytes, buffer.partitions) == (0, {})


def test_the_entry_that_would_exceed_the_limit_is_left_for_later() -> None:
    buffer = RowBuffer(SCHEMA, 2)
    entries = [entry(value, ordinal) for ordinal, value in enumerate("abacb")]

    assert buffer.add(batch([0, 1, 2, 3, 4]), entries, None) == 3
    assert taken(buffer, "a", "b") == {"a": [0, 2], "b": [1]}


def test_the_entry_that_fills_its_partition_is_the_last_to_be_taken() -> None:
    buffer = RowBuffer(SCHEMA, 9, full_bytes=20)
    entries = [entry(value, ordinal) for ordinal, value in enumerate("abbba")]

    assert buffer.add(batch([0, 1, 2, 3, 4]), entries, None) == 3
    assert [partition.values for partition in buffer.full] == [("b",)]
    assert taken(buffer, "b") == {"b": [1, 2]}
    assert buffer.full == []


def test_a_partition_of_which_an_object_was_refused_counts_as_active_once() -> None:
    refused: dict[tuple[str, ...], int] = {("a",): 2}
    buffer = RowBuffer(SCHEMA, 2, refused=refused)

    assert buffer.add(batch([0, 1, 2]), [entry(value, ordinal) for ordinal, value in enumerate("abc")], None) == 2
    assert buffer.active == 2
    taken(buffer, "a", "b")
    assert buffer.active == 1


def test_a_partition_is_as_old_as_its_oldest_record() -> None:
    buffer = RowBuffer(SCHEMA, 2)

    buffer.add(batch([0, 1]), [entry("a", 7), entry("a", 9)], 123)

    partition = buffer.partitions[("a",)]
    assert (partition.oldest_ms, partition.opened_ms) == (991, 123)


def test_the_name_depends_on_the_records_their_order_the_stream_and_the_partition() -> None:
    def uuid(*ordinals: int, value: str = "a", stream: str = "s") -> str:
        partition = Partition((value,), None, 0)
        for ordinal in ordinals:
            partition.add(entry(value, ordinal), 0)
        return str(partition.uuid(stream))

    different = [uuid(1, 2), uuid(2, 1), uuid(1), uuid(1, 2, value="b"), uuid(1, 2, stream="t")]
    assert uuid(1, 2) == uuid(1, 2)
    assert len(set(different)) == 5
    assert different[0][14] == "5"


def test_the_largest_partitions_are_chosen_until_there_is_enough() -> None:
    partitions = [Partition((str(size),), None, 0, size_bytes=size) for size in (5000, 50_000, 20_000)]

    assert [each.size_bytes for each in largest(partitions, 60_000)] == [50_000, 20_000]
    assert [each.size_bytes for each in largest(partitions, 1)] == [50_000]
    assert len(largest(partitions, 10**9)) == 3


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans(), st.booleans()), max_size=40))
def test_no_row_is_lost_doubled_or_moved_whatever_is_taken_when(steps: list[tuple[str, bool, bool]]) -> None:
    buffer = RowBuffer(SCHEMA, 5)
    left: dict[str, list[int]] = {value: [] for value in "abcde"}
    for number, (value, pair, take) in enumerate(steps):
        entries = [entry(value, number)] + ([entry("a", number)] if pair else [])
        buffer.add(batch([number] * len(entries)), entries, None)
        if take and (value,) in buffer.partitions:
            left[value] += taken(buffer, value)[value]
    rest = taken(buffer, *[values[0] for values in buffer.partitions]) if buffer.partitions else {}
    for value, numbers in rest.items():
        left[value] += numbers

    expected: dict[str, list[int]] = {value: [] for value in "abcde"}
    for number, (value, pair, _) in enumerate(steps):
        expected[value].append(number)
        if pair:
            expected["a"].append(number)
    assert left == expected


def test_pieces_are_as_old_as_the_oldest_and_named_after_all_of_them() -> None:
    def pieces(*numbers: int, of: str = "s") -> tuple[ByteBuffer, str]:
        made = ByteBuffer()
        for number in numbers:
            made.add(b"piece", Batch([record(b"original", number, 1000 - number)], number, 7 * number), 0)
        return made, str(made.uuid(of))

    made, uuid = pieces(1, 3, 2)

    assert (made.oldest_ms, made.opened_ms, made.size_bytes, made.original_bytes) == (997, 7, 15, 24)
    assert (made.pieces, made.ordinals) == ([b"piece"] * 3, [1, 3, 2])
    assert len({uuid, pieces(1, 2, 3)[1], pieces(1, 3)[1], pieces(1, 3, 2, of="t")[1]}) == 4
    assert pieces(1, 3, 2)[1] == uuid
