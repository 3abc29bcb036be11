"""A delivery stream's metrics, by minute and over a run, as CloudWatch would show them."""

from hypothesis import given
from hypothesis import strategies as st

from firehose.local.metrics import PERIOD_MS, Metrics

values = st.lists(st.tuples(st.integers(0, 5 * PERIOD_MS), st.integers(-1000, 1000)), min_size=1)


def test_values_of_one_minute_are_one_period() -> None:
    now = 60_000
    metrics = Metrics(lambda: now)

    metrics.add("SucceedProcessing.Records", 3)
    now = 119_999
    metrics.add("SucceedProcessing.Records", 5)
    now = 120_000
    metrics.add("SucceedProcessing.Records", 7)

    periods = metrics.periods("SucceedProcessing.Records")
    assert [(at, each.sum, each.samples) for at, each in periods.items()] == [(60_000, 8, 2), (120_000, 7, 1)]


def test_without_a_clock_a_run_is_one_period() -> None:
    metrics = Metrics()

    metrics.add("PartitionCount", 2)
    metrics.add("PartitionCount", 9)

    assert [(each.minimum, each.maximum) for each in metrics.periods("PartitionCount").values()] == [(2, 9)]


@given(values)
def test_totals_are_those_of_all_values_whatever_their_minutes(given: list[tuple[int, int]]) -> None:
    now = 0
    metrics = Metrics(lambda: now)

    for now, value in given:  # noqa: B007  the clock reads it
        metrics.add("ExecuteProcessing.Duration", value)
    total = metrics.totals()["ExecuteProcessing.Duration"]

    just_values = [value for _, value in given]
    assert (total.samples, total.sum) == (len(given), sum(just_values))
    assert (total.minimum, total.maximum) == (min(just_values), max(just_values))
    assert total.average == sum(just_values) / len(given)
