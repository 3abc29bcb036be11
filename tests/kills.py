"""Announce each step of a command that changes a disk, so that a specification kills it there."""

import itertools
import os
from collections.abc import Callable
from typing import Any


def each_step(steps: tuple[str, ...], before: Callable[[int], None], put: Any = setattr) -> None:
    """Calls `before` with the number of each step before it is taken; the steps are functions of `os`."""
    numbers = itertools.count(1)

    def announced(take: Any) -> Any:
        def step(*arguments: Any, **named: Any) -> Any:
            before(next(numbers))
            return take(*arguments, **named)

        return step

    for name in steps:
        put(os, name, announced(getattr(os, name)))
