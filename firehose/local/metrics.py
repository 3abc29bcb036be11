"""A delivery stream's CloudWatch metrics under AWS's names, so that an alarm can be rehearsed.

Source: Firehose guide, "Monitoring with CloudWatch metrics" (namespace AWS/Firehose, dimension DeliveryStreamName).
Measured on real streams: DeliveryToS3.Records and .Bytes include error objects, and the size is that of the original
records; SucceedProcessing counts the records that the function answered Ok, without those that it dropped.
"""

from collections.abc import Callable

import msgspec

NAMESPACE = "AWS/Firehose"

# CloudWatch's shortest period for the metrics of a service.
PERIOD_MS = 60_000


class Statistics(msgspec.Struct):
    """The statistics that CloudWatch keeps of one metric, for one period or several."""

    samples: int = 0
    sum: float = 0
    minimum: float = float("inf")
    maximum: float = float("-inf")

    def add(self, value: float) -> None:
        """Adds a value."""
        self.samples += 1
        self.sum += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    def merge(self, other: "Statistics") -> None:
        """Adds the values of another period."""
        self.samples += other.samples
        self.sum += other.sum
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    @property
    def average(self) -> float:
        """The mean of the values; there must be at least one."""
        return self.sum / self.samples


class Metrics:
    """The metrics of one delivery stream by minute; without a clock, all in one period."""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock
        self._periods: dict[tuple[str, int], Statistics] = {}

    def add(self, name: str, value: float) -> None:
        """Adds a value, such as the 12 records of an invocation that were answered Ok.

        metrics.add("SucceedProcessing.Records", 12)
        """
        period = self._clock() // PERIOD_MS if self._clock else 0
        found = self._periods.get((name, period))
        if found is None:
            found = self._periods[name, period] = Statistics()
        found.add(value)

    def periods(self, name: str) -> dict[int, Statistics]:
        """Returns the statistics of one metric by the start of their minute in epoch milliseconds, oldest first."""
        return {
            period * PERIOD_MS: statistics
            for (found, period), statistics in sorted(self._periods.items())
            if found == name
        }

    def take(self) -> dict[tuple[str, int], Statistics]:
        """Returns the statistics since the last call, by metric and start of the minute, and forgets them."""
        taken = {(name, period * PERIOD_MS): found for (name, period), found in self._periods.items()}
        self._periods.clear()
        return taken

    def totals(self) -> dict[str, Statistics]:
        """Returns the statistics of each metric over all periods, by name."""
        totals: dict[str, Statistics] = {}
        for (name, _), statistics in sorted(self._periods.items()):
            totals.setdefault(name, Statistics()).merge(statistics)
        return totals
