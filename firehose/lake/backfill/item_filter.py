"""Select the items of a backfill by their type, and by the partition date that the function gives them."""

from collections.abc import Mapping

from firehose.lake.backfill.counts import Counts
from firehose.lake.backfill.item_source import Item
from firehose.lake.backfill.job import BackfillJob
from firehose.local.event_record import event_record
from firehose.local.kinesis_writer import RECORD_BYTES
from glue.model import RecordType
from transform.outcome import Delivered, Failed
from transform.parquet_mode import ParquetMode
from transform.record import Transformer

# Hex digits of a Kinesis partition key, which counts towards the size of a record.
_KEY_BYTES = 32

# The date of items that the function will fail, which need no partition. It sorts after all dates.
NO_DATE = "undated"


class ItemFilter:
    """Decides for each item of a job whether to send it. With `dates` it computes partition dates, by the transform.

    With a filter by date, an item without a date is skipped, and counted by reason. Without such a filter it is sent,
    after all others: the function fails it as it would have failed the change, and its error output says why.
    """

    def __init__(self, job: BackfillJob, *, dates: bool = False) -> None:
        self._types = frozenset(job.types)
        self._first, self._last = job.first, job.last or "9999"
        self._filters_dates = job.filters_dates
        self._most_bytes = RECORD_BYTES - _KEY_BYTES if job.is_stream else None
        self._transform = _transformer(job.load_types()) if dates or job.filters_dates else None

    def date_of(self, item: Item, counts: Counts) -> str | None:
        """Return the partition date of an item to send ("" if dates are not needed), None for one to skip."""
        if self._types and item.type not in self._types:
            counts.skip_type()
            return None
        if self._most_bytes is not None and len(item.payload) > self._most_bytes:
            counts.too_large += 1
            counts.add_place(f"{item.place}: larger than a record of a Kinesis stream may be")
            return None
        return self._date(item.payload, self._transform, counts) if self._transform else ""

    def _date(self, payload: bytes, transform: Transformer, counts: Counts) -> str | None:
        record = event_record(payload, shard_id="", partition_key="", sequence_number="0", arrival_ms=0)
        (outcome,) = transform([record])
        if isinstance(outcome, Failed):
            if not self._filters_dates:
                counts.add_will_fail(outcome.reason)
                return NO_DATE
            counts.add_undated(outcome.reason)
            return None
        if not isinstance(outcome, Delivered):
            counts.other += 1
            return None
        if not self._first <= outcome.date <= self._last:
            counts.skip_date()
            return None
        counts.add_dated(outcome.type, outcome.date)
        return outcome.date


def _transformer(types: Mapping[str, RecordType]) -> Transformer:
    return Transformer(types, types, claims=True, on_bug=lambda _: None, mode=ParquetMode())
