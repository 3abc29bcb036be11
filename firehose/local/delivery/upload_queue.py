"""Objects on their way into the sink: one that it refuses stays as it is, and is tried again until it is there.

Source: Firehose guide, "Handle data delivery failures": for S3 it tries again as long as its source keeps the records.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from firehose.local.delivery.putting import Put, Refusal, put_each
from firehose.local.metrics import Metrics
from firehose.local.sinks import Sink

# Ours: how far apart tries are is not documented.
FIRST_RETRY_MS = 1_000
LONGEST_RETRY_MS = 60_000


class ObjectManifest(msgspec.Struct, frozen=True):
    """What an object holds, and so what is known of those records when it is there.

    `values` are its partition's, None where it is no partition's. While an object that `blocks` is refused, none that
    comes after it is put.
    """

    ordinals: Sequence[int]
    fate: int
    oldest_ms: int
    original_bytes: int  # of the payloads as they came, which is what Firehose's metrics count (observed)
    prefix: str = ""
    rows: int = 0
    values: tuple[str, ...] | None = None
    opened_ms: int | None = None
    blocks: bool = False


ObjectPut: TypeAlias = Put[ObjectManifest]


class _Waiting(msgspec.Struct, eq=False):
    put: ObjectPut
    due_ms: int
    tries: int = 0
    refusal: Refusal = None


class UploadQueue:
    """The objects of one destination, `area` in the names of its metrics.

    With a clock a refused object waits here, key and bytes as they are, and its records stay unsettled. Without one, as
    on files, what the sink raises is raised.
    """

    def __init__(
        self,
        sink: Sink,
        metrics: Metrics,
        *,
        area: str,
        settle: Callable[[Iterable[int], int], None],
        clock: Callable[[], int] | None,
        on_put: Callable[[ObjectPut], None] = lambda _: None,
    ) -> None:
        self._sink = sink
        self._metrics = metrics
        self._area = area
        self._settle = settle
        self._clock = clock
        self._on_put = on_put
        self._waiting: list[_Waiting] = []
        self.partitions: Counter[tuple[str, ...]] = Counter()  # of the objects that wait

    @property
    def waiting_bytes(self) -> int:
        """The bodies that the sink has refused so far, or that wait behind one of those."""
        return sum(len(waiting.put.body) for waiting in self._waiting)

    @property
    def refusal(self) -> Refusal:
        """What the sink raised for the oldest of the objects that wait; None where none does."""
        return next((waiting.refusal for waiting in self._waiting if waiting.refusal), None)

    def send(self, puts: Iterable[ObjectPut]) -> None:
        """Puts objects; `there` is told of each that is.

        Raises:
            What the sink raises, where no clock runs.
        """
        if self._blocking():
            for put in puts:
                self._keep(put, None)
            return
        for put, refusal in put_each(self._sink, puts):
            self._count(put, refusal)
            if refusal is None:
                self._on_success(put)
            else:
                self._keep(put, refusal)

    def retry(self, now_ms: int) -> None:
        """Tries the objects whose time has come: 1 s after the first refusal, then twice that, 60 s at most."""
        self._retry(lambda waiting: waiting.due_ms <= now_ms)

    def finish(self) -> None:
        """Tries all that waits once more.

        Raises:
            What the sink raised for one that is still not there: a source must not move past it.
        """
        self._retry(lambda _: True)
        if self.refusal is not None:
            raise self.refusal

    def _blocking(self) -> list[_Waiting]:
        return [waiting for waiting in self._waiting if waiting.put.of.blocks]

    def _retry(self, due: Callable[[_Waiting], bool]) -> None:
        if not self._waiting:  # nearly always, ten times a second
            return
        self._try(list(filter(due, self._blocking())))
        if not self._blocking():
            self._try(list(filter(due, self._waiting)))

    def _try(self, chosen: Sequence[_Waiting]) -> None:
        tried = put_each(self._sink, [waiting.put for waiting in chosen])
        for waiting, (put, refusal) in zip(chosen, tried, strict=True):
            self._count(put, refusal)
            if refusal is None:
                self._waiting.remove(waiting)
                self._release(put.of.values)
                self._on_success(put)
            else:
                self._later(waiting, refusal)

    def _keep(self, put: ObjectPut, refusal: Refusal) -> None:
        waiting = _Waiting(put, 0)
        if refusal is not None:
            self._later(waiting, refusal)
        self._waiting.append(waiting)
        if put.of.values is not None:
            self.partitions[put.of.values] += 1

    def _release(self, values: tuple[str, ...] | None) -> None:
        if values is not None:
            self.partitions[values] -= 1
            if not self.partitions[values]:
                del self.partitions[values]

    def _later(self, waiting: _Waiting, refusal: Exception) -> None:
        if self._clock is None:
            raise refusal
        waiting.refusal = refusal
        waiting.due_ms = self._clock() + min(FIRST_RETRY_MS << min(waiting.tries, 10), LONGEST_RETRY_MS)
        waiting.tries += 1

    def _on_success(self, put: ObjectPut) -> None:
        self._settle(put.of.ordinals, put.of.fate)
        self._metrics.add(f"{self._area}.Records", len(put.of.ordinals))
        self._metrics.add(f"{self._area}.Bytes", put.of.original_bytes)
        self._on_put(put)

    def _count(self, put: ObjectPut, refusal: Refusal) -> None:
        self._metrics.add(f"{self._area}.Success", 0 if refusal else 1)
        if self._clock is not None:
            self._metrics.add(f"{self._area}.DataFreshness", max(0, self._clock() - put.of.oldest_ms) / 1000)
