"""The counts and metrics of one delivery stream's run, for people and for `--json`."""

import msgspec

from firehose.local.metrics import Statistics
from firehose.local.processors.function_problems import FunctionProblem
from firehose.local.report import RunReport


class MetricSummary(msgspec.Struct):
    """The statistics of one CloudWatch metric over a run."""

    samples: int
    sum: float
    minimum: float
    maximum: float
    average: float


class FailureExample(msgspec.Struct):
    """Why the first record failed that has an error code, and where it lies; "" if its object was not sent."""

    message: str
    where: str


class StreamSummary(msgspec.Struct):
    """The counts of a run.

    `read` counts records after de-aggregation: each is delivered, dropped, failed or still in the source. `failures`
    are by error code, including records that the bucket did not take; `first_failures` says why the first of each code
    failed. `first_object` is the place of the first object, "" without one. `metrics` are by AWS's names.
    `without_effect` are the members of the request that have no effect here, `function_problems` the reasons of failed
    invocations.
    """

    stream: str
    read: int
    bytes_read: int
    delivered: int
    dropped: int
    failed: int
    failures: dict[str, int]
    first_failures: dict[str, FailureExample]
    in_source: int
    rows: int
    objects: int
    first_object: str
    error_objects: int
    bytes_out: int
    blank_lines: int
    stopped: bool
    adds_up: bool
    without_effect: list[str]
    function_problems: list[FunctionProblem]
    metrics: dict[str, MetricSummary]


def summarise_stream(
    report: RunReport, bucket: str, without_effect: tuple[str, ...] = (), blank_lines: int = 0
) -> StreamSummary:
    """Return the summary of a report with one delivery stream, whose bucket is a folder or `s3://bucket`."""

    def where(key: str) -> str:
        return f"{bucket.rstrip('/')}/{key}" if key else ""

    (stream,) = report.streams
    settled = report.delivered + report.dropped + report.failed
    return StreamSummary(
        stream=stream.name,
        read=report.read,
        bytes_read=report.bytes_read,
        delivered=report.delivered,
        dropped=report.dropped,
        failed=report.failed,
        failures=dict(stream.failed.most_common()),
        first_failures={
            code: FailureExample(first.message, where(first.key)) for code, first in stream.first_failures.items()
        },
        in_source=report.unsettled,
        rows=stream.rows,
        objects=stream.objects,
        first_object=where(stream.first_object),
        error_objects=stream.error_objects,
        bytes_out=stream.bytes_out,
        blank_lines=blank_lines,
        stopped=report.stopped,
        adds_up=report.read == settled + report.unsettled and not report.settled_twice,
        without_effect=list(without_effect),
        function_problems=list(stream.function_problems),
        metrics={name: _metric(statistics) for name, statistics in stream.metrics.totals().items()},
    )


def problem_lines(report: RunReport) -> list[str]:
    """Return why invocations failed, behind the name of the delivery stream; of our own functions without values."""
    return [f"{stream.name}: {problem}" for stream in report.streams for problem in stream.function_problems]


def _metric(values: Statistics) -> MetricSummary:
    return MetricSummary(values.samples, values.sum, values.minimum, values.maximum, values.average)
