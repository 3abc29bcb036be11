"""Records that are put directly into a delivery stream, as a source: a queue that takes so many bytes."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Condition

from firehose.local.event_record import EventRecord, event_record, put_directly

# PutRecord, API reference: "the maximum size of a record ... is 1,000 KiB"; one byte more was refused (observed).
PUT_BYTES = 1_024_000

ONE_SHARD = "shardId-000000000000"

# Kinesis' own have begun with 49 since it exists, and have 56 digits.
FIRST_SEQUENCE_NUMBER = 49 * 10**54

# Ours: a queue that is full makes its producers wait, so that memory does not grow with what they put.
QUEUE_BYTES = 8 * 1024 * 1024

# Records between two looks at the clock.
_AT_ONCE = 500


class PutSource:
    """Yields the records put, and None whenever it has none and after each few hundred.

    source.put([b"{}"], arrival_ms=1714564809617) -> ["shardId-000000000000000..."]

    `sleep` waits for so many seconds, or until somebody ends the wait.
    """

    def __init__(self, sleep: Callable[[float], object], *, queue_bytes: int = QUEUE_BYTES) -> None:
        self._sleep = sleep
        self._queue_bytes = queue_bytes
        self._queue: deque[EventRecord] = deque()
        self._size_bytes = 0
        self.taken = 0  # the records put so far
        self._room = Condition()
        # Unique beyond the life of this stream: the names of objects are made of them.
        self._number = FIRST_SEQUENCE_NUMBER + time.time_ns() * 10**20

    def put(self, payloads: Sequence[bytes], arrival_ms: int, wait_seconds: float) -> list[str]:
        """Queue payloads, and return the ids of those that there was room for within `wait_seconds`, in order."""
        ids = []
        ends = time.monotonic() + wait_seconds
        with self._room:
            for payload in payloads:
                if self._size_bytes >= self._queue_bytes and not self._room.wait_for(
                    lambda: self._size_bytes < self._queue_bytes, ends - time.monotonic()
                ):
                    break
                self._number += 1
                record = put_directly(
                    event_record(
                        payload,
                        shard_id=ONE_SHARD,
                        partition_key="",
                        sequence_number=str(self._number),
                        arrival_ms=arrival_ms,
                    )
                )
                self._queue.append(record)
                self.taken += 1
                self._size_bytes += len(record["data"])
                ids.append(record["recordId"])
        return ids

    def __iter__(self) -> Iterator[EventRecord | None]:
        while True:
            yield from self._next()
            yield None
            if not self._queue:
                self._sleep(1)

    def _next(self) -> list[EventRecord]:
        with self._room:
            taken = [self._queue.popleft() for _ in range(min(len(self._queue), _AT_ONCE))]
            self._size_bytes -= sum(len(record["data"]) for record in taken)
            self._room.notify_all()
        return taken

    @property
    def behind(self) -> bool:
        """True if it has records that it has not yielded."""
        return bool(self._queue)

    def hurry(self) -> None:
        """Do nothing: it never waits while it has records."""

    def settled(self, count: int) -> None:
        """Do nothing: what was put is nowhere else."""
