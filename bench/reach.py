"""The marks that this project has set itself, beside the figures of a run.

Marks are those of a quiet core. They are goals, not limits: nothing fails if one is missed.
"""

from collections.abc import Mapping
from typing import NamedTuple

from bench.figures import Figures
from bench.tables import table


class Mark(NamedTuple):
    """A goal for one figure: at most so much, or at least. `optimised` is that on a Python built with its profile."""

    figure: str
    mark: float
    at_least: bool = False
    optimised: float | None = None

    def is_reached(self, value: float, mark: float) -> bool:
        """Return whether a figure, shown with two decimals, is on the right side."""
        return round(value, 2) >= mark if self.at_least else round(value, 2) <= mark


MARKS = (
    Mark("function / floor, demands", 1.2, optimised=1.5),
    Mark("function / floor, corpus", 1.3, optimised=1.7),
    Mark("node / function, demands", 1.25, at_least=True),
    Mark("node / function, corpus", 1.25, at_least=True),
    Mark("node / function, whole invocations, demands", 1.25, at_least=True),
    Mark("node / function, whole invocations, corpus", 1.25, at_least=True),
    Mark("node / function, Avro, demands", 1.5, at_least=True),
    Mark("node / function, Avro, corpus", 1.9, at_least=True),
    Mark("idiom / function, demands", 7, at_least=True),
    Mark("idiom / function, corpus", 11, at_least=True),
    Mark("foreign record / floor", 0.47),
    Mark("cold start / its libraries", 1.4),
    Mark("two processes / one, items a second", 1.7, at_least=True),
    Mark("dmd run / DuckDB, CPU", 2.4),
    Mark("count(*) over 5,000 files, CPU seconds", 1.2),
    Mark("count(*) over 5,000 files, MB", 300),
)

OWN, OPTIMISED = "this Python", "optimised Python"


def report(figures: Mapping[str, Figures]) -> str:
    """Return every mark beside the figures of each Python, `!` after those that miss it."""
    rows = []
    for mark in MARKS:
        goals = {OWN: mark.mark, OPTIMISED: mark.optimised or mark.mark}
        cells = [_cell(mark, figures.get(python, {}).get(mark.figure), goal) for python, goal in goals.items()]
        rows.append([mark.figure, _goal(mark), *cells])
    return table("Reach", ["", "mark", OWN, OPTIMISED], rows)


def _goal(mark: Mark) -> str:
    sign = ">=" if mark.at_least else "<="
    return f"{sign} {mark.mark:g}" + (f", optimised {mark.optimised:g}" if mark.optimised else "")


def _cell(mark: Mark, value: float | None, goal: float) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}{' ' if mark.is_reached(value, goal) else '!'}"
