"""Which items of a source go: by type, as they say it, and by partition date, as the function will work it out."""

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.job import Job
from firehose.lake.backfill.source import Item
from firehose.local.event_record import event_record
from firehose.local.kinesis_writer import RECORD_BYTES
from glue.schema import load
from transform.outcome import Delivered, Failed
from transform.parquet_mode import ParquetMode
from transform.record import Transformer

# Hex digits of a partition key of Kinesis', which counts to a record's size.
_KEY_BYTES = 32

# A date that sorts after all others: of items that the function will fail, and that no partition waits for.
NO_DATE = "undated"


class ItemFilter:
    """Decides each item of a job. With `dates`, says their partition dates, for which each runs through the transform.

    An item that cannot be dated is left out and counted by reason where there is a filter by date. Where there is none
    it goes, after all others: the function fails it as it would have failed the change, and its error output says why.
    """

    def __init__(self, job: Job, *, dates: bool = False) -> None:
        self._types = frozenset(job.types)
        self._first, self._last = job.first, job.last or "9999"
        self._filters_dates = job.filters_dates
        self._most_bytes = RECORD_BYTES - _KEY_BYTES if job.is_stream else None
        self._transform = _transform() if dates or job.filters_dates else None

    def date_of(self, item: Item, counts: Counts) -> str | None:
        """The partition date of an item that goes ("" where nobody asked for dates), None for one that does not."""
        if self._types and item.type not in self._types:
            counts.skip_type()
            return None
        if self._most_bytes is not None and len(item.payload) > self._most_bytes:
            counts.too_large += 1
            counts.place(f"{item.place}: larger than a record of a Kinesis stream may be")
            return None
        return self._dated(item.payload, counts) if self._transform else ""

    def _dated(self, payload: bytes, counts: Counts) -> str | None:
        assert self._transform is not None  # noqa: S101 - for mypy
        record = event_record(payload, shard_id="", partition_key="", sequence_number="0", arrival_ms=0)
        (outcome,) = self._transform([record])
        if isinstance(outcome, Failed):
            if not self._filters_dates:
                counts.unsettle(outcome.reason)
                return NO_DATE
            counts.undate(outcome.reason)
            return None
        if not isinstance(outcome, Delivered):
            counts.other += 1
            return None
        if not self._first <= outcome.date <= self._last:
            counts.skip_date()
            return None
        counts.date(outcome.type, outcome.date)
        return outcome.date


def _transform() -> Transformer:
    types = load()
    return Transformer(types, types, claims=True, on_bug=lambda _: None, mode=ParquetMode())
