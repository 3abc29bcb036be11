"""Buffers: rows of each partition of one delivery stream, or pieces of bytes, waiting to be an object each.

Rows lie in the Arrow batches that they were converted in, and a partition keeps their places; a flush gathers its rows
from there. A batch of 1 MiB may hold rows of hundreds of dates, and an Arrow table for each would cost more than its
rows.
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

from firehose.local.event_record import EventRecord, payload_bytes


class Entry(NamedTuple):
    """One record whose rows are to be buffered."""

    values: tuple[str, ...]  # of the partition keys
    record_id: str
    ordinal: int
    arrival_ms: int
    size_bytes: int  # of its rows as JSON, which is what Firehose's buffer hint counts
    rows: int
    original_bytes: int = 0  # of the payload that it came as


class Partition(msgspec.Struct, eq=False):
    """An active partition: what the next object of these partition keys will hold."""

    values: tuple[str, ...]
    opened_ms: int | None
    oldest_ms: int
    size_bytes: int = 0
    original_bytes: int = 0
    places: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    ordinals: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    _digest: Any = msgspec.field(default_factory=sha1)

    def add(self, entry: Entry, place: int) -> None:
        """Takes a record whose first row lies at `place`."""
        _, record_id, ordinal, arrival_ms, size_bytes, rows, original_bytes = entry
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
        """As uuid5 makes one, of the ordered record ids, the stream and the partition: what the object holds.

        The same input again gives the same name, and so replaces the object instead of doubling its rows.
        """
        digest = self._digest.copy()
        digest.update("\0".join((stream_name, *self.values)).encode())
        return uuid.UUID(bytes=digest.digest()[:16], version=5)


class RowBuffer:
    """The active partitions of one stream and the rows they wait with.

    A partition is active while records of it wait, here or in objects that the destination has refused so far, which
    `refused` counts by partition. One that reaches `full_bytes` stands in `full`, to be taken before more is added.
    """

    def __init__(
        self,
        schema: pa.Schema,
        partition_limit: int,
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
        """How many partitions are active."""
        return len(self.partitions.keys() | self._refused.keys()) if self._refused else len(self.partitions)

    def add(self, rows: pa.RecordBatch, entries: Sequence[Entry], now_ms: int | None) -> int:
        """Buffers the rows of `entries`, in whose order they are; how many entries were taken.

        Fewer than given when one fills its partition, or when the next would need one active partition too many.
        """
        taken = place = 0
        partitions = self.partitions
        full_bytes = self._full_bytes
        for entry in entries:
            partition = partitions.get(entry.values)
            if partition is None:
                if self.active >= self.partition_limit and entry.values not in self._refused:
                    break
                partition = partitions[entry.values] = Partition(entry.values, now_ms, entry.arrival_ms)
            partition.add(entry, self._rows + place)
            self.size_bytes += entry.size_bytes
            place += entry.rows
            taken += 1
            if partition.size_bytes >= full_bytes:
                self.full.append(partition)
                break
        if place:
            self._batches.append(rows.slice(0, place))
            self._rows += place
        return taken

    def take(self, partitions: Sequence[Partition]) -> Iterator[tuple[Partition, pa.Table]]:
        """Removes these partitions; each with its rows, in order of arrival."""
        for partition in partitions:
            del self.partitions[partition.values]
            self.size_bytes -= partition.size_bytes
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
        # Copied, so that the rows that leave do not stay in memory for the sake of the few that wait.
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


def largest(partitions: Iterable[Partition], *, count: int = 0, size_bytes: int = 0) -> list[Partition]:
    """The largest partitions, at least `count` of them and `size_bytes` in all, where there are as many.

    Large ones first, because each object costs the same to write and to open: this makes the fewest.
    """
    chosen: list[Partition] = []
    total = 0
    for partition in sorted(partitions, key=lambda partition: -partition.size_bytes):
        if len(chosen) >= count and total >= size_bytes:
            break
        chosen.append(partition)
        total += partition.size_bytes
    return chosen


class ByteBuffer(msgspec.Struct):
    """Bytes of one record each that wait to be joined to an object."""

    pieces: list[bytes] = msgspec.field(default_factory=list)
    ordinals: list[int] = msgspec.field(default_factory=list)
    oldest_ms: int = 0
    size_bytes: int = 0
    original_bytes: int = 0
    opened_ms: int | None = None
    _digest: Any = msgspec.field(default_factory=sha1)

    def add(self, piece: bytes, record: EventRecord, ordinal: int, now_ms: int | None) -> None:
        """Takes what one record is in the object; the ordinal is settled when that is there."""
        arrival_ms = record["approximateArrivalTimestamp"]
        if not self.pieces:
            self.opened_ms, self.oldest_ms = now_ms, arrival_ms
        self.pieces.append(piece)
        self.ordinals.append(ordinal)
        self.oldest_ms = min(self.oldest_ms, arrival_ms)
        self.size_bytes += len(piece)
        self.original_bytes += payload_bytes(record)
        self._digest.update(record["recordId"].encode())

    def uuid(self, of: str) -> uuid.UUID:
        """Derived from what the object holds and `of`, its stream and kind, so that the same input replaces it."""
        digest = self._digest.copy()
        digest.update(of.encode())
        return uuid.UUID(bytes=digest.digest()[:16], version=5)
