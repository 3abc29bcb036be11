"""The objects of a flush put into a sink, several at a time where the sink waits for a network."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from firehose.destination import Sink

T = TypeVar("T")

# Of bodies that wait for their puts. A flush of hundreds of partitions has small ones; large ones fill a line anyway.
IN_FLIGHT_BYTES = 32 * 1024 * 1024


class Put(NamedTuple, Generic[T]):
    """An object to be put, and what its maker wants to know it by."""

    key: str
    body: bytes
    content_encoding: str
    of: T


def put_each(sink: Sink, puts: Iterable[Put[T]]) -> Iterator[Put[T]]:
    """Puts all of them; gives each, in order, when it is there.

    325 objects of 5,000 sample records take 14 ms each one after the other at moto's server, 5 with sixteen at a time.

    Raises:
        What the sink raises; puts behind the one that failed may have ended all the same.
    """
    at_once = getattr(sink, "concurrent_puts", 1)
    if at_once == 1:
        for put in puts:
            sink.put(put.key, put.body, content_encoding=put.content_encoding)
            yield put
        return
    waiting: deque[tuple[Put[T], Future[None]]] = deque()
    size_bytes = 0
    with ThreadPoolExecutor(at_once) as pool:
        for put in puts:
            started = pool.submit(sink.put, put.key, put.body, content_encoding=put.content_encoding)
            waiting.append((put, started))
            size_bytes += len(put.body)
            while len(waiting) > 2 * at_once or size_bytes > IN_FLIGHT_BYTES:
                size_bytes -= len(waiting[0][0].body)
                yield _ended(waiting)
        while waiting:
            yield _ended(waiting)


def _ended(waiting: "deque[tuple[Put[T], Future[None]]]") -> Put[T]:
    put, started = waiting.popleft()
    started.result()
    return put
