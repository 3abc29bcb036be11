"""The failures of a lake: each of Firehose's error records once, with the reason it failed.

Firehose keeps an error record of every record that a function failed, and of every record that no function saw. The
function's error documents say why. A document without an error record is not a failure: the retry succeeded, or
Firehose has not written its object yet.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256

from firehose.lake.errors.error_documents import DocumentedFailure, DocumentIndex, Explanation
from firehose.lake.errors.error_objects import ErrorObject
from firehose.lake.errors.failed_records import PROCESSING_FAILED_STATUS, FailedRecord, Unreadable, read
from firehose.lake.errors.replay_journal import JournalEntry
from firehose.lake.errors.rerun import Rerun, RerunResult
from firehose.lake.jobs.replaced_keys import ReplacedKeys
from firehose.lake.object_names import delivery_stream_of
from firehose.lake.objects import Lake
from glue.model import RecordType, pii_names
from transform.outcome import Delivered, Dropped, Failed
from transform.times import iso_millis

UNKNOWN = "unknown"  # the code of a failure that no document explains and that today's code would deliver
DELIVERS = "today's code delivers it: run dmd replay"
DROPS = "today's code drops it: nobody archives its type"


class Attribution(Enum):
    """The verdict on a record of an error object: a failure of this delivery stream, or not counted."""

    THIS_STREAM = auto()
    # Not counted: this stream only drops the type, another stream already reported it, or no stream serves it.
    OTHER_STREAM = auto()
    # Not counted: the container that the function was putting was written after all.
    ALREADY_WRITTEN = auto()


@dataclass(slots=True)
class ExplainedFailure:
    """One record that failed, and the reason if known. `rerun` is the result of today's code, if that had to be run."""

    record: FailedRecord
    explanation: Explanation
    type: str | None
    where: str
    attribution: Attribution = Attribution.THIS_STREAM
    sequence: str | None = None
    rerun: RerunResult | None = None

    @property
    def day(self) -> str:
        """The day of arrival, "2025-01-01"."""
        return iso_millis(self.record.arrival_ms)[:10]


class FailureReader:
    """Reads the failures of error objects, one by one; `unreadable` gets the places of bad documents.

    A record that several streams lost, because all of them read its batch, is one failure: that of the stream whose
    error object is read first. The journal records which ones were left to other streams.
    """

    def __init__(self, lake: Lake, unreadable: list[str], types: Mapping[str, RecordType]) -> None:
        self.documents = DocumentIndex(lake, unreadable, pii_names(types))
        self.rerun = Rerun(types)
        self._lost = _LostOnce()
        self._written = _WrittenObjects(lake)

    def read(self, error_object: ErrorObject, entry: JournalEntry) -> Iterator[ExplainedFailure | Unreadable]:
        """Yield the failures and other records of an error object, in order."""
        others = set(entry.other)
        stream = delivery_stream_of(error_object.where)
        served = served_by(stream, self.rerun.types)
        for found in read(error_object.body):
            if isinstance(found, Unreadable):
                yield found
                continue
            document = self.documents.take(found.raw, found.arrival_ms, stream)
            if document is None:
                failure = _explain_by_rerun(found, error_object, self.rerun)
            else:
                failure = ExplainedFailure(
                    found, document.explanation, document.type, document.where, sequence=document.sequence
                )
            if found.place in others:
                failure.attribution = Attribution.OTHER_STREAM
            else:
                failure.attribution = self._attribute(failure, stream, served, document)
            yield failure

    def _attribute(
        self,
        failure: ExplainedFailure,
        stream: str | None,
        served: Collection[str],
        document: DocumentedFailure | None,
    ) -> Attribution:
        if document is None and not _failed_by_function(failure.record) and failure.type not in {None, *served}:
            return Attribution.OTHER_STREAM
        if not self._lost.counts(failure.record, stream):
            return Attribution.OTHER_STREAM
        if document is not None and document.container is not None and document.container in self._written:
            return Attribution.ALREADY_WRITTEN
        return Attribution.THIS_STREAM


class _LostOnce:
    """Counts equal records over streams: not their sum, but the count of the stream that lost most of them."""

    def __init__(self) -> None:
        self._by_stream: Counter[tuple[str, bytes]] = Counter()
        self._counted: Counter[bytes] = Counter()

    def counts(self, record: FailedRecord, stream: str | None) -> bool:
        """Return True if no other stream has reported this failure yet. Without a stream name it always counts."""
        if stream is None:
            return True
        # Of the bytes as they are: two records that differ in personal data alone are two.
        key = sha256(b"%d %s" % (record.arrival_ms, record.raw)).digest()
        self._by_stream[stream, key] += 1
        if self._by_stream[stream, key] <= self._counted[key]:
            return False
        self._counted[key] += 1
        return True


class _WrittenObjects:
    """The keys of a lake's objects, and of those that were replaced, listed by folder as they are looked up."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._replaced = ReplacedKeys(lake)
        self._folders: dict[str, set[str]] = {}

    def __contains__(self, key: str) -> bool:
        folder = key.rpartition("/")[0] + "/"
        if folder not in self._folders:
            there = {stored.key for stored in self._lake.objects(folder)}
            self._folders[folder] = there | self._replaced.of(folder)
        return key in self._folders[folder]


def place_of(error_object: ErrorObject, place: int) -> str:
    """Return the place of a record, counted from 1: `lake/.../dmnd-sale-1-2025-01-01-10-00-00-0000:1`."""
    return f"{error_object.where}:{place + 1}"


def served_by(stream: str | None, types: Collection[str]) -> Collection[str]:
    """Return the record types that a stream delivers: `dmnd-sale` sales, the one stream of a mode all types.

    It matters when a batch failed as a whole. The batch of the stream of sales holds demands, too, which the stream of
    demands delivered, or reported as its own failures.
    """
    own = [name for name in types if stream is not None and stream.endswith(f"-{name}")]
    return own or types


def _failed_by_function(record: FailedRecord) -> bool:
    """Return True if the function failed this record, False if Firehose failed the whole batch."""
    return record.code in {None, PROCESSING_FAILED_STATUS}


def _explain_by_rerun(record: FailedRecord, error_object: ErrorObject, rerun: Rerun) -> ExplainedFailure:
    """Return a failure without a document, explained by today's code and Firehose's error code."""
    result = rerun.run(record, error_object.key)
    code, outcome = record.code or UNKNOWN, result.outcome
    match outcome:
        case Delivered():
            explanation = Explanation(code, DELIVERS)
        case Dropped():
            explanation = Explanation(code, DROPS)
        case Failed() if _failed_by_function(record):
            explanation = Explanation(outcome.reason, outcome.message, outcome.path)
        case Failed():
            explanation = Explanation(code, f"today's code fails it, too: {outcome.message}", outcome.path)
    where = place_of(error_object, record.place)
    return ExplainedFailure(record, explanation, outcome.type, where, rerun=result)
