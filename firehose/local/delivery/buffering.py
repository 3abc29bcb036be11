"""Buffers: the rows of each partition of one delivery stream, or pieces of bytes, until they become an object.

Rows stay in the Arrow batches that they were converted in. A partition keeps only their places there, and a flush
gathers them. A batch of 1 MiB may hold rows of hundreds of dates, and an Arrow table for each date would cost more than
its rows.
"""

import uuid
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha1
from itertools import chain
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from firehose.local.batch import Batch
from firehose.local.event_record import payload_bytes

# Measured: what a partition takes beside its rows is 814 bytes. It counts as memory, so that a source with a partition
# for every record takes no more of that than another.
PARTITION_BYTES = 1024


class BufferedRecord(NamedTuple):
    """A record, and how many of the rows beside it are its own."""

    values: tuple[str, ...]  # of the partition keys
    record_id: str
    ordinal: int
    arrival_ms: int
    size_bytes: int  # of its rows as JSON, which is what Firehose's buffer hint counts
    rows: int
    original_bytes: int = 0  # of the payload that it came as


class Partition(msgspec.Struct, eq=False):
    """An active partition: the rows and records of the next object of these partition keys."""

    values: tuple[str, ...]
    opened_ms: int | None
    oldest_ms: int
    size_bytes: int = 0
    original_bytes: int = 0
    places: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    ordinals: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    _digest: Any = msgspec.field(default_factory=sha1)

    def add(self, record: BufferedRecord, place: int) -> None:
        """Takes a record whose first row lies at `place`."""
        _, record_id, ordinal, arrival_ms, size_bytes, rows, original_bytes = record
        if rows == 1:  # nearly always
            self.places.append(place)
        else:
            self.places.extend(range(place, place + rows))
        self.ordinals.append(ordinal)
        self.size_bytes += size_bytes
        self.original_bytes += original_bytes
        if arrival_ms < self.oldest_ms:  # noqa: PLR1730  min() takes 0.16 us more, all of this 0.6
            self.oldest_ms = arrival_ms
        self._digest.update(record_id.encode())

    def uuid(self, stream_name: str) -> uuid.UUID:
        """Returns a UUID (as uuid5 makes them) of the ordered record ids, the stream and the partition.

        The same input again gives the same name, and so replaces the object instead of doubling its rows.
        """
        digest = self._digest.copy()
        digest.update("\0".join((stream_name, *self.values)).encode())
        return uuid.UUID(bytes=digest.digest()[:16], version=5)


class RowBuffer:
    """The active partitions of one stream, with their rows.

    A partition is active while its records wait: here, or in refused writes, which `refused` counts by partition. One
    that reaches `full_bytes` is listed in `full`; it must be taken before more is added. `size_bytes` is the memory
    that partitions and rows take.
    """

    def __init__(
        self,
        schema: pa.Schema,
        partition_limit: float = inf,
        full_bytes: float = inf,
        refused: Mapping[tuple[str, ...], int] = MappingProxyType({}),
    ) -> None:
        self._schema = schema
        self.partition_limit = partition_limit
        self._full_bytes = full_bytes
        self._refused = refused
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0
        self.partitions: dict[tuple[str, ...], Partition] = {}
        self.full: list[Partition] = []
        self.size_bytes = 0

    @property
    def active(self) -> int:
        """The number of active partitions."""
        return len(self.partitions.keys() | self._refused.keys()) if self._refused else len(self.partitions)

    def add(self, rows: pa.RecordBatch, records: Sequence[BufferedRecord], now_ms: int | None) -> int:
        """Buffers the rows of `records`, which are in the same order; returns how many records were taken.

        Stops after a record that fills its partition, and before one that would need one active partition too many.
        """
        taken = place = 0
        partitions = self.partitions
        full_bytes = self._full_bytes
        for record in records:
            partition = partitions.get(record.values)
            if partition is None:
                if self.active >= self.partition_limit and record.values not in self._refused:
                    break
                partition = partitions[record.values] = Partition(record.values, now_ms, record.arrival_ms)
                self.size_bytes += PARTITION_BYTES
            partition.add(record, self._rows + place)
            self.size_bytes += record.size_bytes
            place += record.rows
            taken += 1
            if partition.size_bytes >= full_bytes:
                self.full.append(partition)
                break
        if place:
            self._batches.append(rows.slice(0, place))
            self._rows += place
        return taken

    def take(self, partitions: Sequence[Partition]) -> Iterator[tuple[Partition, pa.Table]]:
        """Removes these partitions, and yields each with its rows in order of arrival."""
        for partition in partitions:
            del self.partitions[partition.values]
            self.size_bytes -= partition.size_bytes + PARTITION_BYTES
        self.full.clear()
        everything = pa.Table.from_batches(self._batches, self._schema).combine_chunks()
        self._batches.clear()
        taken = _gather(everything, [partition.places for partition in partitions])
        self._keep_rest(everything)
        del everything
        start = 0
        for partition in partitions:
            yield partition, taken.slice(start, len(partition.places))
            start += len(partition.places)

    def _keep_rest(self, everything: pa.Table) -> None:
        # Copies the rows that stay: a slice would keep those that leave in memory as well.
        rest = list(self.partitions.values())
        if rest:
            self._batches = _gather(everything, [partition.places for partition in rest]).to_batches()
        self._rows = 0
        for partition in rest:
            count = len(partition.places)
            partition.places = array("q", range(self._rows, self._rows + count))
            self._rows += count


def _gather(rows: pa.Table, places: Sequence["array[int]"]) -> pa.Table:
    wanted = array("q", chain.from_iterable(places)) if len(places) > 1 else places[0]
    if len(wanted) == rows.num_rows and len(places) == 1:
        return rows
    indices = pa.Array.from_buffers(pa.int64(), len(wanted), [None, pa.py_buffer(wanted)])
    return rows.take(indices)


def largest(partitions: Iterable[Partition], size_bytes: int) -> list[Partition]:
    """Returns the largest partitions, `size_bytes` in all or more; all of them if they have less.

    Each object costs the same to write and to open; taking the largest first makes the fewest objects.
    """
    chosen: list[Partition] = []
    total = 0
    for partition in sorted(partitions, key=lambda partition: -partition.size_bytes):
        if total >= size_bytes:
            break
        chosen.append(partition)
        total += partition.size_bytes + PARTITION_BYTES
    return chosen


class ByteBuffer(msgspec.Struct):
    """Pieces of bytes, one a record, that wait to be joined into one object."""

    pieces: list[bytes] = msgspec.field(default_factory=list)
    ordinals: list[int] = msgspec.field(default_factory=list)
    oldest_ms: int = 0
    size_bytes: int = 0
    original_bytes: int = 0
    opened_ms: int | None = None
    _digest: Any = msgspec.field(default_factory=sha1)

    def add(self, piece: bytes, batch: Batch, index: int) -> None:
        """Takes the piece of one record of a batch."""
        record = batch.records[index]
        arrival_ms = record["approximateArrivalTimestamp"]
        if not self.pieces:
            self.opened_ms, self.oldest_ms = batch.now_ms, arrival_ms
        self.pieces.append(piece)
        self.ordinals.append(batch.ordinal(index))
        self.oldest_ms = min(self.oldest_ms, arrival_ms)
        self.size_bytes += len(piece)
        self.original_bytes += payload_bytes(record)
        self._digest.update(record["recordId"].encode())

    def uuid(self, of: str) -> uuid.UUID:
        """Returns a UUID of the ordered record ids and of `of`, which names stream and kind.

        The same input again gives the same name, and so replaces the object.
        """
        digest = self._digest.copy()
        digest.update(of.encode())
        return uuid.UUID(bytes=digest.digest()[:16], version=5)
