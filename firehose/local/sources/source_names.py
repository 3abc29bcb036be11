"""Names of sources, by which an Iceberg table says how far it has each (delivery/source_marks)."""

from collections.abc import Iterable
from hashlib import sha256

from firehose.local.delivery.source_marks import SourceOf
from firehose.local.event_record import EventRecord


def one_source(name: str) -> SourceOf:
    """Return what names the source of every record alike."""
    return lambda _: name


def named_by_records(records: Iterable[EventRecord]) -> SourceOf:
    """Return the name of a run over files: the SHA-256 of the ids of all its records in order.

    The same files again are the same source. A file of the same name with other records is another.
    """
    digest = sha256()
    for record in records:
        digest.update(record["recordId"].encode())
    return one_source(digest.hexdigest())
