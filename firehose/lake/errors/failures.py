"""The failures of a lake: each of Firehose's error records once, and why it failed.

Firehose keeps one error record of every record that a function failed, and of those that no function saw. The
function's error documents say why; a document without such a record is no failure: the retry succeeded, or Firehose has
not written its object yet.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from firehose.lake.errors.documents import Explanation, Explanations, Reason, join_key
from firehose.lake.errors.objects import ErrorObject
from firehose.lake.errors.records import PROCESSING_FAILED_STATUS, FailedRecord, Unreadable, read
from firehose.lake.errors.replay_journal import Note
from firehose.lake.errors.rerun import Judged, Rerun
from firehose.lake.storage import Lake
from glue.schema import load
from transform.outcome import Delivered, Dropped, Failed
from transform.times import iso_millis

UNKNOWN = "unknown"  # the reason of what nobody gave one for, and that today's code would deliver
DELIVERS = "today's code delivers it: dmd replay"
DROPS = "today's code drops it, for nobody archives its type"

# <stream>-<version>-<yyyy-MM-dd-HH-mm-ss>-<uuid>: Firehose's guide, "Configure Amazon S3 object name format".
_NAME = re.compile(r"(.+)-\d+-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[^/]*").fullmatch


class Attribution(Enum):
    """Attribution failure a record of an error object is."""

    OWN = auto()
    OTHER = auto()  # another stream's, of a type that this one only drops, or lost by both; or of a type of no stream
    NOBODY = auto()  # its container was written after all


@dataclass(slots=True)
class Failure:
    """One record that failed, and why as far as is known. `judged` is there where today's code had to be asked."""

    record: FailedRecord
    reason: Reason
    type: str | None
    where: str
    whose: Attribution = Attribution.OWN
    sequence: str | None = None
    judged: Judged | None = None

    @property
    def day(self) -> str:
        """The day of arrival, "2025-01-01"."""
        return iso_millis(self.record.arrival_ms)[:10]


class FailureReader:
    """The failures of error objects that are read one after the other; `unreadable` gets where documents are none.

    A record that several streams lost, as all that read the batch it was in, is one failure: that of the stream whose
    error object is read first. Which that was is noted, when something of the other ones is.
    """

    def __init__(self, lake: Lake, unreadable: list[str]) -> None:
        self.told = Explanations(lake, unreadable)
        self.today = Rerun(load())
        self._lost = _LostOnce()
        self._written = _Written(lake)

    def of(self, error_object: ErrorObject, note: Note) -> Iterator[Failure | Unreadable]:
        """What an error object holds, in order."""
        known = set(note.other)
        stream = stream_of(error_object.where)
        served = served_by(stream, self.today.types)
        for found in read(error_object.body):
            if isinstance(found, Unreadable):
                yield found
                continue
            document = self.told.take(found.raw, found.arrival_ms, stream)
            if document is not None:
                failure = Failure(found, document.reason, document.type, document.where, sequence=document.sequence)
            else:
                failure = _asked(found, error_object, self.today)
            failure.whose = (
                Attribution.OTHER if found.place in known else self._whose(failure, stream, served, document)
            )
            yield failure

    def _whose(
        self, failure: Failure, stream: str | None, served: Collection[str], document: Explanation | None
    ) -> Attribution:
        if document is None and not _said_by_function(failure.record) and failure.type not in {None, *served}:
            return Attribution.OTHER
        if not self._lost.counts(failure.record, stream):
            return Attribution.OTHER
        if document is not None and document.container is not None and document.container in self._written:
            return Attribution.NOBODY
        return Attribution.OWN


class _LostOnce:
    """How often each record failed: as often as in the stream in which it did most often, and not in all together."""

    def __init__(self) -> None:
        self._by_stream: Counter[tuple[str, bytes]] = Counter()
        self._counted: Counter[bytes] = Counter()

    def counts(self, record: FailedRecord, stream: str | None) -> bool:
        """Whether this is a failure that no other stream has had yet. A stream without a name is no stream."""
        if stream is None:
            return True
        joint = join_key(record.raw, record.arrival_ms)
        self._by_stream[stream, joint] += 1
        if self._by_stream[stream, joint] <= self._counted[joint]:
            return False
        self._counted[joint] += 1
        return True


class _Written:
    """The objects that lie in a lake beside those that are asked for."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._folders: dict[str, set[str]] = {}

    def __contains__(self, key: str) -> bool:
        folder = key.rpartition("/")[0] + "/"
        if folder not in self._folders:
            self._folders[folder] = {stored.key for stored in self._lake.objects(folder)}
        return key in self._folders[folder]


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


def _asked(found: FailedRecord, error_object: ErrorObject, today: Rerun) -> Failure:
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
