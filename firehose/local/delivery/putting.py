"""The objects of a flush put into a sink, several at a time where the sink waits for a network."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from firehose.local.sinks import Sink

T = TypeVar("T")

# Of bodies that wait for their puts. A flush of hundreds of partitions has small ones; large ones fill a line anyway.
IN_FLIGHT_BYTES = 32 * 1024 * 1024


class Put(NamedTuple, Generic[T]):
    """An object to be put, and what its maker wants to know it by."""

    key: str
    body: bytes
    content_encoding: str
    of: T


Refusal: TypeAlias = Exception | None


def put_each(sink: Sink, puts: Iterable[Put[T]]) -> Iterator[tuple[Put[T], Refusal]]:
    """Puts all of them; gives each, in order, when it is there, or with what the sink raised.

    325 objects of 5,000 sample records take 14 ms each one after the other at moto's server, 5 with sixteen at a time.
    """
    at_once = getattr(sink, "concurrent_puts", 1)
    if at_once == 1:
        for put in puts:
            yield put, _put(sink, put)
        return
    waiting: deque[tuple[Put[T], Future[Refusal]]] = deque()
    size_bytes = 0
    with ThreadPoolExecutor(at_once) as pool:
        for put in puts:
            waiting.append((put, pool.submit(_put, sink, put)))
            size_bytes += len(put.body)
            while len(waiting) > 2 * at_once or size_bytes > IN_FLIGHT_BYTES:
                size_bytes -= len(waiting[0][0].body)
                yield _ended(waiting)
        while waiting:
            yield _ended(waiting)


def _put(sink: Sink, put: Put[T]) -> Refusal:
    try:
        sink.put(put.key, put.body, content_encoding=put.content_encoding)
    except Exception as refused:  # noqa: BLE001  a disk's, a client's or a fault's own: the caller keeps the object
        return refused
    return None


def _ended(waiting: "deque[tuple[Put[T], Future[Refusal]]]") -> tuple[Put[T], Refusal]:
    put, started = waiting.popleft()
    return put, started.result()
