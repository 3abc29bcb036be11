"""The fixture for people's own tests: records put, a clock moved, what landed."""

import json
from datetime import datetime
from typing import Any

import pytest

from firehose.testing import LocalFirehose
from tests.firehose_streams import (
    COLUMNS,
    ROLE_ARN,
    avro_request,
    destination,
    function,
    order,
    payload,
    request,
    table,
)


def test_a_row_lands_when_both_intervals_have_passed_and_not_before(firehose: LocalFirehose) -> None:
    orders = firehose.create(
        request(lambda_buffer_seconds=60, buffer_seconds=60), table=table(COLUMNS), handler=function()
    )

    orders.put(order("1"))
    firehose.advance(seconds=119)
    early = orders.rows()
    firehose.advance(seconds=1)

    assert early == []
    assert [row["id"] for row in orders.rows("data-pipeline/parquet/order/partition_date=2025-01-01/")] == ["1"]


def test_what_waits_is_counted_until_it_lands(firehose: LocalFirehose) -> None:
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())

    orders.put(order("1"))
    waiting = orders.waiting
    orders.flush()

    assert (waiting, orders.waiting) == (1, 0)


def test_a_failure_lands_as_an_error_record(firehose: LocalFirehose) -> None:
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())

    orders.put({"result": "ProcessingFailed"})
    orders.flush()

    (error,) = orders.errors("data-pipeline/errors/firehose/processing-failed/")
    assert (error["errorCode"], error["arrivalTimestamp"]) == ("Lambda.ProcessingFailedStatus", firehose.now_ms)


def test_the_exception_of_a_function_is_printed_beside_a_test_that_fails(
    firehose: LocalFirehose, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(*_: Any) -> None:
        raise ValueError("at order 7")

    orders = firehose.create(request(), table=table(COLUMNS), handler=handler)
    orders.put(order("1"))
    orders.flush()

    firehose.print_problems()

    (problem,) = orders.function_problems
    printed = capsys.readouterr().err
    assert printed.startswith("orders: the function raised ValueError at test_testing.py:")
    assert problem.log in printed
    assert "ValueError: at order 7" in problem.log


def test_streams_share_the_clock_and_the_buckets(firehose: LocalFirehose) -> None:
    ours = [firehose.create(request(name), table=table(COLUMNS), handler=function()) for name in ("orders", "refunds")]

    for stream in ours:
        stream.put(order("1"))
    firehose.advance(seconds=120)

    names = [key.rpartition("/")[2] for key in firehose.bucket("lake")]
    assert [name.partition("-")[0] for name in sorted(names)] == ["orders", "refunds"]


def test_after_a_restart_what_had_not_landed_is_read_again(firehose: LocalFirehose) -> None:
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())
    orders.put(order("1"))
    orders.flush()
    orders.put(order("2"))

    orders.restart()
    waiting = orders.waiting
    orders.flush()

    assert waiting == 1
    assert sorted(row["id"] for row in orders.rows()) == ["1", "2"]


@pytest.mark.parametrize("fault", ["throttle", "s3-denied", "s3-cut", "missing-ids"])
def test_what_is_made_to_go_wrong_costs_no_record(firehose: LocalFirehose, fault: str) -> None:
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())
    for number in range(4):
        orders.put(order(str(number)))

    orders.inject(fault, times=3)
    firehose.advance(seconds=600)

    kept = [
        json.loads(payload({"data": error["rawData"]}))["row"]["id"] for error in orders.errors("data-pipeline/err")
    ]
    assert sorted(kept + [row["id"] for row in orders.rows()]) == ["0", "1", "2", "3"]
    assert orders.waiting == 0


def test_a_fault_lasts_until_it_is_taken_back(firehose: LocalFirehose) -> None:
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())
    orders.put(order("1"))

    orders.inject("s3-denied")
    firehose.advance(seconds=1000)
    refused = (orders.waiting, orders.rows())
    orders.inject("s3-denied", times=0)
    firehose.advance(seconds=60)

    assert refused == (1, [])
    assert [row["id"] for row in orders.rows()] == ["1"]
    assert orders.metrics.totals()["DeliveryToS3.Success"].minimum == 0


def test_a_record_of_1000_kib_can_be_put_and_no_larger_one(firehose: LocalFirehose) -> None:
    plain = {"RoleARN": ROLE_ARN, "BucketARN": "arn:aws:s3:::lake"}
    stream = firehose.create({"DeliveryStreamName": "plain", "ExtendedS3DestinationConfiguration": plain})

    stream.put(b"x" * 1_024_000)

    with pytest.raises(ValueError, match="ValidationException"):
        stream.put(b"x" * 1_024_001)
    assert stream.waiting == 1


def test_rows_have_their_times_to_the_microsecond(firehose: LocalFirehose) -> None:
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())

    orders.put(order("1", at="2025-01-01 10:00:00.123456789"))
    orders.flush()

    assert orders.rows()[0]["at"] == datetime(2025, 1, 1, 10, 0, 0, 123456)


def test_a_fault_that_nobody_knows_is_refused(firehose: LocalFirehose) -> None:
    orders = firehose.create(request(), table=table(COLUMNS), handler=function())

    with pytest.raises(ValueError, match=r"unknown fault 'flood' \(choose from throttle, "):
        orders.inject("flood")


def test_rows_of_a_stream_that_converts_nothing_are_in_its_bucket(firehose: LocalFirehose) -> None:
    orders = firehose.create(avro_request(), handler=function())

    with pytest.raises(ValueError, match="orders does not convert records to Parquet: read its objects in `bucket`"):
        orders.rows()


def test_a_table_or_a_handler_that_the_stream_does_not_use_is_refused(firehose: LocalFirehose) -> None:
    without_function = request()
    del destination(without_function)["ProcessingConfiguration"], destination(without_function)["Prefix"]
    del destination(without_function)["DynamicPartitioningConfiguration"]

    with pytest.raises(ValueError, match="table has no effect on orders"):
        firehose.create(avro_request(), table=table(COLUMNS), handler=function())
    with pytest.raises(ValueError, match="handler has no effect on orders"):
        firehose.create(without_function, table=table(COLUMNS), handler=function())


@pytest.mark.parametrize(
    "data", [b'{"result": "Dropped"}', '{"result": "Dropped"}', {"result": "Dropped"}], ids=["bytes", "text", "mapping"]
)
def test_a_record_is_put_as_bytes_as_text_or_as_json(firehose: LocalFirehose, data: Any) -> None:
    seen: list[Any] = []

    def handler(event: dict[str, Any], context: object) -> Any:
        seen.extend(json.loads(json.dumps(event))["records"])
        return function()(event, context)

    orders = firehose.create(request(), table=table(COLUMNS), handler=handler)

    record_id = orders.put(data)
    orders.flush()

    assert [(record["recordId"], record["data"]) for record in seen] == [(record_id, "eyJyZXN1bHQiOiAiRHJvcHBlZCJ9")]
