"""The endpoint's clock: real time, and what it has been moved by."""

from datetime import UTC, datetime

from firehose.local.sources.kinesis import now_ms


class EndpointClock:
    """Returns epoch milliseconds; `move` puts it forward. moto's services keep real time."""

    def __init__(self) -> None:
        self.moved_ms = 0

    def __call__(self) -> int:
        """Return the time."""
        return now_ms() + self.moved_ms

    def move(self, milliseconds: int) -> None:
        """Put the clock forward."""
        self.moved_ms += milliseconds

    @property
    def moment(self) -> datetime:
        """The time."""
        return datetime.fromtimestamp(self() / 1000, UTC)
