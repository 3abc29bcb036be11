"""The failures of a lake: each of Firehose's error records once, and why it failed.

Firehose keeps one error record of every record that a function failed, and of those that no function saw. The
function's error documents say why; a document without such a record is no failure: the retry succeeded, or Firehose has
not written its object yet.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from firehose.errors.documents import Explanations, Reason
from firehose.errors.objects import ErrorObject
from firehose.errors.records import PROCESSING_FAILED_STATUS, FailedRecord, Unreadable, read
from firehose.errors.today import Judged, Today
from transform.outcome import Delivered, Dropped, Failed
from transform.times import iso_millis

UNKNOWN = "unknown"  # the reason of what nobody gave one for, and that today's code would deliver
DELIVERS = "today's code delivers it: dmd replay"
DROPS = "today's code drops it, for nobody archives its type"

# <stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid>: Firehose's guide, "Configure Amazon S3 object name format".
_NAME = re.compile(r"(.+)-\d+-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[^/]*").fullmatch


class Whose(Enum):
    """Whether a record of an error object is a failure of its stream."""

    OWN = auto()
    OTHER = auto()  # of a type that its stream only drops: another stream's, or nobody's


@dataclass(slots=True)
class Failure:
    """One record that failed, and why as far as is known. `judged` is there where today's code had to be asked."""

    record: FailedRecord
    reason: Reason
    type: str | None
    where: str
    whose: Whose = Whose.OWN
    sequence: str | None = None
    judged: Judged | None = None

    @property
    def day(self) -> str:
        """The day of arrival, "2025-01-01"."""
        return iso_millis(self.record.arrival_ms)[:10]


def failures_in(error_object: ErrorObject, told: Explanations, today: Today) -> Iterator[Failure | Unreadable]:
    """What an error object holds, in order. Takes the documents of its records from `told`."""
    stream = stream_of(error_object.where)
    served = served_by(stream, today.types)
    for found in read(error_object.body):
        if isinstance(found, Unreadable):
            yield found
            continue
        document = told.take(found.raw, found.arrival_ms, stream)
        if document is not None:
            failure = Failure(found, document.reason, document.type, document.where, sequence=document.sequence)
        else:
            failure = _asked(found, error_object, today)
            if not _said_by_function(found) and failure.type not in {None, *served}:
                failure.whose = Whose.OTHER
        yield failure


def place_of(error_object: ErrorObject, place: int) -> str:
    """Where a record lies, as people count: `lake/.../dmnd-sale-1-2025-01-01-10-00-00-0000:1`."""
    return f"{error_object.where}:{place + 1}"


def stream_of(where: str) -> str | None:
    """The delivery stream in the name of an error object; None where it is named otherwise.

    "s3://lake/data-pipeline/errors/firehose/processing-failed/dmnd-sale-1-2025-01-01-10-00-00-0000" -> "dmnd-sale"
    """
    match = _NAME(where.rpartition("/")[2])
    return match[1] if match else None


def served_by(stream: str | None, types: Collection[str]) -> Collection[str]:
    """The record types that a stream delivers: its own in Parquet mode, `dmnd-sale`, and all in Avro mode.

    It matters where a batch failed as a whole: the batch of the stream of sales holds demands, too, which the stream of
    demands has delivered, or failed as its own.
    """
    mine = [name for name in types if stream is not None and stream.endswith(f"-{name}")]
    return mine or types


def _said_by_function(found: FailedRecord) -> bool:
    """Whether the function itself failed this record, and not Firehose the batch that it was in."""
    return found.code in {None, PROCESSING_FAILED_STATUS}


def _asked(found: FailedRecord, error_object: ErrorObject, today: Today) -> Failure:
    """A failure that no document explains, as today's code and Firehose's own code explain it."""
    judged = today.judge(found, error_object.key)
    code, outcome = found.code or UNKNOWN, judged.outcome
    match outcome:
        case Delivered():
            reason = Reason(code, DELIVERS)
        case Dropped():
            reason = Reason(code, DROPS)
        case Failed() if _said_by_function(found):
            reason = Reason(outcome.reason, outcome.message, outcome.path)
        case Failed():
            reason = Reason(code, f"today's code fails it, too: {outcome.message}", outcome.path)
    where = place_of(error_object, found.place)
    return Failure(found, reason, outcome.type, where, judged=judged)
