"""The second half of a stream: what objects hold and are called and are counted as, and the limit of partitions."""

import gzip
import io
import json
from base64 import b64decode
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firehose.local.batch import Batch
from firehose.local.behaviour import Behaviour, ErrorCompression, RawData
from firehose.local.delivery.buffering import PARTITION_BYTES
from firehose.local.event_record import event_record, put_directly
from firehose.local.ledger import DELIVERED, FAILED
from firehose.local.processors.stage import METADATA_EXTRACTION_FAILED, Processed, ProcessorFailure
from tests.firehose_deliveries import ARRIVAL_MS, BY_TYPE, Rig, conversion, record, stream
from tests.firehose_streams import error_lines


def only(rig: Rig) -> tuple[str, bytes]:
    ((key, body),) = rig.sink.items()
    return key, body


def test_records_are_joined_with_nothing_between_them() -> None:
    rig = Rig(stream())

    rig.give(b"one", b"two\n", b"")
    rig.delivery.flush_all()

    key, body = only(rig)
    assert body == b"onetwo\n"
    assert key.startswith("data/2025/01/02/03/orders-1-2025-01-02-03-04-05-")
    assert "." not in key
    assert rig.sink.content_encodings == {key: ""}
    assert rig.settled == dict.fromkeys(range(3), DELIVERED)


@pytest.mark.parametrize("prefix", ["data/", BY_TYPE])
def test_the_delimiter_stands_between_records_and_not_after_the_last(prefix: str) -> None:
    rig = Rig(stream(prefix), delimiter=b"\n")

    rig.give(b"one", b"two", b"three", type="a")
    rig.delivery.flush_all()

    assert only(rig)[1] == b"one\ntwo\nthree"


def test_a_compressed_object_has_the_formats_encoding_and_the_streams_extension() -> None:
    rig = Rig(stream(compression="GZIP", extension=".log"))

    rig.give(b"one", b"two")
    rig.delivery.flush_all()

    key, body = only(rig)
    assert key.endswith(".log")
    assert rig.sink.content_encodings[key] == "gzip"
    assert gzip.decompress(body) == b"onetwo"


@pytest.mark.parametrize(
    "more", [{"compression": "GZIP"}, {"conversion": conversion()}, {}], ids=["gzip", "parquet", "plain"]
)
def test_a_file_extension_stands_in_place_of_the_formats_own(more: dict[str, Any]) -> None:
    rig = Rig(stream(extension=".json", **more))

    rig.give(b"{}")
    rig.delivery.flush_all()

    assert only(rig)[0].endswith(".json")
    assert only(rig)[0].count(".") == 1


def test_the_time_zone_is_that_of_prefix_and_name() -> None:
    rig = Rig(stream("!{timestamp:yyyy-MM-dd'T'HH}/", time_zone=ZoneInfo("America/New_York")))

    rig.give(b"x")
    rig.delivery.flush_all()

    assert only(rig)[0].startswith("2025-01-01T22/orders-1-2025-01-01-22-04-05-")


def test_an_object_is_dated_by_the_oldest_arrival_in_it() -> None:
    rig = Rig(stream())

    rig.give(b"late")
    rig.give(b"early", arrival_ms=ARRIVAL_MS - 86_400_000)
    rig.delivery.flush_all()

    assert only(rig)[0].startswith("data/2025/01/01/03/orders-1-2025-01-01-03-04-05-")


def test_an_error_object_is_dated_by_the_oldest_failed_record() -> None:
    rig = Rig(stream(error_prefix="bad/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"))
    records = [record(b"a", 0), record(b"b", 1, ARRIVAL_MS - 86_400_000), record(b"c", 2, ARRIVAL_MS - 2 * 86_400_000)]

    rig.accept(records, failed=[0, 1])
    rig.after(60)

    assert only(rig)[0].startswith("bad/processing-failed/2025/01/01/orders-1-2025-01-01-03-04-05-")
    assert rig.settled == {0: FAILED, 1: FAILED}


def test_a_buffer_becomes_an_object_with_the_record_that_fills_it() -> None:
    rig = Rig(stream(buffer_bytes=100))

    rig.give(*[b"x" * 30] * 9)

    assert [len(body) for body in rig.sink.values()] == [120, 120]
    assert rig.settled == dict.fromkeys(range(8), DELIVERED)
    assert rig.delivery.size_bytes == 30 + PARTITION_BYTES


def test_a_buffer_becomes_an_object_when_its_interval_has_passed() -> None:
    rig = Rig(stream(buffer_seconds=60))

    rig.give(b"x")
    rig.after(59.9)
    assert not rig.sink
    rig.after(0.1)

    assert only(rig)[1] == b"x"


def test_each_partition_fills_by_itself() -> None:
    rig = Rig(stream(BY_TYPE, buffer_bytes=100))

    for _ in range(3):
        rig.give(b"a" * 40, type="a")
        rig.give(b"b" * 10, type="b")

    assert [key[:7] for key in rig.sink] == ["data/a/"]
    assert set(rig.sink.values()) == {b"a" * 120}


def test_keys_of_a_query_and_of_the_function_make_one_prefix() -> None:
    rig = Rig(stream("!{partitionKeyFromQuery:kind}/!{partitionKeyFromLambda:type}/"))
    processed = Processed(ok=[(0, b"{}", {"type": "t"})], query_keys={0: {"kind": "made"}})

    rig.delivery.accept(Batch([record(b"original")], 0, rig.now_ms), processed)
    rig.delivery.flush_all()

    assert only(rig)[0].startswith("made/t/orders-1-")


def test_a_record_without_its_keys_is_kept_as_it_came_under_partitioning_failed() -> None:
    rig = Rig(stream("!{partitionKeyFromLambda:kind}/"))

    rig.accept([record(b"original")], (0, b'{"kind":null}', None))
    rig.after(60)

    key, body = only(rig)
    (error,) = error_lines([body])
    assert key.startswith("errors/partitioning-failed/")
    assert list(error) == [
        *("rawData", "errorCode", "errorMessage", "attemptsMade", "arrivalTimestamp", "attemptEndingTimestamp"),
    ]
    assert b64decode(error["rawData"]) == b"original"
    assert error["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
    assert error["errorMessage"] == "partitionKeys values must not be null or empty [kind]"


def test_a_record_for_which_the_query_gave_no_value_lies_under_metadata_extraction_failed() -> None:
    rig = Rig(stream("!{partitionKeyFromQuery:kind}/!{partitionKeyFromLambda:type}/"))

    processed = Processed(ok=[(0, b"{}", {"type": "t"})], query_keys={0: {}})
    rig.delivery.accept(Batch([record(b"original")], 0, rig.now_ms), processed)
    rig.after(60)

    (error,) = rig.sink.documents("errors/metadata-extraction-failed/")
    assert error["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
    assert "lambdaARN" not in error


def test_a_record_that_the_query_failed_lies_under_metadata_extraction_failed() -> None:
    rig = Rig(stream("!{partitionKeyFromQuery:kind}/"))

    code = "DynamicPartitioning.MetadataExtractionFailed"
    failure = ProcessorFailure(0, code, "Non JSON record provided", error_type=METADATA_EXTRACTION_FAILED)
    rig.delivery.accept(Batch([record(b"original")], 0, rig.now_ms), Processed(failed=[failure]))
    rig.after(60)

    (error,) = rig.sink.documents("errors/metadata-extraction-failed/")
    assert (error["errorMessage"], error["attemptsMade"]) == ("Non JSON record provided", 1)


def test_partitions_over_the_limit_go_to_the_error_output_and_are_a_metric() -> None:
    rig = Rig(stream(BY_TYPE), active_partitions=2)

    for kind in "abac":
        rig.give(kind.encode(), type=kind)
    assert (rig.metric("PartitionCount"), rig.metric("PartitionCountExceeded")) == (1 + 2 + 2 + 2, 1)
    rig.after(60)

    (error,) = rig.sink.documents("errors/activePartitionExceeded/")
    assert b64decode(error["rawData"]) == b"c"
    assert error["errorCode"] == "DynamicPartitioning.ActivePartitionsLimitExceeded"
    assert {key[:7]: body for key, body in rig.sink.under("data/").items()} == {"data/a/": b"aa", "data/b/": b"b"}
    assert rig.settled == {0: DELIVERED, 1: DELIVERED, 2: DELIVERED, 3: FAILED}


def several_rows(number: int, rows: int) -> bytes:
    """A record of so many JSON documents."""
    return b"".join(b'{"id":"%d.%d"}\n' % (number, row) for row in range(rows))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), min_size=1, max_size=12),
    st.sampled_from([40, 1024 * 1024]),
)
@example([("a", 1), ("b", 3), ("a", 2), ("c", 1), ("a", 1)], 1024 * 1024)
@example([("a", 1), ("b", 3), ("a", 2), ("b", 2), ("a", 1)], 40)
def test_all_rows_of_a_record_are_in_its_partition_or_the_record_is_an_error(
    shape: list[tuple[str, int]], buffer_bytes: int
) -> None:
    rig = Rig(stream(BY_TYPE, conversion=conversion(), buffer_bytes=buffer_bytes), active_partitions=1)
    records = [record(b"%d" % number, number) for number in range(len(shape))]

    rig.accept(
        records, *[(number, several_rows(number, rows), {"type": kind}) for number, (kind, rows) in enumerate(shape)]
    )
    rig.delivery.flush_all()

    failed = {int(b64decode(error["rawData"])) for error in rig.sink.documents("errors/activePartitionExceeded/")}
    for kind in "abc":
        bodies = rig.sink.under(f"data/{kind}/").values()
        rows = [row for body in bodies for row in pq.read_table(io.BytesIO(body)).column("id").to_pylist()]
        taken = [(number, rows) for number, (of, rows) in enumerate(shape) if of == kind and number not in failed]
        assert sorted(rows) == sorted(f"{number}.{row}" for number, count in taken for row in range(count))
    first = shape[0][0]
    if buffer_bytes > 1000:  # only the first record's partition is ever active
        assert failed == {number for number, (kind, _) in enumerate(shape) if kind != first}
    assert rig.settled == {number: FAILED if number in failed else DELIVERED for number in range(len(shape))}


def test_on_files_a_partition_is_one_object_however_many_there_are() -> None:
    rig = Rig(stream(BY_TYPE), active_partitions=1, live=False)

    for number in (*range(600), *range(600)):
        rig.give(b"%d," % number, type=str(number))
    rig.delivery.flush_all()

    assert sorted(rig.sink.values()) == sorted(b"%d,%d," % (number, number) for number in range(600))


def test_a_partition_takes_memory_beside_its_rows() -> None:
    rig = Rig(stream(BY_TYPE), live=False)

    rig.give(b"x", type="a")

    assert rig.delivery.size_bytes == 1 + PARTITION_BYTES


@pytest.mark.parametrize(("choice", "encoding"), [(ErrorCompression.NONE, ""), (ErrorCompression.AS_DATA, "gzip")])
def test_error_objects_are_compressed_as_the_data_only_where_that_is_chosen(
    choice: ErrorCompression, encoding: str
) -> None:
    rig = Rig(stream(compression="GZIP"), behaviour=Behaviour(error_compression=choice))

    rig.accept([record(b"x")], failed=[0])
    rig.delivery.flush_all()

    key, body = only(rig)
    assert (rig.sink.content_encodings[key], key.endswith(".gz")) == (encoding, bool(encoding))
    assert error_lines([gzip.decompress(body) if encoding else body])[0]["rawData"] == "eA=="


@pytest.mark.parametrize(
    ("raw_data", "kept"), [(RawData.ORIGINAL, b"original"), (RawData.TRANSFORMED, b'{"qty":"many"}')]
)
def test_a_conversion_error_holds_the_original_or_what_was_made_of_it(raw_data: RawData, kept: bytes) -> None:
    rig = Rig(stream(conversion=conversion()), behaviour=Behaviour(conversion_raw_data=raw_data))

    rig.accept([record(b"original")], (0, b'{"qty":"many"}', None))
    rig.after(60)

    (error,) = rig.sink.documents()
    assert b64decode(error["rawData"]) == kept
    assert (error["subSequenceNumber"], len(error["sequenceNumber"])) == (0, 56)


@pytest.mark.parametrize("put", [False, True], ids=["read from Kinesis", "put"])
def test_a_conversion_error_has_the_numbers_of_its_record(put: bool) -> None:
    rig = Rig(stream(conversion=conversion()))
    numbered = event_record(
        b"x", shard_id="shardId-000000000000", partition_key="k", sequence_number="49" + "7" * 54, arrival_ms=0,
        subsequence_number=3,
    )  # fmt: skip

    rig.accept([put_directly(numbered) if put else numbered], (0, b"no JSON", None))
    rig.after(60)

    (error,) = rig.sink.documents()
    assert (error["sequenceNumber"], error["subSequenceNumber"]) == ("49" + "7" * 54, 3)
    assert error["lastErrorCode"] == "DataFormatConversion.ParseError"


@pytest.mark.parametrize("compression", ["GZIP", "ZIP"])
def test_error_objects_are_neither_compressed_nor_do_they_have_an_extension(compression: str) -> None:
    rig = Rig(stream(compression=compression, extension=".x"))

    rig.accept([record(b"x")], failed=[0])
    rig.after(60)

    key, body = only(rig)
    assert "." not in key
    assert json.loads(body)["errorCode"] == "Lambda.ProcessingFailedStatus"
    assert rig.sink.content_encodings[key] == ""


def test_what_is_delivered_is_counted_with_the_errors_and_by_the_size_of_the_originals() -> None:
    rig = Rig(stream(conversion=conversion()))
    originals = [record(b"x" * size, size) for size in (100, 10, 7)]

    rig.accept(originals, (0, b'{"qty":1}', None), (1, b'{"qty":"many"}', None), failed=[2])
    rig.after(60)

    assert rig.metric("DeliveryToS3.Records") == 3
    assert rig.metric("DeliveryToS3.Bytes") == 117
    assert rig.metric("DeliveryToS3.Success") == 3
    assert (rig.metric("SucceedConversion.Records"), rig.metric("SucceedConversion.Bytes")) == (1, 9)
    assert (rig.metric("FailedConversion.Records"), rig.metric("FailedConversion.Bytes")) == (1, 14)
    assert rig.metric("DeliveryToS3.ObjectCount") is None


def test_the_freshness_is_the_age_of_the_oldest_record_when_it_is_delivered() -> None:
    rig = Rig(stream())

    rig.give(b"x")
    rig.after(60)

    assert rig.metric("DeliveryToS3.DataFreshness") == 61


def test_partitioned_objects_are_counted_and_their_throughput_is_by_partition() -> None:
    rig = Rig(stream(BY_TYPE))

    rig.give(b"x" * 600, type="a")
    rig.give(b"x" * 60, type="b")
    rig.after(60)

    throughput = rig.delivery.report.metrics.totals()["PerPartitionThroughput"]
    assert rig.metric("DeliveryToS3.ObjectCount") == 2
    assert (throughput.minimum, throughput.maximum) == (1, 10)


def test_converted_rows_are_parquet_whatever_the_delimiter() -> None:
    rig = Rig(stream(conversion=conversion()), delimiter=b"\n")

    rig.give(b'{"id":"1"}', b'{"id":"2"}')
    rig.delivery.flush_all()

    _, body = only(rig)
    assert pq.read_table(io.BytesIO(body)).column("id").to_pylist() == ["1", "2"]
