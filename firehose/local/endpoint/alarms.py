"""The states that CloudWatch's alarms would have now: moto keeps alarms and evaluates none."""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def alarm_states(cloudwatch: Any, now_ms: int) -> dict[str, list[Any]]:
    """Return the names of all alarms by state, and those that are not evaluated with the reason.

    {"ALARM": ["orders-failed"], "OK": [], "INSUFFICIENT_DATA": [], "not_evaluated": [{"alarm": ..., "reason": ...}]}

    A period that has not ended counts as it stands, so that a test need not wait for its end.
    """
    states: dict[str, list[Any]] = {"ALARM": [], "OK": [], "INSUFFICIENT_DATA": [], "not_evaluated": []}
    for page in cloudwatch.get_paginator("describe_alarms").paginate():
        for alarm in page["MetricAlarms"]:
            if reason := _reason_not_to(alarm):
                states["not_evaluated"].append({"alarm": alarm["AlarmName"], "reason": reason})
            else:
                states[_state(alarm, _values(cloudwatch, alarm, now_ms))].append(alarm["AlarmName"])
    return states


def _reason_not_to(alarm: Mapping[str, Any]) -> str:
    if alarm.get("Metrics"):
        return "it is on a metric math expression"
    if alarm.get("Statistic") not in _STATISTICS:
        return f"its statistic is {alarm.get('Statistic') or alarm.get('ExtendedStatistic')}"
    if alarm["ComparisonOperator"] not in _COMPARISONS:
        return f"its comparison is {alarm['ComparisonOperator']}"
    return ""


def _state(alarm: Mapping[str, Any], values: Sequence[float | None]) -> str:
    missing = alarm.get("TreatMissingData") or "missing"
    if missing in ("missing", "ignore") and all(value is None for value in values):
        return "INSUFFICIENT_DATA" if missing == "missing" else str(alarm["StateValue"])
    compare, threshold = _COMPARISONS[alarm["ComparisonOperator"]], alarm["Threshold"]
    breaching = [missing == "breaching" if value is None else compare(value, threshold) for value in values]
    needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    return "ALARM" if sum(breaching) >= needed else "OK"


def _values(cloudwatch: Any, alarm: Mapping[str, Any], now_ms: int) -> list[float | None]:
    """Return the alarm's statistic in each of its evaluation periods, None where there are no data."""
    period = alarm["Period"]
    end = (now_ms // 1000 // period + 1) * period
    starts = [end - period * number for number in range(alarm["EvaluationPeriods"], 0, -1)]
    return [_value(cloudwatch, alarm, start, period) for start in starts]


def _value(cloudwatch: Any, alarm: Mapping[str, Any], start: int, period: int) -> float | None:
    answer = cloudwatch.get_metric_statistics(
        Namespace=alarm["Namespace"],
        MetricName=alarm["MetricName"],
        Dimensions=alarm.get("Dimensions", []),
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(start + period, UTC),
        Period=period,
        Statistics=list(_STATISTICS),
    )
    points = answer["Datapoints"]
    if not points:
        return None
    count = sum(point["SampleCount"] for point in points)
    total = sum(point["Sum"] for point in points)
    combined = {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count if count else 0,
        "Minimum": min(point["Minimum"] for point in points),
        "Maximum": max(point["Maximum"] for point in points),
    }
    return float(combined[alarm["Statistic"]])
