"""Pack the units of a job into tasks of about the same size, for executors to whom each task is expensive."""

import heapq
from collections.abc import Sequence

from firehose.lake.jobs.job import Unit


def pack(units: Sequence[Unit], tasks: int) -> list[list[int]]:
    """Return the numbers of the units of each task: at most so many tasks, none empty.

    [Unit(0, 5), Unit(1, 3), Unit(2, 2)], 2 -> [[0], [1, 2]]

    The largest unit goes first, always to the task that has least: no task is larger than the average by more than one
    unit.
    """
    packed: list[list[int]] = [[] for _ in range(min(tasks, len(units)))]
    sizes = [(0, place) for place in range(len(packed))]
    for unit in sorted(units, key=lambda one: -one.size):
        size, place = heapq.heappop(sizes)
        packed[place].append(unit.number)
        heapq.heappush(sizes, (size + max(unit.size, 1), place))
    return packed
