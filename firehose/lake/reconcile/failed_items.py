"""Find the items whose changes are in a lake's error output, each with its class."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from firehose.lake.errors.error_documents import ErrorDocument, Explanation, documents
from firehose.lake.errors.error_objects import DeniedError, ErrorObject, lake_errors
from firehose.lake.errors.failed_records import Unreadable
from firehose.lake.errors.failures import Attribution, FailureReader
from firehose.lake.errors.replay_journal import JournalEntry, ReplayJournal
from firehose.lake.errors.row_to_change import original
from firehose.lake.objects import Lake
from firehose.lake.reconcile.classes import Class
from glue.model import RecordType
from transform.change import RawChange
from transform.enrich import IN_RANGE

_decode = msgspec.json.Decoder(RawChange).decode


class FailedItem(NamedTuple):
    """An item whose change failed. The item and its type are None if the failed record does not hold them."""

    item: str | None
    type: str | None
    found: Class
    where: str


def failed_items(lake: Lake, types: Mapping[str, RecordType]) -> Iterator[FailedItem]:
    """Yield the failures of a lake that no replay has delivered.

    They come from Firehose's error records or, where those are missing or may not be read, from the function's error
    documents.

    Raises:
        UserError: they cannot be read.
    """
    journal = ReplayJournal(lake)
    try:
        error_objects = list(lake_errors(lake, journal.has_progress))
    except DeniedError:
        error_objects = []
    if not error_objects:
        yield from documented_items(lake)
    reader = FailureReader(lake, [], types)
    for error_object in error_objects:
        yield from _undelivered(error_object, reader, journal.entry(error_object.key), types)


def documented_items(lake: Lake) -> Iterator[FailedItem]:
    """Yield the failures in the function's error documents."""
    for _, where, document in documents(lake, []):
        for event in document.events:
            yield FailedItem(_item(_bytes(event, document)), document.type, _class(document.error), where)


def _undelivered(
    error_object: ErrorObject, reader: FailureReader, entry: JournalEntry, types: Mapping[str, RecordType]
) -> Iterator[FailedItem]:
    done = set(entry.done)
    for failure in reader.read(error_object, entry):
        if isinstance(failure, Unreadable) or failure.attribution is not Attribution.THIS_STREAM:
            continue
        place = failure.record.place
        if place not in done:
            why = entry.failed.get(place, failure.explanation)
            yield FailedItem(
                _item(original(failure.record.raw, types).payload), failure.type, _class(why), failure.where
            )


def _class(why: Explanation) -> Class:
    return Class.OUTSIDE_DATES if IN_RANGE in why.message else Class.FAILED


def _item(payload: bytes) -> str | None:
    try:
        return _decode(payload).item
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _bytes(event: str, document: ErrorDocument) -> bytes:
    return b64decode(event) if document.encoding == "base64" else event.encode("utf-8", "surrogatepass")
