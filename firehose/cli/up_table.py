"""Draws the counts of delivery streams as a table, again and again at a terminal while `dmd up` runs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os.path import commonprefix

from rich.console import Console
from rich.live import Live
from rich.text import Text

from firehose.cli.text_table import TextTable, text_table
from firehose.pipeline.up.counts import StreamCounts

# Twice a second looks live; a table takes 2 ms to draw.
_REDRAW_MS = 500


def counts_table(counts: Iterable[StreamCounts]) -> TextTable:
    """Return a table with a line for each delivery stream: read, delivered, dropped, failed, buffered."""
    return _table("delivery stream", {one.name: one for one in counts})


def live_table(counts: Sequence[StreamCounts], lag_ms: int) -> TextTable:
    """Return the same with the source's lag. The names' common prefix is the head of the column: names are long."""
    prefix = commonprefix([one.name for one in counts])  # noqa: RUF071 - names, cut at a whole word below
    prefix = prefix[: prefix.rfind("-") + 1]
    lag = f"{lag_ms / 1000:.1f} s"
    return _table(prefix or "delivery stream", {one.name.removeprefix(prefix): one for one in counts}, lag=lag)


def _table(head: str, counts: Mapping[str, StreamCounts], **more: str) -> TextTable:
    heads = [head, "read", "delivered", "dropped", "failed", "buffered", *more]
    rows = []
    for name, one in counts.items():
        numbers = (one.read, one.delivered, one.dropped, one.failed, one.buffered)
        rows.append((name, *(f"{number:,}" for number in numbers), *more.values()))
    return text_table(heads, rows, right=range(1, len(heads)))


@contextmanager
def live_counts(draw: Callable[[], TextTable], clock: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """Yield a function, to be called often, that redraws a table on standard error if that is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda: None
        return

    def drawn() -> Text:
        return Text("\n".join(draw().lines_within(console.width)))

    with Live(
        drawn(), console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:
        drawn_ms = clock()

        def show() -> None:
            nonlocal drawn_ms
            if clock() - drawn_ms >= _REDRAW_MS:
                drawn_ms = clock()
                live.update(drawn(), refresh=True)

        yield show
