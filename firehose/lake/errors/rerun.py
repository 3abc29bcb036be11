"""What today's code makes of a record that failed: the pure transform, asked for every type."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from firehose.lake.errors.change_of_row import original
from firehose.lake.errors.records import FailedRecord
from firehose.local.event_record import EventRecord, event_record
from glue.model import RecordType
from transform.outcome import Outcome
from transform.parquet_mode import ParquetMode
from transform.record import Transformer

_SHARD = "shardId-000000000000"
_SUBSEQUENCE_DIGITS = 12  # of the 140 of a row's sequence
_SEQUENCE = re.compile(r"\d{13,140}", re.ASCII).fullmatch


class Judged(NamedTuple):
    """A failed record as the function gets it today, the change record in it, and what became of it."""

    record: EventRecord
    payload: bytes
    outcome: Outcome


class Rerun:
    """Today's function, without its batches, reply and store."""

    def __init__(self, types: Mapping[str, RecordType]) -> None:
        self.types = types
        self._transform = Transformer(types, types, claims=True, on_bug=lambda _: None, mode=ParquetMode())

    def judge(self, failed: FailedRecord, error_object: str, told_sequence: str | None = None) -> Judged:
        """Runs one record of an error object, whose key, or what stands for it, names the record.

        Its place in the stream is the one that Firehose wrote down, else that of its error document or row, else one
        of ours: before every real one, so that a real change of the same time outranks it.
        """
        payload, row_sequence = original(failed.raw, self.types)
        name = f"{error_object}\n{failed.place}"
        sequence, subsequence = failed.sequence, failed.subsequence
        if sequence is None:
            sequence, subsequence = _parts(told_sequence or row_sequence) or (_ours(name, failed), 0)
        record = event_record(
            payload,
            shard_id=_SHARD,
            partition_key="",
            sequence_number=sequence,
            arrival_ms=failed.arrival_ms,
            subsequence_number=subsequence,
        )
        # The names of objects derive from record ids: each place of each error object has one of its own, even where
        # two hold the same record.
        record["recordId"] = f"{_SHARD}{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
        (outcome,) = self._transform([record])
        return Judged(record, payload, outcome)


def _parts(sequence: str | None) -> tuple[str, int] | None:
    """The two numbers of a row's sequence: "000...4954...000000000002" -> ("4954...", 2); None for what is none."""
    if sequence is None or not _SEQUENCE(sequence):
        return None
    return sequence[:-_SUBSEQUENCE_DIGITS].lstrip("0") or "0", int(sequence[-_SUBSEQUENCE_DIGITS:])


def _ours(name: str, failed: FailedRecord) -> str:
    # 56 digits as real ones have, which begin with 49: in the order of arrival, then of the object.
    digest = int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:13])
    return f"0{failed.arrival_ms:014}{failed.place:09}{digest:032}"
