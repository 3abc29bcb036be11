"""The control path: clock, faults, flush, counts and alarms."""

import json
from typing import Any

import pytest

from tests.endpoints import ERRORS, LocalAws, calling, partitioned, plain

pytestmark = pytest.mark.slow


def alarm(aws: LocalAws, name: str, metric: str, threshold: float, comparison: str, **more: Any) -> None:
    arguments = {
        "AlarmName": name,
        "Namespace": "AWS/Firehose",
        "MetricName": metric,
        "Dimensions": [{"Name": "DeliveryStreamName", "Value": "orders"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 1,
        "Threshold": threshold,
        "ComparisonOperator": comparison,
        **more,
    }
    aws.client("cloudwatch").put_metric_alarm(**{name: one for name, one in arguments.items() if one is not None})


def test_an_alarm_is_in_the_state_that_its_threshold_and_the_metrics_give(aws: LocalAws) -> None:
    aws.create(partitioned(aws.function()))
    alarm(aws, "failing", "ExecuteProcessing.Success", 1, "LessThanThreshold", Statistic="Minimum")
    alarm(aws, "busy", "IncomingRecords", 100, "GreaterThanThreshold")
    alarm(aws, "silent", "BackupToS3.Records", 1, "LessThanThreshold")
    alarm(aws, "silent too long", "BackupToS3.Records", 1, "LessThanThreshold", TreatMissingData="breaching")
    alarm(aws, "fine", "BackupToS3.Records", 1, "LessThanThreshold", TreatMissingData="notBreaching")
    alarm(aws, "slow", "ExecuteProcessing.Duration", 1, "GreaterThanThreshold", Statistic=None, ExtendedStatistic="p99")

    aws.put({"day": "x", "raise": True})
    aws.control("flush", {})

    assert aws.control("alarms") == {
        "ALARM": ["failing", "silent too long"],
        "OK": ["busy", "fine"],
        "INSUFFICIENT_DATA": ["silent"],
        "not_evaluated": [{"alarm": "slow", "reason": "its statistic is p99"}],
    }


def test_as_many_periods_must_breach_as_the_alarm_says(aws: LocalAws) -> None:
    aws.create(plain())
    alarm(aws, "twice", "IncomingRecords", 1, "GreaterThanOrEqualToThreshold", DatapointsToAlarm=2)

    states = []
    for _ in range(2):
        aws.put({"id": 1})
        aws.advance(60)
        states.append(aws.control("alarms")["ALARM"])

    assert states == [[], ["twice"]]


def test_a_fault_strikes_as_often_as_it_was_injected(aws: LocalAws) -> None:
    aws.create(plain(ErrorOutputPrefix=ERRORS, ProcessingConfiguration=calling(aws.function(), NumberOfRetries="0")))

    answer = aws.control("faults", {"stream": "orders", "fault": "throttle", "times": 1})
    for _ in range(2):
        aws.put({"id": 1})
        aws.control("flush", {})

    assert answer == {"streams": ["orders"], "fault": "throttle"}
    assert (aws.counts()["failed"], aws.counts()["delivered"]) == ({"Lambda.InvokeLimitExceeded": 1}, 1)


def test_a_record_that_s3_refuses_waits_and_is_delivered_in_the_end(aws: LocalAws) -> None:
    aws.create(plain(BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 60}))
    aws.control("faults", {"fault": "s3-denied", "times": 2})
    aws.put({"id": 1})

    aws.advance(61)
    refused = aws.counts()
    aws.advance(10)

    assert (refused["delivered"], refused["waiting"]) == (0, 1)
    assert "AccessDenied" in refused["refused_by_bucket"]
    assert (aws.counts()["delivered"], aws.counts()["waiting"]) == (1, 0)


def test_one_stream_is_flushed_and_the_others_wait(aws: LocalAws) -> None:
    for name in ("orders", "returns"):
        aws.create(plain(Prefix=f"{name}/"), DeliveryStreamName=name)
        aws.put({"id": name}, stream=name)

    (flushed,) = aws.control("flush", {"stream": "orders"})["streams"]

    assert (flushed["stream"], flushed["delivered"]) == ("orders", 1)
    assert aws.counts("returns")["waiting"] == 1


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("faults", {"fault": "flood"}, "unknown fault 'flood' (choose from throttle, "),
        ("faults", {"fault": "raise", "times": -1}, '"times" must be a number from 0'),
        ("faults", {"fault": "raise", "stream": "none"}, "there is no delivery stream none"),
        ("flush", {"stream": "none"}, "there is no delivery stream none"),
        ("clock", {"advance_seconds": "soon"}, 'send {"advance_seconds": SECONDS}'),
        ("clock", {"advance_seconds": -1}, 'send {"advance_seconds": SECONDS}'),
    ],
)
def test_a_wrong_argument_is_refused_with_what_to_send(
    aws: LocalAws, name: str, arguments: dict[str, Any], message: str
) -> None:
    status, body = aws.http(f"/_firehose/{name}", arguments)

    assert status == 400
    assert message in json.loads(body)["error"]


def test_an_unknown_path_names_the_known_ones(aws: LocalAws) -> None:
    status, body = aws.http("/_firehose/clocks")

    assert status == 404
    assert "GET /_firehose/clock, POST /_firehose/clock, " in json.loads(body)["error"]


@pytest.mark.parametrize("path", ["/_firehose/reset", "/moto-api/reset"])
def test_a_reset_leaves_an_empty_endpoint_and_the_real_time(aws: LocalAws, path: str) -> None:
    aws.create(plain())
    aws.put({"id": 1})
    aws.advance(10)

    assert aws.http(path, {})[0] == 200

    assert aws.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.control("clock")["moved_seconds"] == 0
