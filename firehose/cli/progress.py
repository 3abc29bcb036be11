"""Show the progress of a job: a bar at a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from firehose.lake.jobs.job import Phase

EVERY_SECONDS = 30.0


class Meter:
    """Counts the items that are done. The total is 0 if unknown; the rate excludes the items of an earlier run."""

    def __init__(self, items: int, clock_seconds: Callable[[], float] = time.monotonic) -> None:
        self.done = 0
        self._items = items
        self._clock = clock_seconds
        self._started = clock_seconds()
        self._before: int | None = None

    def add(self, more: int) -> None:
        """Add the items done since the last call. The first call adds those of an earlier run."""
        self._before = more if self._before is None else self._before
        self.done += more

    @property
    def rate(self) -> float:
        """The items per second."""
        return (self.done - (self._before or 0)) / max(self._clock() - self._started, 0.001)

    @property
    def seconds_left(self) -> float | None:
        """An estimate of how long the rest takes, or None."""
        left = self._items - self.done
        return left / self.rate if left > 0 and self.rate > 0 else None

    def __str__(self) -> str:
        """Return "1,200,000 of about 4,000,000, 21,000/s, 2 min left"."""
        of = f" of about {self._items:,}" if self._items else ""
        left = self.seconds_left
        return f"{self.done:,}{of}, {self.rate:,.0f}/s" + (f", {_duration(left)} left" if left is not None else "")


@contextmanager
def shown_progress() -> Iterator[Phase]:
    """Show a bar, or print lines if standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield progress_lines(lambda line: typer.echo(line, err=True))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _bars(bar)


def progress_lines(
    say: Callable[[str], None],
    *,
    clock_seconds: Callable[[], float] = time.monotonic,
    every_seconds: float = EVERY_SECONDS,
) -> Phase:
    """Call `say` with a line about the progress, at most once in `every_seconds`.

    "read 1,200,000 of about 4,000,000, 21,000/s, 2 min left"
    """

    def phase(name: str, items: int) -> Callable[[int], None]:
        meter = Meter(items, clock_seconds)
        said = clock_seconds()

        def tick(more: int) -> None:
            nonlocal said
            meter.add(more)
            if clock_seconds() - said >= every_seconds:
                said = clock_seconds()
                say(f"{name} {meter}")

        return tick

    return phase


def _bars(bar: Progress) -> Phase:
    def phase(name: str, items: int) -> Callable[[int], None]:
        task = bar.add_task(name, total=items or None, rate=0.0)
        meter = Meter(items)

        def tick(more: int) -> None:
            meter.add(more)
            bar.update(task, completed=meter.done, rate=meter.rate)

        return tick

    return phase


def _duration(seconds: float) -> str:
    """Return "45 s", "12 min" or "3 h 20 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
