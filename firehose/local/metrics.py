"""A delivery stream's CloudWatch metrics, by AWS's names, so that an alarm can be rehearsed.

Source: Firehose guide, "Monitoring with CloudWatch metrics" (namespace AWS/Firehose, dimension DeliveryStreamName), and
what others measured: DeliveryToS3.Records and .Bytes count error objects too, by the size of the original records, and
SucceedProcessing counts what the function answered Ok for, not what it dropped.
"""

from collections.abc import Callable

import msgspec

NAMESPACE = "AWS/Firehose"

# CloudWatch's shortest period of a metric that a service emits.
PERIOD_MS = 60_000


class Statistics(msgspec.Struct):
    """What CloudWatch keeps of the values of one metric in one period, or in several."""

    samples: int = 0
    sum: float = 0
    minimum: float = float("inf")
    maximum: float = float("-inf")

    def add(self, value: float) -> None:
        """One more value."""
        self.samples += 1
        self.sum += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    def merge(self, other: "Statistics") -> None:
        """The values of another period."""
        self.samples += other.samples
        self.sum += other.sum
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    @property
    def average(self) -> float:
        """The mean of the values; there is at least one."""
        return self.sum / self.samples


class Metrics:
    """The metrics of one delivery stream, by period of a minute; all in one period where no clock runs."""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock
        self._periods: dict[tuple[str, int], Statistics] = {}

    def add(self, name: str, value: float) -> None:
        """One value, such as the 12 records of an invocation that were answered Ok.

        metrics.add("SucceedProcessing.Records", 12)
        """
        period = self._clock() // PERIOD_MS if self._clock else 0
        found = self._periods.get((name, period))
        if found is None:
            found = self._periods[name, period] = Statistics()
        found.add(value)

    def periods(self, name: str) -> dict[int, Statistics]:
        """The statistics of one metric by the start of their minute, in epoch milliseconds, oldest first."""
        return {
            period * PERIOD_MS: statistics
            for (found, period), statistics in sorted(self._periods.items())
            if found == name
        }

    def totals(self) -> dict[str, Statistics]:
        """The statistics of each metric over all periods, by name."""
        totals: dict[str, Statistics] = {}
        for (name, _), statistics in sorted(self._periods.items()):
            totals.setdefault(name, Statistics()).merge(statistics)
        return totals
