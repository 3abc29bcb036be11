"""Measuring: every contender runs once a round, so that whatever else the machine does falls on all of them."""

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple, TypeAlias


class Round(NamedTuple):
    """One run over a batch: its seconds, and how many records it refused."""

    seconds: float
    refused: int


Contender: TypeAlias = Callable[[], Round]


class Results(NamedTuple):
    """The rounds of every contender, in the order in which they ran."""

    rounds: dict[str, list[Round]]

    def seconds(self, name: str) -> float:
        """The median of a contender's times."""
        return median(one.seconds for one in self.rounds[name])

    def ratio(self, name: str, to: str) -> float:
        """How many times as long as another it took: the median over the rounds, each compared within itself."""
        pairs = zip(self.rounds[name], self.rounds[to], strict=True)
        return median(one.seconds / other.seconds for one, other in pairs)

    def refused(self, name: str) -> int:
        """How many records of the batch it refused."""
        return self.rounds[name][0].refused


def timed(run: Callable[[], int], before: Callable[[], object] = lambda: None) -> Contender:
    """A contender of a function that runs over the batch and returns how many records it refused.

    `before` runs before each round, and is not measured.
    """

    def contender() -> Round:
        before()
        gc.collect()  # what the one before left behind is not this one's to clean up
        start = time.perf_counter()
        refused = run()
        return Round(time.perf_counter() - start, refused)

    return contender


def compare(contenders: Mapping[str, Contender], rounds: int) -> Results:
    """Runs all in turn, `rounds` times after one that does not count.

    compare({"floor": floor, "function": function}, 15).ratio("function", to="floor") -> 1.62
    """
    for contender in contenders.values():
        contender()
    measured = [{name: contender() for name, contender in contenders.items()} for _ in range(rounds)]
    return Results({name: [one[name] for one in measured] for name in contenders})
