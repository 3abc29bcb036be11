"""A delivery stream's metrics and error log, in the endpoint's CloudWatch."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from firehose.local.config.delivery_stream import DeliveryStream
from firehose.local.endpoint.log_stream import LogStream
from firehose.local.endpoint.services import OwnServices
from firehose.local.metrics import NAMESPACE, Metrics, Statistics
from firehose.local.processors.invocation import LambdaCode
from firehose.local.report import StreamReport

_LAMBDA = "AWS/Lambda"

# PutMetricData, API reference: 1,000 metrics a call.
_CALL_METRICS = 500

_ELSE = "Some records failed. They are in the error output, with the reason of each."


class CloudWatch:
    """Tells CloudWatch what has happened to a stream since the last time."""

    def __init__(self, services: OwnServices, clock: Callable[[], int]) -> None:
        self._services = services
        self._clock = clock
        self.function_metrics = Metrics(clock)
        self._failed: Counter[str] = Counter()
        self._put_error = ""

    def publish(self, stream: DeliveryStream, report: StreamReport) -> None:
        """Put the metrics of Firehose and Lambda."""
        data = _data(report.metrics, "DeliveryStreamName", stream.name)
        self._put(NAMESPACE, data)
        if stream.processing.function:
            name = stream.processing.function.function_arn.partition(":function:")[2].partition(":")[0]
            self._put(_LAMBDA, _data(self.function_metrics, "FunctionName", name))

    def _put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        for start in range(0, len(data), _CALL_METRICS):
            part = data[start : start + _CALL_METRICS]
            self._services.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=part)

    def log_errors(
        self, stream: DeliveryStream, config: Mapping[str, Any], report: StreamReport, put_error: Exception | None
    ) -> None:
        """Log an event for each error code that came up, and for a bucket that begins to refuse objects.

        On AWS, too, the log is a sample; the error output has every record.
        """
        new, self._failed = report.failed - self._failed, report.failed.copy()
        refused = str(put_error) if put_error else ""
        events = [self._event(stream, code, _message(code)) for code in new]
        if refused and refused != self._put_error:
            events.append(self._event(stream, f"S3.{refused.rpartition(': ')[2]}", refused))
        self._put_error = refused
        options = config.get("CloudWatchLoggingOptions") or {}
        if events and options.get("Enabled"):
            group, name = options["LogGroupName"], options["LogStreamName"]
            LogStream(self._services.client("logs"), group, name, self._clock).write(*map(json.dumps, events))

    def _event(self, stream: DeliveryStream, code: str, message: str) -> dict[str, Any]:
        function = stream.processing.function
        return {
            "deliveryStreamARN": stream.arn,
            "destination": f"arn:aws:s3:::{stream.destination.bucket}",
            "deliveryStreamVersionId": stream.version,
            "message": message,
            "errorCode": code,
            **({"processor": function.invoked_arn} if function and code.startswith("Lambda.") else {}),
        }


def _message(code: str) -> str:
    with suppress(ValueError):
        return LambdaCode(code).message
    return _ELSE


def _data(metrics: Metrics, dimension: str, value: str) -> list[dict[str, Any]]:
    return [
        {
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value}],
            "Timestamp": datetime.fromtimestamp(minute_ms / 1000, UTC),
            "StatisticValues": _statistic_values(statistics),
        }
        for (name, minute_ms), statistics in metrics.take().items()
    ]


def _statistic_values(statistics: Statistics) -> dict[str, float]:
    return {
        "SampleCount": statistics.samples,
        "Sum": statistics.sum,
        "Minimum": statistics.minimum,
        "Maximum": statistics.maximum,
    }
