"""Puts the objects of a flush into a sink, several at a time if the sink waits for a network."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

import msgspec

from firehose.local.sink import Sink

# The limit for bodies that wait to be put. A flush of hundreds of partitions has small bodies; large ones fill the
# network whatever their number.
IN_FLIGHT_BYTES = 32 * 1024 * 1024

# The sink's error for a put; None for a put that succeeded.
PutError: TypeAlias = Exception | None


class ObjectManifest(msgspec.Struct, frozen=True):
    """The records of an object, and the numbers to count once it is in the bucket.

    `values` are those of its partition's keys, None for an error or backup object. While an object that `blocks` is
    refused, nothing that comes after it is put.
    """

    ordinals: Sequence[int]
    fate: int
    oldest_ms: int
    original_bytes: int  # of the payloads as they came, which is what Firehose's metrics count (observed)
    rows: int = 0
    values: tuple[str, ...] | None = None
    opened_ms: int | None = None
    blocks: bool = False


class ObjectPut(NamedTuple):
    """An object to be put."""

    key: str
    body: bytes
    content_encoding: str
    manifest: ObjectManifest


def concurrent_puts(store: object) -> int:
    """Returns how many calls a store takes at once: 1 for a folder, whose calls wait for nobody."""
    at_once: int = getattr(store, "concurrent_puts", 1)
    return at_once


def put_each(
    sink: Sink, puts: Iterable[ObjectPut], in_flight_bytes: int = IN_FLIGHT_BYTES
) -> Iterator[tuple[ObjectPut, PutError]]:
    """Puts all objects, and yields each, in order, when its put has ended.

    325 objects of 5,000 sample records take 14 ms each one after the other at moto's server, 5 with sixteen at a time.
    """
    at_once = concurrent_puts(sink)
    if at_once == 1:
        for put in puts:
            yield put, _put(sink, put)
        return
    waiting: deque[tuple[ObjectPut, Future[PutError]]] = deque()
    size_bytes = 0
    with ThreadPoolExecutor(at_once) as pool:
        for put in puts:
            waiting.append((put, pool.submit(_put, sink, put)))
            size_bytes += len(put.body)
            while len(waiting) > 2 * at_once or size_bytes > in_flight_bytes:
                size_bytes -= len(waiting[0][0].body)
                yield _ended(waiting)
        while waiting:
            yield _ended(waiting)


def _put(sink: Sink, put: ObjectPut) -> PutError:
    try:
        sink.put(put.key, put.body, content_encoding=put.content_encoding)
    except Exception as error:  # noqa: BLE001  a disk's, a client's or a fault's own: the caller keeps the object
        return error
    return None


def _ended(waiting: "deque[tuple[ObjectPut, Future[PutError]]]") -> tuple[ObjectPut, PutError]:
    put, started = waiting.popleft()
    return put, started.result()
