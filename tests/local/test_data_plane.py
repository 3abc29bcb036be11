"""The data plane, end to end: what is delivered where, under which name, and that the counts are true."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from firehose.local.config.members import RefusedSettingError
from firehose.local.data_plane import DataPlane
from firehose.local.local_stream import LocalStream
from firehose.local.sinks import FolderSink
from tests.data_planes import DATA, ERRORS, arriving_line, ids, run
from tests.fakes import MemorySink
from tests.firehose_streams import (
    FUNCTION_ARN,
    answer,
    destination,
    error_lines,
    function,
    local,
    obedient,
    order,
    payload,
    records,
    request,
    table,
)
from tests.stream_requests import changed, plain


def test_rows_are_in_one_object_per_partition_in_order_of_arrival() -> None:
    report, sink = run(order("1", "2025-01-01"), order("2", "2025-01-02"), order("3", "2025-01-01"))

    assert ids(sink, f"{DATA}order/partition_date=2025-01-01/orders-1-") == ["1", "3"]
    assert ids(sink, f"{DATA}order/partition_date=2025-01-02/orders-1-") == ["2"]
    assert (len(sink), report.streams[0].objects, report.streams[0].rows) == (2, 2, 3)
    assert report.streams[0].bytes_out == sum(map(len, sink.values()))


def test_an_object_is_named_after_the_oldest_arrival_in_it() -> None:
    _, sink = run(arriving_line("1", 1_714_564_809_999), arriving_line("2", 1_714_564_700_000))

    (key,) = sink
    assert key.startswith(f"{DATA}order/partition_date=2025-01-01/orders-1-2024-05-01-11-58-20-")
    assert key.endswith(".parquet")
    assert sink.content_encodings[key] == "hadoop-snappy"


@pytest.mark.parametrize("compression", ["SNAPPY", "GZIP", "UNCOMPRESSED"])
def test_parquet_has_the_content_encoding_of_hadoop_snappy_whatever_its_pages_have(compression: str) -> None:
    path = "DataFormatConversionConfiguration.OutputFormatConfiguration.Serializer.ParquetSerDe.Compression"
    stream = local()
    compressed = replace(
        stream, request=changed(stream.request, f"ExtendedS3DestinationConfiguration.{path}", compression)
    )

    _, sink = run(order("1"), streams=[compressed])

    assert set(sink.content_encodings.values()) == {"hadoop-snappy"}


def test_the_same_input_again_replaces_its_objects() -> None:
    lines = [order(str(number), f"2025-01-0{number % 3 + 1}") for number in range(20)] + [b"bad"]
    sink = MemorySink()

    DataPlane([local()], sink).run(records(*lines))
    first = dict(sink)
    DataPlane([local()], sink).run(records(*lines))

    assert sink == first


def test_other_input_never_replaces_an_object() -> None:
    sink = MemorySink()

    DataPlane([local()], sink).run(records(order("1")))
    DataPlane([local()], sink).run(records(order("2")))
    DataPlane([local(name="others")], sink).run(records(order("1")))

    assert sorted(ids(sink)) == ["1", "1", "2"]


def test_timestamps_are_int96_and_every_column_is_optional() -> None:
    columns = {"id": "string", "at": "timestamp", "day": "date", "tags": "array<struct<a:int>>", "m": "map<string,int>"}
    row: dict[str, Any] = {"at": "1900-01-01 10:00:00.123", "day": "2024-02-29", "tags": [{"a": 1}], "m": {"k": 1}}

    _, sink = run(order("1", **row), streams=[local(columns=columns)])

    file = pq.ParquetFile(io.BytesIO(next(iter(sink.values()))))
    described = [file.schema.column(place) for place in range(len(file.schema))]
    assert {column.path: column.physical_type for column in described}["at"] == "INT96"
    assert all(column.max_definition_level >= 1 for column in described)
    assert {file.metadata.row_group(0).column(place).compression for place in range(len(described))} == {"SNAPPY"}
    assert [str(field.type) for field in file.schema_arrow][:3] == ["string", "timestamp[ns]", "date32[day]"]
    assert file.metadata.metadata is None
    assert file.read().column("at").cast("timestamp[ms]").to_pylist()[0].isoformat() == "1900-01-01T10:00:00.123000"


def test_what_the_function_fails_is_kept_as_it_came() -> None:
    report, sink = run(b"bad", order("1"), b"worse")

    (key,) = sink.under(ERRORS)
    assert key.startswith(f"{ERRORS}processing-failed/orders-1-")
    assert "." not in key.rsplit("/", 1)[1]
    first, second = error_lines(sink.under(ERRORS).values())
    assert list(first) == [
        "rawData",
        "errorCode",
        "errorMessage",
        "attemptsMade",
        "arrivalTimestamp",
        "attemptEndingTimestamp",
        "lambdaARN",
    ]
    assert [payload({"data": each["rawData"]}) for each in (first, second)] == [b"bad", b"worse"]
    assert (first["errorCode"], first["attemptsMade"]) == ("Lambda.ProcessingFailedStatus", 1)
    assert first["lambdaARN"] == f"{FUNCTION_ARN}:$LATEST"
    assert report.streams[0].failed == {"Lambda.ProcessingFailedStatus": 2}


def test_an_error_object_is_named_after_the_oldest_arrival_in_it() -> None:
    late, early = (
        json.dumps({"result": "ProcessingFailed", "arrival_ms": at_ms}).encode()
        for at_ms in (1_714_564_809_999, 1_714_564_700_000)
    )

    _, sink = run(late, early)

    (key,) = sink
    assert key.startswith(f"{ERRORS}processing-failed/orders-1-2024-05-01-11-58-20-")


def test_a_row_that_does_not_convert_fails_alone() -> None:
    bad = order("2", qty="many")

    report, sink = run(order("1"), bad, order("3"))

    assert ids(sink) == ["1", "3"]
    (error,) = error_lines(sink.under(f"{ERRORS}format-conversion-failed/").values())
    assert error["lastErrorCode"] == "DataFormatConversion.MalformedData"
    assert "many" not in error["lastErrorMessage"]
    assert payload({"data": error["rawData"]}) == bad
    assert (len(error["sequenceNumber"]), error["subSequenceNumber"]) == (56, 0)
    assert error["dataCatalogTable"]["tableName"] == "order"
    assert (report.delivered, report.failed) == (2, 1)


def test_a_record_without_usable_partition_keys_fails_alone() -> None:
    report, sink = run(order("1", date=""), order("2", date="../../x"), order("3"))

    assert ids(sink) == ["3"]
    errors = error_lines(sink.under(f"{ERRORS}partitioning-failed/").values())
    assert [error["errorCode"] for error in errors] == ["DynamicPartitioning.MetadataExtractionFailed"] * 2
    assert "lambdaARN" not in errors[0]
    assert (report.delivered, report.failed) == (1, 2)


@pytest.mark.parametrize("prefix", ["!{partitionKeyFromLambda:date}/", "x/!{partitionKeyFromLambda:date}"])
@pytest.mark.parametrize("date", ["/abs", "y" * 200, ("y" * 200 + "/") * 3, ("é" * 100 + "/") * 5])
def test_a_key_that_s3_or_a_folder_refuses_fails_its_record_alone(prefix: str, date: str, tmp_path: Path) -> None:
    made = request()
    destination(made)["Prefix"] = prefix
    lines = [order("1", date=date), order("2")]

    report = DataPlane([LocalStream(made, table({"id": "string"}), function())], FolderSink(tmp_path)).run(
        records(*lines)
    )

    assert report.adds_up
    assert report.delivered + report.failed == 2
    assert set(report.streams[0].failed) <= {"DynamicPartitioning.MetadataExtractionFailed"}
    keys = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.parquet")]
    assert len(keys) == report.delivered >= 1
    assert all(len(str(key).encode()) <= 1024 for key in keys)


@pytest.mark.parametrize("stream", [local(), LocalStream(plain())], ids=["with a function", "without"])
def test_a_record_that_was_too_large_to_read_fails_alone(stream: LocalStream) -> None:
    sink = MemorySink()
    before, unread, after = records(order("1"), order("2"), order("3"))
    unread["data"], unread["unreadBytes"] = "", 256 * 1024 * 1024

    report = DataPlane([stream], sink).run([before, unread, after])

    (error,) = error_lines(body for key, body in sink.items() if "processing-failed" in key)
    assert (report.read, report.delivered, report.failed) == (3, 2, 1)
    assert (error["errorCode"], error["rawData"]) == ("Source.RecordTooLarge", "")


def test_a_record_of_several_rows_is_one_record() -> None:
    several = json.dumps({"raw": '{"id":"1"}{"id":"2"}', "date": "2025-01-01"}).encode()

    report, sink = run(several, order("3"))

    assert ids(sink) == ["1", "2", "3"]
    assert (report.delivered, report.streams[0].rows) == (2, 3)


def test_each_stream_delivers_its_own_and_drops_the_rest() -> None:
    def only(wanted: str) -> Any:
        def each(record: Any) -> dict[str, Any]:
            mine = json.loads(payload(record))["row"]["id"] == wanted
            return obedient(record) if mine else answer(record, "Dropped")

        return function(each)

    streams = [local(only(name), name=name) for name in ("a", "b")]

    report, sink = run(order("a"), order("b"), order("c"), order("a"), streams=streams)

    assert (report.read, report.delivered, report.dropped, report.failed) == (4, 3, 1, 0)
    assert [(each.delivered, each.dropped) for each in report.streams] == [(2, 2), (1, 3)]
    assert ids(sink) == ["a", "a", "b"]


def test_what_one_function_changes_no_other_sees() -> None:
    seen: list[Any] = []

    def meddling(event: Any, context: Any) -> Any:
        for record in event["records"]:
            seen.append(dict(record["kinesisRecordMetadata"]))
            record["kinesisRecordMetadata"].clear()
        return {"records": [answer(record, "Dropped") for record in event["records"]]}

    run(order("1"), streams=[local(meddling, name="a"), local(meddling, name="b")])

    assert seen[0] == seen[1] != {}


def test_a_record_that_two_streams_deliver_does_not_add_up() -> None:
    report = DataPlane([local(name="a"), local(name="b")], MemorySink()).run(records(order("1")))

    assert (report.delivered, report.delivered_twice, report.adds_up) == (1, 1, False)


def test_streams_of_other_buffer_hints_get_batches_of_their_own() -> None:
    sizes: dict[str, list[int]] = {"a": [], "b": []}

    def counting(name: str) -> Any:
        def handler(event: Any, _: Any) -> Any:
            sizes[name].append(len(event["records"]))
            return {"records": [answer(record, "Dropped") for record in event["records"]]}

        return handler

    streams = [local(counting("a"), name="a", lambda_buffer_mib=0.2), local(counting("b"), name="b")]

    report, _ = run(*[b"x" * 100_000] * 5, streams=streams)

    assert sizes == {"a": [2, 2, 1], "b": [5]}
    assert report.bytes_read == report.streams[0].bytes_in == report.streams[1].bytes_in == 500_000


def test_what_a_function_prints_reaches_the_caller_with_its_streams_name() -> None:
    told: list[tuple[str, str]] = []

    def handler(event: Any, context: Any) -> Any:
        print("metrics")  # noqa: T201
        return function()(event, context)

    run(order("1"), streams=[local(handler)], on_printed=lambda *each: told.append(each))

    assert told == [("orders", "metrics\n")]


def test_a_setting_that_is_not_supported_stops_the_stream_from_being_made() -> None:
    refused = request()
    destination(refused)["S3BackupMode"] = "Enabled"

    with pytest.raises(RefusedSettingError, match="S3BackupConfiguration"):
        DataPlane([LocalStream(refused, table({"id": "string"}), function())], MemorySink())


def test_without_dynamic_partitioning_there_is_one_object_under_the_date_of_arrival() -> None:
    plain = request()
    config = destination(plain)
    del config["DynamicPartitioningConfiguration"]
    config.update(Prefix="orders/", FileExtension=".pq")
    stream = LocalStream(plain, table({"id": "string"}), function())

    _, sink = run(arriving_line("1", 1_714_564_809_999), order("2", "2030-01-01"), streams=[stream])

    (key,) = sink
    assert key.startswith("orders/2024/05/01/12/orders-1-2024-05-01-12-00-09-")
    assert key.endswith(".pq")
    assert ids(sink, "orders/") == ["1", "2"]


def test_a_stream_that_converts_without_a_table_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="orders converts records by the table order, which is missing"):
        DataPlane([LocalStream(request(), None, function())], MemorySink())


def test_nothing_read_is_nothing_written() -> None:
    report, sink = run()

    assert (report.read, dict(sink)) == (0, {})


LINES = st.one_of(
    st.builds(order, st.text("ab", max_size=2), st.sampled_from(["2025-01-01", "2025-01-02", ""])),
    st.builds(lambda qty: order("x", qty=qty), st.sampled_from([1, "2", "x", None])),
    st.sampled_from(
        [b"\0", b"bad", b'{"result": "Dropped"}', b'{"result": "Odd"}', b'{"raw": "", "date": "2025-01-01"}']
    ),
)


@given(st.lists(LINES, max_size=20))
def test_every_record_read_is_delivered_dropped_or_failed(lines: list[bytes]) -> None:
    report, sink = run(*lines)

    assert report.read == len(lines)
    assert report.delivered == len(ids(sink))
    assert report.failed == len(error_lines(sink.under(ERRORS).values()))
