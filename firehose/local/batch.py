"""Records that go through a delivery stream together, and when."""

from collections.abc import Sequence

import msgspec

from firehose.local.event_record import EventRecord


class Batch(msgspec.Struct, frozen=True):
    """Consecutive records of a source.

    Records are known by their ordinals: the first record of the source is 0, and `first` is the ordinal of the first
    record here. `now_ms` is the time of the stream's clock, None where no clock runs.
    """

    records: Sequence[EventRecord]
    first: int
    now_ms: int | None

    def ordinal(self, index: int) -> int:
        """Return the ordinal of the record at `index`."""
        return self.first + index
