"""The counts of a delivery stream over all its versions, each of which has a report of its own."""

from collections import Counter

from firehose.local.report import StreamReport


def sum_of_reports(one: StreamReport, other: StreamReport) -> StreamReport:
    """Return the counts of both; the problems are those of the second."""
    return StreamReport(
        one.name,
        delivered=one.delivered + other.delivered,
        dropped=one.dropped + other.dropped,
        failed=Counter(one.failed) + other.failed,
        rows=one.rows + other.rows,
        objects=one.objects + other.objects,
        error_objects=one.error_objects + other.error_objects,
        function_problems=other.function_problems,
    )
