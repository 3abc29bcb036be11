"""A delivery stream at work in a thread of its own: its source is read, its data plane runs by the endpoint's clock."""

import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Protocol, TypeVar

import msgspec

from firehose.local.data_plane import DataPlane
from firehose.local.event_record import EventRecord
from firehose.local.user_error import UserError

T = TypeVar("T")

# Ours: how often counts and metrics are told, and the table is looked up.
LOOK_MS = 1_000

# A flush reads on while the source has more; a producer that never pauses must not keep it from ending.
_MOST_READS = 1_000


class LiveSource(Protocol):
    """A source that is never at its end."""

    def __iter__(self) -> Iterator[EventRecord | None]:
        """Yield records; None whenever it waits."""

    def settled(self, count: int) -> None:
        """Hear that the first `count` records yielded are settled."""

    def hurry(self) -> None:
        """Read at once what it would read later."""

    @property
    def behind(self) -> bool:
        """True if there is more to read now."""


class _Running(msgspec.Struct):
    plane: DataPlane
    accepted: int = 0


class StreamWorker:
    """Runs one stream's data planes over its source, until `stop`.

    All that touches a data plane happens in its thread: other threads hand it functions by `call`. A stream that is
    updated gets another plane; the one before goes on only until everything that it has taken is delivered.
    """

    def __init__(self, name: str, clock: Callable[[], int], look: Callable[[], None]) -> None:
        self._clock = clock
        self._look = look
        self._looked_ms = 0
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._wake = Event()
        self._stopping = False
        self._source: LiveSource | None = None
        self._planes: list[_Running] = []
        self._settled_before = 0
        self.read = 0
        self.failure = ""
        self._thread = Thread(target=self._run, name=f"firehose {name}", daemon=True)

    def start(self, source: LiveSource, plane: DataPlane) -> None:
        """Begin to read the source."""
        self._source = source
        self._planes = [_Running(plane)]
        self._thread.start()

    def sleep(self, seconds: float) -> None:
        """Wait, unless there is something to do."""
        self._wake.wait(seconds)
        self._wake.clear()

    def wake(self) -> None:
        """End a wait."""
        self._wake.set()

    @property
    def settled(self) -> int:
        """The records of the source, from the first, that are delivered, dropped or kept as errors."""
        settled = self._settled_before
        for running in self._planes:
            found = running.plane.settled()
            settled += found
            if found < running.accepted:
                break
        return settled

    def call(self, function: Callable[[], T]) -> T:
        """Run a function in the stream's thread, once what the source has at present was read; return its result."""
        result: Future[T] = Future()
        self._calls.put((function, result))
        self.wake()
        return result.result()

    def tick(self) -> None:
        """Let the planes see the time. Only in the stream's thread, as the next two."""
        for running in self._planes:
            running.plane.tick(self._clock())
        self._forget_ended()
        if self._source is not None:
            self._source.settled(self.settled)

    def finish(self) -> None:
        """Deliver everything that was read, whatever its age.

        Raises:
            The error of a sink.
        """
        for running in self._planes:
            running.plane.finish()
        self.tick()

    def replace(self, plane: DataPlane) -> None:
        """Run another plane from here on."""
        running = self._planes[-1].plane
        try:
            running.finish()
        except Exception as error:  # noqa: BLE001 - the old plane tries it again
            _say(f"{self._thread.name}: {error}")
        self._planes.append(_Running(plane))

    def stop(self) -> None:
        """Let the thread end."""
        self._stopping = True
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._read()
        except UserError as error:  # the stream that it reads is gone
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - reported, and the stream takes no more
            self._fail(f"{type(error).__name__}: {error}")
            traceback.print_exc()
        while not self._stopping:  # what it has read is still tried
            self.sleep(1)
            self._after_reading(iter([None]))

    def _fail(self, reason: str) -> None:
        self.failure = reason
        _say(f"{self._thread.name} reads no more: {reason}")

    def _read(self) -> None:
        assert self._source is not None  # noqa: S101 - started
        records = iter(self._source)
        for record in records:
            if record is None:
                self._after_reading(records)
                if self._stopping:
                    return
            else:
                self._accept(record)

    def _accept(self, record: EventRecord) -> None:
        running = self._planes[-1]
        self.read += 1
        running.accepted += 1
        running.plane.accept(record, self._clock())

    def _after_reading(self, records: Iterator[EventRecord | None]) -> None:
        """Run the calls of other threads, after a read of everything, and see the time."""
        while True:
            try:
                function, result = self._calls.get_nowait()
            except Empty:
                break
            try:
                self._read_everything(records)
            finally:  # also where the source cannot be read any more
                _run(function, result)
        self.tick()
        if self._clock() - self._looked_ms >= LOOK_MS:
            self._looked_ms = self._clock()
            self._look()

    def _read_everything(self, records: Iterator[EventRecord | None]) -> None:
        assert self._source is not None  # noqa: S101 - started
        self._source.hurry()
        self._wake.set()  # the source waits after each None
        for _ in range(_MOST_READS):
            for record in records:
                if record is None:
                    break
                self._accept(record)
            else:
                return
            if not self._source.behind:
                return
            self._source.hurry()
            self._wake.set()

    def _forget_ended(self) -> None:
        while len(self._planes) > 1 and self._planes[0].plane.settled() == self._planes[0].accepted:
            self._settled_before += self._planes.pop(0).accepted


def _run(function: Callable[[], Any], result: Future[Any]) -> None:
    try:
        result.set_result(function())
    except Exception as error:  # noqa: BLE001 - the caller's
        result.set_exception(error)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
