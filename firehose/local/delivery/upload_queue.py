"""The upload queue: objects on their way into a sink, and those that the sink refused so far.

Source: Firehose guide, "Handle data delivery failures": for S3, delivery is retried as long as the source keeps the
records.

Without a clock, as on files, nothing waits here: an error of the sink ends the run.

With a clock:
- A refused object stays, key and bytes as they are, and its records stay unsettled. So if only the answer was lost, the
  second put replaces the first.
- It is tried again 1 s after the first refusal, then after twice that, 60 s at most. AWS does not document its own
  spacing.
- Its partition stays active (`partitions`), so that a bucket that refuses everything reaches the limit of partitions,
  as on AWS.
- The bodies count as memory (`waiting_bytes`); the data plane ends the run when they are more than it may use.
- While an error object of format conversion is refused, it blocks: later objects wait behind it without being tried.
- When an object is in the bucket, its records are settled and counted, and `on_put` is called.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from firehose.local.delivery.putting import ObjectPut, PutError, put_each
from firehose.local.ledger import Settle
from firehose.local.metrics import Metrics
from firehose.local.sink import Sink

FIRST_RETRY_MS = 1_000
LONGEST_RETRY_MS = 60_000


def spacing_ms(refusals: int) -> int:
    """Return how long to wait after a refusal that came after so many others."""
    return min(FIRST_RETRY_MS << min(refusals, 10), LONGEST_RETRY_MS)


class _Waiting(msgspec.Struct, eq=False):
    put: ObjectPut
    due_ms: int
    tries: int = 0
    put_error: PutError = None


class UploadQueue:
    """The objects of one destination; its metrics begin with `area`."""

    def __init__(
        self,
        sink: Sink,
        metrics: Metrics,
        *,
        area: str,
        settle: Settle,
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
        """The bytes of the objects that wait."""
        return sum(len(waiting.put.body) for waiting in self._waiting)

    @property
    def put_error(self) -> PutError:
        """The sink's error for the oldest refused object; None if nothing is refused."""
        return next((waiting.put_error for waiting in self._waiting if waiting.put_error), None)

    def send(self, puts: Iterable[ObjectPut]) -> None:
        """Puts these objects, or keeps them.

        Raises:
            The sink's error, if the stream has no clock.
        """
        if self._blocking():
            for put in puts:
                self._keep(put, None)
            return
        for put, error in put_each(self._sink, puts):
            self._count(put, error)
            if error is None:
                self._on_success(put)
            else:
                self._keep(put, error)

    def retry(self, now_ms: int) -> None:
        """Puts the waiting objects that are due."""
        self._retry(lambda waiting: waiting.due_ms <= now_ms)

    def finish(self) -> None:
        """Puts all waiting objects once more.

        Raises:
            The sink's error for the oldest object that it still refuses: the source must not move past it.
        """
        self._retry(lambda _: True)
        if self.put_error is not None:
            raise self.put_error

    def _blocking(self) -> list[_Waiting]:
        return [waiting for waiting in self._waiting if waiting.put.manifest.blocks]

    def _retry(self, due: Callable[[_Waiting], bool]) -> None:
        if not self._waiting:  # nearly always, ten times a second
            return
        self._try(list(filter(due, self._blocking())))
        if not self._blocking():
            self._try(list(filter(due, self._waiting)))

    def _try(self, chosen: Sequence[_Waiting]) -> None:
        tried = put_each(self._sink, [waiting.put for waiting in chosen])
        for waiting, (put, error) in zip(chosen, tried, strict=True):
            self._count(put, error)
            if error is None:
                self._waiting.remove(waiting)
                self._release(put.manifest.values)
                self._on_success(put)
            else:
                self._later(waiting, error)

    def _keep(self, put: ObjectPut, error: PutError) -> None:
        waiting = _Waiting(put, 0)
        if error is not None:
            self._later(waiting, error)
        self._waiting.append(waiting)
        if put.manifest.values is not None:
            self.partitions[put.manifest.values] += 1

    def _release(self, values: tuple[str, ...] | None) -> None:
        if values is not None:
            self.partitions[values] -= 1
            if not self.partitions[values]:
                del self.partitions[values]

    def _later(self, waiting: _Waiting, error: Exception) -> None:
        if self._clock is None:
            raise error
        waiting.put_error = error
        waiting.due_ms = self._clock() + spacing_ms(waiting.tries)
        waiting.tries += 1

    def _on_success(self, put: ObjectPut) -> None:
        manifest = put.manifest
        self._settle(manifest.ordinals, manifest.fate)
        self._metrics.add(f"{self._area}.Records", len(manifest.ordinals))
        self._metrics.add(f"{self._area}.Bytes", manifest.original_bytes)
        self._on_put(put)

    def _count(self, put: ObjectPut, error: PutError) -> None:
        self._metrics.add(f"{self._area}.Success", 0 if error else 1)
        if self._clock is not None:
            self._metrics.add(f"{self._area}.DataFreshness", max(0, self._clock() - put.manifest.oldest_ms) / 1000)
