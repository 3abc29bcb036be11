"""Delivery to Iceberg tables: buffers, commits, retries, error objects, metrics."""

import base64
import json
import re

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from pyiceberg.types import StringType

from firehose.local.testing import LocalFirehose
from tests.fakes import failing
from tests.iceberg_streams import FAILED, ids, make_table, one_table, routed
from tests.stream_requests import iceberg, only_table

pytestmark = pytest.mark.slow


def test_rows_are_in_the_table_when_the_interval_has_passed(firehose: LocalFirehose) -> None:
    stream = one_table(firehose)

    stream.put({"id": "a", "qty": 1})
    firehose.advance(299)
    assert (stream.rows("db.orders"), stream.waiting) == ([], 1)
    firehose.advance(1)

    assert (stream.rows("db.orders"), stream.waiting) == ([{"id": "a", "qty": 1}], 0)


def test_a_full_buffer_is_committed_at_once(firehose: LocalFirehose) -> None:
    stream = one_table(firehose, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})

    for number in range(3):
        stream.put({"id": str(number) + "x" * 500_000})

    assert len(stream.rows("db.orders")) == 3
    assert len(firehose.catalog.load_table("db.orders").snapshots()) == 1


def test_a_flush_commits_once_a_table(firehose: LocalFirehose) -> None:
    stream = routed(firehose, "db.orders", "db.sales")

    for number in range(20):
        stream.put({"row": {"id": str(number)}, "to": ["db.orders", "db.sales"][number % 2]})
    firehose.advance(60)

    assert len(stream.rows("db.orders")) == len(stream.rows("db.sales")) == 10
    assert [len(firehose.catalog.load_table(name).snapshots()) for name in ("db.orders", "db.sales")] == [1, 1]


def test_rows_lie_by_the_tables_own_partitions(firehose: LocalFirehose) -> None:
    columns = pa.schema([("id", pa.string()), ("day", pa.string())])
    make_table(firehose.catalog, columns=columns)
    with firehose.catalog.load_table("db.orders").update_spec() as spec:
        spec.add_identity("day")
    stream = one_table(firehose)

    for number in range(6):
        stream.put({"id": str(number), "day": f"2025-01-0{number % 3 + 1}"})
    stream.flush()

    partitions = firehose.catalog.load_table("db.orders").inspect.partitions().to_pylist()
    assert sorted((each["partition"]["day"], each["record_count"]) for each in partitions) == [
        ("2025-01-01", 2), ("2025-01-02", 2), ("2025-01-03", 2),
    ]  # fmt: skip


def test_a_row_that_does_not_fit_fails_alone_as_it_would_have_been_written(firehose: LocalFirehose) -> None:
    stream = routed(firehose, "db.orders")

    stream.put({"row": {"id": "a"}, "to": "db.orders"})
    stream.put({"row": {"id": "b", "qty": "secret"}, "to": "db.orders"})
    firehose.advance(60)

    assert ids(stream.rows("db.orders")) == ["a"]
    [key] = stream.bucket
    assert re.fullmatch(r"iceberg-failed/2026/01/01/00/orders-1-2026-01-01-00-00-00-[0-9a-f-]{36}", key)
    [error] = stream.errors(FAILED)
    assert json.loads(base64.b64decode(error.pop("rawData"))) == {"id": "b", "qty": "secret"}
    assert error.pop("EventId").startswith("shardId-000000000000:49")
    assert error == {
        "attemptsMade": 1,
        "arrivalTimestamp": 1767225600000,
        "errorCode": "Iceberg.InvalidColumnValue",
        "errorMessage": "qty: expected long (a whole number or its text)",
        "attemptEndingTimestamp": 1767225660000,
        "SubsequenceNumber": 0,
        "ApproximateArrivalTimestamp": 1767225600000,
    }
    assert stream.waiting == 0


def test_what_the_function_fails_is_kept_as_ever(firehose: LocalFirehose) -> None:
    stream = routed(firehose, "db.orders")

    stream.put({"result": "ProcessingFailed"})
    stream.put({"result": "Dropped"})
    firehose.advance(60)

    assert [error["errorCode"] for error in stream.errors("processing-failed/")] == ["Lambda.ProcessingFailedStatus"]
    assert stream.waiting == 0


def test_a_missing_table_fails_its_rows_and_no_others(firehose: LocalFirehose) -> None:
    stream = routed(firehose, "db.orders")

    stream.put({"row": {"id": "a"}, "to": "db.orders"})
    stream.put({"row": {"id": "b"}, "to": "db.sales"})
    stream.put({"row": {"id": "c"}, "to": "other.orders"})
    firehose.advance(60)

    assert ids(stream.rows("db.orders")) == ["a"]
    assert [error["errorCode"] for error in stream.errors(FAILED)] == ["Iceberg.NoSuchTable"] * 2
    assert stream.errors(FAILED)[0]["errorMessage"] == "the table db.sales does not exist"
    assert stream.waiting == 0


def test_a_table_of_format_version_1_is_none(firehose: LocalFirehose) -> None:
    make_table(firehose.catalog, properties={"format-version": "1"})
    stream = one_table(firehose)

    stream.put({"id": "a"})
    firehose.advance(300)

    assert [error["errorCode"] for error in stream.errors(FAILED)] == ["Iceberg.NoSuchTable"]


def test_a_column_that_is_added_is_filled_from_the_next_flush_on(firehose: LocalFirehose) -> None:
    stream = one_table(firehose)
    stream.put({"id": "a", "note": "x"})
    firehose.advance(300)

    with firehose.catalog.load_table("db.orders").update_schema() as schema:
        schema.add_column("note", StringType())
    stream.put({"id": "b", "note": "x"})
    firehose.advance(300)

    assert sorted((row["id"], row["note"]) for row in stream.rows("db.orders")) == [("a", None), ("b", "x")]


@pytest.mark.parametrize("fault", ["iceberg-conflict", "iceberg-unknown"])
def test_a_commit_that_is_refused_is_tried_again_and_appends_once(firehose: LocalFirehose, fault: str) -> None:
    stream = one_table(firehose)
    stream.inject(fault, 2)

    stream.put({"id": "a"})
    stream.put({"id": "b"})
    firehose.advance(305)

    assert ids(stream.rows("db.orders")) == ["a", "b"]
    assert stream.waiting == 0
    assert stream.metrics.totals()["DeliveryToIceberg.Success"].minimum == 0


def test_tries_are_a_second_apart_then_twice_that(firehose: LocalFirehose) -> None:
    stream = one_table(firehose, RetryOptions={"DurationInSeconds": 7200})
    stream.inject("iceberg-conflict")

    stream.put({"id": "a"})
    firehose.advance(300)
    tries = []
    for second in range(200):
        tries.append((second, stream.metrics.totals()["DeliveryToIceberg.Success"].samples))
        firehose.advance(1)

    counts = dict(tries)
    assert [second for second in counts if second and counts[second] > counts[second - 1]] == [
        1,
        3,
        7,
        15,
        31,
        63,
        123,
        183,
    ]


def test_rows_that_are_refused_until_the_retries_are_over_go_to_the_errors(firehose: LocalFirehose) -> None:
    stream = one_table(firehose, RetryOptions={"DurationInSeconds": 10})
    stream.inject("iceberg-conflict", 5)

    stream.put({"id": "a"})
    firehose.advance(310)
    assert (stream.errors(), stream.waiting) == ([], 1)
    firehose.advance(10)
    stream.put({"id": "b"})
    firehose.advance(300)

    [error] = stream.errors(FAILED)
    assert (error["errorCode"], error["attemptsMade"]) == ("Iceberg.CommitFailed", 5)
    assert error["errorMessage"] == "the table db.orders: CommitFailedException"
    assert (ids(stream.rows("db.orders")), stream.waiting) == (["b"], 0)


def test_a_table_that_is_there_again_takes_the_rows_that_come_after(firehose: LocalFirehose) -> None:
    stream = one_table(firehose)
    stream.inject("iceberg-missing-table", 1)

    for name in ("a", "b"):
        stream.put({"id": name})
        firehose.advance(300)

    assert [error["errorCode"] for error in stream.errors(FAILED)] == ["Iceberg.NoSuchTable"]
    assert ids(stream.rows("db.orders")) == ["b"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetTable"), "Glue.AccessDenied"),
        (OSError("When reading information for key: AWS Error ACCESS_DENIED during HeadObject"), "S3.AccessDenied"),
        (OSError("No space left on device"), "Iceberg.CommitFailed"),
        (KeyError("secret"), "Iceberg.CommitFailed"),
    ],
)
def test_the_error_of_the_last_try_gives_the_code_and_is_not_quoted(
    firehose: LocalFirehose, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    stream = one_table(firehose, RetryOptions={"DurationInSeconds": 0})
    monkeypatch.setattr(firehose.catalog, "load_table", failing(1, error))

    stream.put({"id": "a"})
    firehose.advance(300)

    [found] = stream.errors(FAILED)
    assert (found["errorCode"], stream.waiting) == (code, 0)
    assert str(error) not in found["errorMessage"]


def test_rows_of_a_commit_without_an_answer_are_looked_for_before_they_go_to_the_errors(
    firehose: LocalFirehose,
) -> None:
    stream = one_table(firehose, RetryOptions={"DurationInSeconds": 0})
    stream.inject("iceberg-unknown", 1)

    stream.put({"id": "a"})
    firehose.advance(300)

    assert (ids(stream.rows("db.orders")), stream.errors(), stream.waiting) == (["a"], [], 0)


def test_what_comes_after_a_refused_write_waits_behind_it_in_its_table_only(firehose: LocalFirehose) -> None:
    stream = routed(firehose, "db.orders", "db.sales", RetryOptions={"DurationInSeconds": 7200})
    stream.put({"row": {"id": "a"}, "to": "db.orders"})
    stream.inject("iceberg-conflict", 7)
    firehose.advance(60)
    stream.put({"row": {"id": "b"}, "to": "db.orders"})
    firehose.advance(61)
    stream.put({"row": {"id": "c"}, "to": "db.sales"})
    stream.inject("iceberg-conflict", 0)

    firehose.advance(0.5)
    assert stream.rows("db.orders") == []
    firehose.advance(120)

    snapshots = firehose.catalog.load_table("db.orders").snapshots()
    assert (ids(stream.rows("db.orders")), len(snapshots)) == (["a", "b"], 2)
    assert ids(stream.rows("db.sales")) == ["c"]


def test_error_objects_are_put_before_the_rows_that_come_after_them(firehose: LocalFirehose) -> None:
    stream = one_table(firehose)
    stream.put({"id": "a", "qty": "x"})
    stream.put({"id": "b"})
    stream.inject("s3-denied")

    firehose.advance(310)
    assert (stream.rows("db.orders"), stream.waiting) == ([], 2)
    stream.inject("s3-denied", 0)
    firehose.advance(60)

    assert (ids(stream.rows("db.orders")), len(stream.errors(FAILED)), stream.waiting) == (["b"], 1, 0)


def test_metrics_are_those_of_iceberg(firehose: LocalFirehose) -> None:
    stream = one_table(firehose)
    for qty in (1, 2, "x"):
        stream.put({"id": "a", "qty": qty})
    firehose.advance(300)

    totals = stream.metrics.totals()
    expected = {
        "IncomingRowCount": 3, "SuccessfulRowCount": 2, "FailedRowCount": 1,
        "Success": 1, "DataFreshness": 300, "Bytes": 42,
    }  # fmt: skip
    assert {name: totals[f"DeliveryToIceberg.{name}"].sum for name in expected} == expected


def test_no_property_of_ours_but_marks_is_stored(firehose: LocalFirehose) -> None:
    stream = one_table(firehose)
    stream.put({"id": "a"})
    stream.flush()

    properties = firehose.catalog.load_table("db.orders").properties
    assert list(properties) == ["dmd.checkpoint.orders.shardId-000000000000"]


def test_a_table_of_another_stream_is_appended_to_beside_it(firehose: LocalFirehose) -> None:
    first = one_table(firehose)
    second = firehose.create({**iceberg(DestinationTableConfigurationList=only_table()), "DeliveryStreamName": "more"})
    first.put({"id": "a"})
    second.put({"id": "b"})
    firehose.advance(300)

    assert ids(first.rows("db.orders")) == ["a", "b"]


def test_rows_of_a_table_that_does_not_exist_are_refused(firehose: LocalFirehose) -> None:
    stream = one_table(firehose)

    with pytest.raises(ValueError, match=r"db\.sales is not a table"):
        stream.rows("db.sales")


def test_a_batch_whose_function_is_tried_again_comes_before_those_after_it(firehose: LocalFirehose) -> None:
    """A mark goes up: rows of an earlier batch that came later would be taken for there."""
    stream = routed(firehose, "db.orders", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    stream.inject("raise", 1)

    stream.put({"row": {"id": "a"}, "to": "db.orders"})
    firehose.advance(1)
    stream.put({"row": {"id": "b"}, "to": "db.orders"})
    firehose.advance(120)

    assert (ids(stream.rows("db.orders")), stream.waiting) == (["a", "b"], 0)
