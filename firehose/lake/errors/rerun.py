"""Run a record that failed through today's code: the pure transform of all record types."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from firehose.lake.errors.failed_records import FailedRecord
from firehose.lake.errors.row_to_change import original
from firehose.local.event_record import EventRecord, event_record
from glue.model import RecordType
from transform.outcome import Outcome
from transform.parquet_mode import ParquetMode
from transform.record import Transformer

_SHARD = "shardId-000000000000"
_SUBSEQUENCE_DIGITS = 12  # of the 140 of a row's sequence
_SEQUENCE = re.compile(r"\d{13,140}", re.ASCII).fullmatch


class RerunResult(NamedTuple):
    """The event record that today's function would get, the change record in it, and the outcome."""

    record: EventRecord
    payload: bytes
    outcome: Outcome


class Rerun:
    """Today's code for one record, without batches, reply and store."""

    def __init__(self, types: Mapping[str, RecordType]) -> None:
        self.types = types
        self._transform = Transformer(types, types, claims=True, on_bug=lambda _: None, mode=ParquetMode())

    def run(self, failed: FailedRecord, error_object: str, document_sequence: str | None = None) -> RerunResult:
        """Run one record of the error object of this key.

        Its sequence number is the one that Firehose wrote down, else that of its error document or row, else one that
        is made up. A made-up one sorts before every real one, so that a real change of the same time outranks it.
        """
        payload, row_sequence = original(failed.raw, self.types)
        name = f"{error_object}\n{failed.place}"
        sequence, subsequence = failed.sequence, failed.subsequence
        if sequence is None:
            parts = _split_sequence(document_sequence or row_sequence)
            sequence, subsequence = parts or (_made_up_sequence(name, failed), 0)
        record = event_record(
            payload,
            shard_id=_SHARD,
            partition_key="",
            sequence_number=sequence,
            arrival_ms=failed.arrival_ms,
            subsequence_number=subsequence,
        )
        # The names of objects derive from record ids. So each place of each error object has an id of its own, even if
        # two places hold the same record.
        record["recordId"] = f"{_SHARD}{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
        (outcome,) = self._transform([record])
        return RerunResult(record, payload, outcome)


def _split_sequence(sequence: str | None) -> tuple[str, int] | None:
    """Return the two numbers of a row's sequence: "000...4954...000000000002" -> ("4954...", 2)."""
    if sequence is None or not _SEQUENCE(sequence):
        return None
    return sequence[:-_SUBSEQUENCE_DIGITS].lstrip("0") or "0", int(sequence[-_SUBSEQUENCE_DIGITS:])


def _made_up_sequence(name: str, failed: FailedRecord) -> str:
    # 56 digits like real ones, which begin with 49: in the order of arrival, then of the object.
    digest = int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:13])
    return f"0{failed.arrival_ms:014}{failed.place:09}{digest:032}"
