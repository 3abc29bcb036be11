"""Avro mode: the function itself puts its rows into the bucket, a container for each type and partition date (BR-9).

One delivery stream then serves all record types. Firehose is answered Dropped for the rows that are in the bucket, so
that it does not deliver them again, and ProcessingFailed for the others, so that it keeps the originals.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from glue.layout import Format, partition, type_prefix
from glue.model import RecordType
from transform.avro import MARKER_BYTES, AvroFiles
from transform.avro_binary import TIMES
from transform.errors import batch_digest
from transform.mode import Encode, Invocation, Mode, ModeDelivery, Written
from transform.object_store import ObjectStore, error_name, put_all
from transform.outcome import Delivered, Failed, Outcome, Reason
from transform.reply import without_row
from transform.settings import Settings

CONTENT_TYPE = "avro/binary"

# The part of Lambda's time that is kept for the reply and error documents: two attempts at a put, even if both hang.
KEPT_SECONDS = 15.0


class ContainerRows(NamedTuple):
    """The rows of one container, and the positions of their records in the invocation."""

    type: str
    date: str
    data: list[str]
    positions: list[int]


def mode(settings: Settings, store: ObjectStore) -> Mode:
    """Avro mode, which puts its containers into the store."""
    return AvroMode(store, settings.avro_codec)


class AvroMode:
    """Puts rows into Avro containers, whose codec is `deflate` or `null`."""

    times = TIMES

    def __init__(self, store: ObjectStore, codec: str) -> None:
        self._store = store
        self._codec = codec
        self._files: dict[str, AvroFiles] = {}

    def encoder(self, record_type: RecordType) -> Encode:
        """The encoder of this type's rows as Avro data."""
        files = self._files[record_type.name] = AvroFiles(record_type, self._codec)
        return files.encode

    def result(self, record_id: str, outcome: Outcome) -> dict[str, Any]:
        """Dropped for what is delivered, too: Firehose must not deliver it again."""
        if type(outcome) is Delivered:
            return {"recordId": record_id, "result": "Dropped", "data": ""}
        return without_row(record_id, outcome)

    def deliver(self, invocation: Invocation, outcomes: list[Outcome]) -> ModeDelivery:
        """Put the containers; the records of those that cannot be put become `not_written`, in place.

        An object's name depends on the invocation's record ids alone, so a repeated invocation replaces its objects:
        neither a retry nor a crash before the reply duplicates a row.
        """
        put: dict[str, tuple[ContainerRows, int]] = {}

        def objects() -> Iterator[tuple[str, bytes]]:
            batch = batch_digest(invocation.record_ids)
            for group in _groups(outcomes):
                key, marker = _name(invocation.stream, batch, group)
                body = self._files[group.type].container(group.data, marker)
                put[key] = group, len(body)
                yield key, body

        for key, error in put_all(self._store, objects(), CONTENT_TYPE, _seconds(invocation)).items():
            group, _ = put.pop(key)
            for position in group.positions:
                outcomes[position] = Failed(Reason.NOT_WRITTEN, _message(error), None, group.type, key)
        return _delivery(put.values())


def _groups(outcomes: Sequence[Outcome]) -> list[ContainerRows]:
    found: dict[tuple[str, str], tuple[list[str], list[int]]] = defaultdict(lambda: ([], []))
    for position, outcome in enumerate(outcomes):
        if type(outcome) is Delivered:
            data, positions = found[outcome.type, outcome.date]
            data.append(outcome.data)
            positions.append(position)
    return [ContainerRows(*key, *rows) for key, rows in found.items()]


def _name(stream: str, batch: str, group: ContainerRows) -> tuple[str, bytes]:
    """The key of a group's object, and the sync marker in it: digests of the invocation's record ids and the group.

    -> ("data-pipeline/avro/demand/partition_date=2025-01-01/<stream>-<digest>.avro", 16 bytes)
    """
    digest = sha256(f"{batch} {group.type} {group.date}".encode()).digest()
    folder = partition(type_prefix(Format.AVRO, group.type), group.date)
    return f"{folder}{stream}-{digest[MARKER_BYTES:].hex()}.avro", digest[:MARKER_BYTES]


def _message(error: BaseException) -> str:
    late = " in time, but may be yet" if isinstance(error, TimeoutError) else ""
    return f"its Avro container could not be written{late}: {error_name(error)}"


def _seconds(invocation: Invocation) -> float | None:
    """The seconds that the puts may take. If little time is left, half of it is kept."""
    left = invocation.seconds_left()
    return None if left is None else left - min(KEPT_SECONDS, left / 2)


def _delivery(put: Iterable[tuple[ContainerRows, int]]) -> ModeDelivery:
    by_type: dict[str, Written] = {}
    for group, size_bytes in put:
        written = by_type.setdefault(group.type, Written(group.type))
        written.records += len(group.positions)
        written.objects += 1
        written.bytes += size_bytes
    return ModeDelivery(sum(written.bytes for written in by_type.values()), list(by_type.values()))
