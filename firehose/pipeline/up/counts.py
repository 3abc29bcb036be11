"""How far each delivery stream is, as people at a terminal see it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os.path import commonprefix

from rich.console import Console
from rich.live import Live
from rich.table import Table

from firehose.cli.shown import plain_table
from firehose.local.report import RunReport
from firehose.pipeline.run_summary import FunctionMetrics

# Twice a second is live to an eye; a table takes 2 ms to draw.
_REDRAW_MS = 500


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """The counts of one delivery stream. A record is in one of the four that follow `read`."""

    name: str
    read: int
    delivered: int
    dropped: int
    failed: int

    @property
    def buffered(self) -> int:
        """Read, and of no known fate yet."""
        return self.read - self.delivered - self.dropped - self.failed


def stream_counts(report: RunReport, metrics: Mapping[str, FunctionMetrics]) -> list[StreamCounts]:
    """The counts of every stream; what a function delivered itself, in Avro mode, its stream has as dropped."""
    found = []
    for stream in report.streams:
        itself = metrics[stream.name].delivered.total() if stream.name in metrics else 0
        found.append(
            StreamCounts(
                stream.name, report.read, stream.delivered + itself, stream.dropped - itself, stream.failed.total()
            )
        )
    return found


def counts_table(counts: Iterable[StreamCounts]) -> Table:
    """One line a delivery stream: read, delivered, dropped, failed, buffered."""
    return _table("delivery stream", {one.name: one for one in counts})


def live_table(counts: Sequence[StreamCounts], lag_ms: int) -> Table:
    """The same with how far the source is behind. What all names begin with stands above them: they are long."""
    prefix = commonprefix([one.name for one in counts])  # noqa: RUF071 - names, cut at a whole word below
    prefix = prefix[: prefix.rfind("-") + 1]
    lag = f"{lag_ms / 1000:.1f} s"
    return _table(prefix or "delivery stream", {one.name.removeprefix(prefix): one for one in counts}, lag=lag)


def _table(head: str, counts: Mapping[str, StreamCounts], **more: str) -> Table:
    table = plain_table()
    table.add_column(head, overflow="fold")
    for name in ("read", "delivered", "dropped", "failed", "buffered", *more):
        table.add_column(name, justify="right")
    for name, one in counts.items():
        numbers = (one.read, one.delivered, one.dropped, one.failed, one.buffered)
        table.add_row(name, *(f"{number:,}" for number in numbers), *more.values())
    return table


@contextmanager
def live_counts(draw: Callable[[], Table], clock: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """A table on standard error that is drawn anew, at a terminal; nothing elsewhere. To be called often."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return
    with Live(
        draw(), console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:
        drawn_ms = clock()

        def show() -> None:
            nonlocal drawn_ms
            if clock() - drawn_ms >= _REDRAW_MS:
                drawn_ms = clock()
                live.update(draw(), refresh=True)

        yield show
