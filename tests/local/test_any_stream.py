"""Delivery streams that are not ours, whole: from a record put to the objects that landed."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_kinesis_agg.aggregator import RecordAggregator

from firehose.local.behaviour import Behaviour, BrokenQuery
from firehose.local.config.members import SettingError, UnsupportedSettingError
from firehose.local.data_plane import DataPlane
from firehose.local.local_stream import LocalStream
from firehose.local.user_error import UserError
from firehose.testing import LocalFirehose
from tests.fakes import MemorySink, failing
from tests.firehose_streams import (
    COLUMNS,
    ROLE_ARN,
    STREAM_ARN,
    destination,
    function,
    local,
    order,
    payload,
    records,
    request,
    table,
)
from tests.stream_requests import asking, partitioned


def plain(
    *processors: dict[str, Any], source: str | None = None, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A stream without conversion that is put to, or reads a Kinesis stream."""
    made: dict[str, Any] = {
        "DeliveryStreamName": "events",
        "DeliveryStreamType": "KinesisStreamAsSource" if source else "DirectPut",
        "ExtendedS3DestinationConfiguration": {
            "RoleARN": ROLE_ARN,
            "BucketARN": "arn:aws:s3:::lake",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
            "ProcessingConfiguration": {"Enabled": bool(processors), "Processors": list(processors)},
            **(more or {}),
        },
    }
    if source:
        made["KinesisStreamSourceConfiguration"] = {"KinesisStreamARN": source, "RoleARN": ROLE_ARN}
    return made


def processor(kind: str, **parameters: str) -> dict[str, Any]:
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Type": kind, "Parameters": listed}


PARTITIONED = {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}}
BY_DAY = processor("MetadataExtraction", MetadataExtractionQuery="{day: .day}", JsonParsingEngine="JQ-1.6")
TO_DAYS = {
    "Prefix": "events/!{partitionKeyFromQuery:day}/",
    "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
    "DynamicPartitioningConfiguration": PARTITIONED,
}
BACKUP = {
    "S3BackupMode": "Enabled",
    "S3BackupConfiguration": {
        "RoleARN": ROLE_ARN,
        "BucketARN": "arn:aws:s3:::lake",
        "Prefix": "originals/",
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
    },
}


def test_a_stream_that_is_put_to_and_calls_nothing_delivers_what_was_put(firehose: LocalFirehose) -> None:
    stream = firehose.create(plain(more={"CompressionFormat": "GZIP"}))

    stream.put(b"one,")
    stream.put(b"two")
    firehose.advance(seconds=60)

    ((key, landed),) = stream.bucket.items()
    assert key.startswith("2026/01/01/00/events-1-2026-01-01-00-00-00-")
    assert (key[-3:], landed.content_encoding, gzip.decompress(landed.body)) == (".gz", "gzip", b"one,two")


BROKEN = "{type: (.t | strftime(%Y))}"


def test_a_query_that_does_not_compile_is_accepted_with_a_warning_and_fails_every_record(
    firehose: LocalFirehose,
) -> None:
    with pytest.warns(UserWarning, match="AWS takes this query, and every record fails by it: jq: error"):
        stream = firehose.create(partitioned(asking(BROKEN)))

    stream.put(b'{"t": 0}')
    stream.flush()

    (error,) = stream.errors("errors/metadata-extraction-failed/")
    assert error["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"


def test_a_query_that_does_not_compile_is_refused_by_a_switch(firehose: LocalFirehose) -> None:
    behaviour = Behaviour(broken_query=BrokenQuery.REFUSED)

    with pytest.raises(SettingError, match="MetadataExtractionQuery does not compile: jq: error"):
        firehose.create(partitioned(asking(BROKEN)), behaviour=behaviour)


def test_inline_keys_partition_records_that_no_function_sees(firehose: LocalFirehose) -> None:
    stream = firehose.create(plain(BY_DAY, processor("AppendDelimiterToRecord"), more=TO_DAYS))

    for line in ({"n": 1, "day": "mon"}, {"n": 2, "day": "tue"}, {"n": 3, "day": "mon"}, {"n": 4}):
        stream.put(line)
    stream.put("nope")
    firehose.advance(seconds=60)

    monday = b"".join(landed.body for landed in stream.bucket.below("events/mon/").values())
    assert [json.loads(line)["n"] for line in monday.splitlines()] == [1, 3]
    assert len(stream.bucket.below("events/tue/")) == 1
    errors = stream.errors("errors/metadata-extraction-failed/")
    failed = [(payload({"data": error["rawData"]}), error["errorMessage"].partition(" [")[0]) for error in errors]
    assert sorted(failed) == [
        (b'{"n": 4}', "partitionKeys values must not be null or empty"),
        (b"nope", "Non JSON record provided"),
    ]


def test_documents_put_as_one_record_are_records_of_their_own(firehose: LocalFirehose) -> None:
    apart = processor("RecordDeAggregation", SubRecordType="JSON")
    stream = firehose.create(plain(apart, BY_DAY, more=TO_DAYS))

    stream.put(b'{"n": 1, "day": "mon"}\n{"n": 2, "day": "tue"}')
    waiting = stream.waiting
    firehose.advance(seconds=60)

    assert [key.split("/")[1] for key in sorted(stream.bucket)] == ["mon", "tue"]
    assert (waiting, stream.waiting) == (1, 0)


def test_a_record_of_the_kinesis_producer_library_is_taken_apart(firehose: LocalFirehose) -> None:
    aggregator = RecordAggregator()
    for number in range(3):
        aggregator.add_user_record("key", order(str(number)))
    _, _, aggregate = aggregator.clear_and_get().get_contents()
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())

    orders.put(aggregate)
    orders.flush()

    assert sorted(row["id"] for row in orders.rows()) == ["0", "1", "2"]
    assert orders.waiting == 0


def test_what_the_library_joined_is_taken_apart_before_what_producers_joined_themselves(
    firehose: LocalFirehose,
) -> None:
    aggregator = RecordAggregator()
    for number in (0, 2):
        aggregator.add_user_record("key", b'{"n": %d, "day": "mon"}{"n": %d, "day": "mon"}' % (number, number + 1))
    _, _, aggregate = aggregator.clear_and_get().get_contents()
    apart = processor("RecordDeAggregation", SubRecordType="JSON")
    newline = processor("AppendDelimiterToRecord")
    stream = firehose.create(plain(apart, BY_DAY, newline, source=STREAM_ARN, more=TO_DAYS))

    stream.put(aggregate)
    stream.flush()

    (landed,) = stream.bucket.values()
    assert [json.loads(line)["n"] for line in landed.body.splitlines()] == [0, 1, 2, 3]
    assert stream.waiting == 0


def test_the_backup_has_every_original_whatever_became_of_it(firehose: LocalFirehose) -> None:
    made = request()
    destination(made).update(BACKUP)
    orders = firehose.create(made, table=table(COLUMNS), handler=function())
    lines = [order("1"), b'{"result": "Dropped"}', b"broken", order("2", qty="many")]

    for line in lines:
        orders.put(line)
    firehose.advance(seconds=600)

    assert b"".join(landed.body for landed in orders.bucket.below("originals/").values()) == b"".join(lines)
    assert [row["id"] for row in orders.rows("data-pipeline/")] == ["1"]
    assert orders.waiting == 0


def test_originals_and_what_is_delivered_may_lie_below_one_prefix(firehose: LocalFirehose) -> None:
    made = plain(more={**BACKUP, "Prefix": "originals/"})
    stream = firehose.create(made)

    stream.put(b"one")
    firehose.advance(seconds=60)

    assert [landed.body for landed in stream.bucket.below("originals/").values()] == [b"one", b"one"]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        pytest.param(None, {"IncomingRecords": 2, "IncomingBytes": 6}, id="put to"),
        pytest.param(
            STREAM_ARN, {"DataReadFromKinesisStream.Records": 2, "DataReadFromKinesisStream.Bytes": 6}, id="reads"
        ),
    ],
)
def test_what_comes_in_is_counted_by_the_metrics_of_its_source(
    firehose: LocalFirehose, source: str | None, names: dict[str, int]
) -> None:
    stream = firehose.create(plain(source=source))

    stream.put(b"one")
    stream.put(b"two")
    firehose.advance(seconds=1)

    found = {name: values.sum for name, values in stream.metrics.totals().items()}
    assert {name: value for name, value in found.items() if name.startswith(("Incoming", "DataRead"))} == names


def denied() -> MemorySink:
    """A bucket that takes nothing."""
    return MemorySink(failing(error=UserError("AccessDenied")))


def backed_up(**more: Any) -> LocalStream:
    stream = local(**more)
    destination(stream.request).update(BACKUP)
    return stream


def test_a_denied_backup_does_not_hold_delivery_up_nor_let_the_source_forget() -> None:
    sink, settled = MemorySink(), [-1]
    plane = DataPlane([backed_up()], sink, backup_sink=denied(), clock=lambda: 0)

    with pytest.raises(UserError):
        plane.run(records(order("1")), settled=settled.append)

    assert len(sink.under("data-pipeline/parquet/")) == 1
    assert settled[-1] == 0


def test_a_denied_bucket_does_not_hold_up_the_streams_beside_it() -> None:
    plane = DataPlane(
        [backed_up(name="a"), local(name="b")],
        MemorySink(),
        backup_sink=denied(),
        clock=lambda: 0,
    )

    with pytest.raises(UserError):
        plane.run(records(order("1")))

    assert [stream.delivered for stream in plane.report.streams] == [1, 1]


def test_a_bucket_that_takes_nothing_ends_the_run_before_memory_does() -> None:
    read = 0
    lines = [order(str(number), f"2025-01-0{number % 9 + 1}", note="x" * 300) for number in range(2000)]

    def source() -> Any:
        nonlocal read
        for record in records(*lines):
            read += 1
            yield record

    plane = DataPlane(
        [local(lambda_buffer_mib=0.2)],
        denied(),
        clock=lambda: 0,
        memory_bytes=2_000,
    )

    with pytest.raises(UserError):
        plane.run(source())

    assert 0 < read < 2000


def test_memory_that_is_full_of_originals_is_freed_of_them() -> None:
    sink = MemorySink()
    plane = DataPlane([backed_up(lambda_buffer_mib=0.2)], sink, clock=lambda: 0, memory_bytes=500_000)

    for record in records(*(order(str(number), note="x" * 1000) for number in range(800))):
        plane.accept(record, 0)

    # The interval has not ended, nor is there a MiB of them.
    assert sink.under("originals/")


def test_streams_that_would_take_records_apart_in_different_ways_do_not_run_together() -> None:
    apart = plain(processor("RecordDeAggregation", SubRecordType="JSON"), BY_DAY, source=STREAM_ARN, more=TO_DAYS)

    with pytest.raises(UnsupportedSettingError, match="Processors"):
        DataPlane([local(), LocalStream(apart)], MemorySink())
