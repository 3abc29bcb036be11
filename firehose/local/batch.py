"""A batch: consecutive records that go through a delivery stream together."""

from collections.abc import Sequence

import msgspec

from firehose.local.event_record import EventRecord


class Batch(msgspec.Struct, frozen=True):
    """Consecutive records of a source.

    A record is identified by its ordinal: 0 for the first record of the source; `first` is that of the first record
    here. `now_ms` is the time by the stream's clock, None without a clock.
    """

    records: Sequence[EventRecord]
    first: int
    now_ms: int | None

    def ordinal(self, index: int) -> int:
        """Return the ordinal of the record at `index`."""
        return self.first + index
