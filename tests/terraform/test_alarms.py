"""Every alarm: what it watches, in which direction, from which value, over how long, and what no data means."""

from typing import Any, NamedTuple

import pytest

from glue.schema import load
from tests.terraform.planned import ACCOUNT, Plan
from transform.outcome import UNREADABLE, Reason

pytestmark = pytest.mark.slow

TYPES = sorted(load())
KEYS = [*TYPES, "avro"]
STREAM = {"StreamName": "prd3292-dev1-dmnd-table-stream"}
TABLE = {"TableName": "prd3292-dev1-us-east-1-demand-table"}
ABOVE, BELOW = "GreaterThanThreshold", "LessThanThreshold"


class Alarm(NamedTuple):
    """An alarm, without its name and text: on one metric, or on the first of several queries."""

    watched: Any
    direction: str
    threshold: float
    periods: int = 1
    statistic: str | None = "Sum"
    seconds: int | None = 300
    no_data: str = "notBreaching"


class Metric(NamedTuple):
    """A metric: Metric("AWS/Lambda", "Throttles", {"FunctionName": ...})."""

    namespace: str
    name: str
    dimensions: dict[str, str]


def name(key: str) -> str:
    return f"prd3292-dev1-dmnd-{key}"


def firehose(key: str, metric: str) -> Metric:
    return Metric("AWS/Firehose", metric, {"DeliveryStreamName": name(key)})


def function(key: str, metric: str, **dimensions: str) -> Metric:
    types = TYPES if key == "avro" else [key]
    return Metric(
        "dmd-pipeline", metric, {"service": f"transform-{'-'.join(types)}", "stream": name(key), **dimensions}
    )


def lambda_(key: str, metric: str) -> Metric:
    return Metric("AWS/Lambda", metric, {"FunctionName": name(key)})


def standing_still(before: Metric, after: Metric) -> Alarm:
    """Three periods in which something came out of the stage before, and nothing arrived at the one after it."""
    queries = {
        "silent": "IF(before > 0 AND SUM([none, counted]) == 0, 1, 0)",
        "counted": "FILL(after, 0)",
        "none": "before * 0",
        "before": (before, "Sum", 300),
        "after": (after, "Sum", 300),
    }
    return Alarm(queries, ABOVE, 0, periods=3, statistic=None, seconds=None)


def of_stream(key: str) -> dict[str, Alarm]:
    """The alarms of one delivery stream and its function."""
    reasons = set(Reason) if key in {"avro", TYPES[0]} else set(Reason) - set(UNREADABLE)
    refusals = ("KMSKeyAccessDenied", "KMSKeyDisabled", "KMSKeyInvalidState", "KMSKeyNotFound")
    refused: dict[str, Any] = {metric.lower(): (firehose(key, metric), "Sum", 300) for metric in refusals}
    seconds = 300 if key == "avro" else 60
    alarms = {
        "freshness": Alarm(firehose(key, "DeliveryToS3.DataFreshness"), ABOVE, 900, 3, "Maximum"),
        "lag": Alarm(firehose(key, "KinesisMillisBehindLatest"), ABOVE, 900_000, 3, "Maximum"),
        "processing": Alarm(firehose(key, "ExecuteProcessing.Success"), BELOW, 1, 1, "Average"),
        "delivery": Alarm(firehose(key, "DeliveryToS3.Success"), BELOW, 1, 1, "Average"),
        "throttled-reads": Alarm(firehose(key, "ThrottledGetRecords"), ABOVE, 0, 3),
        "change-age": Alarm(function(key, "ChangeAge"), ABOVE, 60_000, 3, "Maximum"),
        "throttled": Alarm(lambda_(key, "Throttles"), ABOVE, 0, 3),
        "duration": Alarm(lambda_(key, "Duration"), ABOVE, seconds * 800, 1, "Maximum"),
        "key": Alarm({"refused": "SUM(METRICS())", **refused}, ABOVE, 0, statistic=None, seconds=None),
        "silent-stream": standing_still(
            Metric("AWS/Kinesis", "IncomingRecords", STREAM), firehose(key, "DataReadFromKinesisStream.Records")
        ),
        "silent-function": standing_still(
            firehose(key, "DataReadFromKinesisStream.Records"), function(key, "RecordsReceived")
        ),
        **{
            f"failed-{reason}": Alarm(function(key, "RecordsFailed", reason=str(reason)), ABOVE, 0)
            for reason in reasons
        },
    }
    if key != "avro":
        alarms |= {
            "conversion": Alarm(firehose(key, "FailedConversion.Records"), ABOVE, 0),
            "partitions": Alarm(firehose(key, "PartitionCount"), ABOVE, 400, 1, "Maximum"),
            "partitions-exceeded": Alarm(firehose(key, "PartitionCountExceeded"), ABOVE, 0, 1, "Maximum"),
            "silent-lake": standing_still(function(key, "RecordsDelivered"), firehose(key, "DeliveryToS3.Records")),
        }
    return {f"{key}-{alarm}": one for alarm, one in alarms.items()}


def of_all() -> dict[str, Alarm]:
    """The alarms on the source, the table and the lake."""
    bucket = "prd3292.dev1.us-east-1.demand-capture.tmaws"
    written = Metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", TABLE)
    received = Metric("AWS/Kinesis", "IncomingRecords", STREAM)
    return {
        "source-throttled": Alarm(
            Metric("AWS/Kinesis", "ReadProvisionedThroughputExceeded", STREAM), ABOVE, 0, 3, "Average"
        ),
        "source-silent": Alarm(received, BELOW, 1, 6, "Sum", 3600, "breaching"),
        "replication-silent": standing_still(written, received),
        "replication-age": queried("MAX(AgeOfOldestUnreplicatedRecord)", 60_000),
        "replication-failed": queried("SUM(FailedToReplicateRecordCount)", 0),
        **{f"{job}-failed": Alarm(failed_runs(job), ABOVE, 0) for job in ("backfill", "compact", "erase", "reconcile")},
        "compact-missing": Alarm(
            Metric("dmd-pipeline", "succeeded", {"job": name("compact")}), BELOW, 1, 2, "Sum", 86400, "breaching"
        ),
        "error-objects": Alarm(
            Metric("AWS/S3", "PutRequests", {"BucketName": bucket, "FilterId": name("errors")}), ABOVE, 0
        ),
    }


def failed_runs(job: str) -> Metric:
    return Metric("AWS/Events", "TriggeredRules", {"RuleName": name(f"{job}-failed")})


def queried(metric: str, threshold: float) -> Alarm:
    sql = f"SELECT {metric} FROM \"AWS/DynamoDB\" WHERE TableName = '{TABLE['TableName']}'"  # noqa: S608 - ours
    return Alarm({"q": (sql, 300)}, ABOVE, threshold, statistic=None, seconds=None)


def planned(alarm: dict[str, Any]) -> Alarm:
    """A planned alarm as ours."""
    queries: dict[str, Any] = {}
    for query in alarm["metric_query"] or []:
        if query["metric"]:
            (one,) = query["metric"]
            watched = Metric(one["namespace"], one["metric_name"], one["dimensions"])
            queries[query["id"]] = (watched, one["stat"], one["period"])
        else:
            expression = query["expression"]
            queries[query["id"]] = (expression, query["period"]) if query["period"] else expression
    return Alarm(
        queries or Metric(alarm["namespace"], alarm["metric_name"], alarm["dimensions"]),
        alarm["comparison_operator"],
        alarm["threshold"],
        alarm["evaluation_periods"],
        alarm["statistic"],
        alarm["period"],
        alarm["treat_missing_data"],
    )


def test_every_alarm_is_this_one(everything: Plan) -> None:
    expected = of_all()
    for key in KEYS:
        expected |= of_stream(key)

    alarms = {one["alarm_name"]: planned(one) for one in everything.of("aws_cloudwatch_metric_alarm").values()}

    assert alarms == {name(alarm): one for alarm, one in expected.items()}


def test_only_the_result_of_a_calculation_is_compared(everything: Plan) -> None:
    for alarm in everything.of("aws_cloudwatch_metric_alarm").values():
        queries = alarm["metric_query"] or []
        compared = [query["id"] for query in queries if query["return_data"]]
        assert compared in ([], ["silent"], ["refused"], ["q"])
        assert bool(compared) == bool(queries)


def test_every_alarm_rings_when_it_begins_and_when_it_ends(least: Plan, everything: Plan) -> None:
    for plan in (least, everything):
        for alarm in plan.of("aws_cloudwatch_metric_alarm").values():
            assert alarm["actions_enabled"]
            assert alarm.get("datapoints_to_alarm") is None
            assert not alarm.get("insufficient_data_actions")


def test_a_given_topic_gets_the_beginning_and_the_end_of_every_alarm(otherwise: Plan) -> None:
    alarms = otherwise.of("aws_cloudwatch_metric_alarm").values()

    assert {(*one["alarm_actions"], *one["ok_actions"]) for one in alarms} == {(TOPIC, TOPIC)}


TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:pager"


def test_a_source_that_may_be_silent_has_no_alarm_on_silence(least: Plan) -> None:
    names = {one["alarm_name"] for one in least.of("aws_cloudwatch_metric_alarm").values()}

    assert name("source-silent") not in names
    assert name("sale-silent-stream") in names
