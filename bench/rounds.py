"""Measure contenders in rounds: each runs once a round, so that other load on the machine slows all of them."""

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple, TypeAlias


class Round(NamedTuple):
    """One run over a batch: its seconds, and the number of records that it refused."""

    seconds: float
    refused: int


Contender: TypeAlias = Callable[[], Round]


class Results(NamedTuple):
    """The rounds of every contender, in the order in which they ran."""

    rounds: dict[str, list[Round]]

    def seconds(self, name: str) -> float:
        """Return the median of a contender's times."""
        return median(one.seconds for one in self.rounds[name])

    def ratio(self, name: str, to: str) -> float:
        """Return a contender's time as a multiple of another's: the median of the ratios of each round."""
        pairs = zip(self.rounds[name], self.rounds[to], strict=True)
        return median(one.seconds / other.seconds for one, other in pairs)

    def refused(self, name: str) -> int:
        """Return the number of records of the batch that a contender refused."""
        return self.rounds[name][0].refused


def timed(run: Callable[[], int], before: Callable[[], object] = lambda: None) -> Contender:
    """Return a contender that times `run`, which processes the batch and returns the number of records it refused.

    `before` runs before each round, unmeasured. Times are of the processor: other load on the machine does not count as
    time, though it slows what counts. On one core, with nothing to wait for, they are what a quiet clock shows.
    """

    def contender() -> Round:
        before()
        gc.collect()  # so that this contender does not pay for the garbage of the last one
        start = time.process_time()
        refused = run()
        return Round(time.process_time() - start, refused)

    return contender


def compare(contenders: Mapping[str, Contender], rounds: int) -> Results:
    """Run all contenders in turn, once to warm up and then `rounds` times.

    compare({"floor": floor, "function": function}, 15).ratio("function", to="floor") -> 1.62
    """
    for contender in contenders.values():
        contender()
    measured = [{name: contender() for name, contender in contenders.items()} for _ in range(rounds)]
    return Results({name: [one[name] for one in measured] for name in contenders})
