"""Call a store several times at once, if it waits for a network."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from firehose.local.delivery.putting import concurrent_puts

_T = TypeVar("_T")
_R = TypeVar("_R")


def at_once(store: Any, call: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Yield the answer of each call, in order; raise the first error after the calls that have begun."""
    calls = concurrent_puts(store)
    if calls == 1:
        yield from map(call, items)
        return
    with ThreadPoolExecutor(calls) as pool:
        answers = [pool.submit(call, item) for item in items]
        try:
            for answer in answers:
                yield answer.result()
        finally:
            for answer in answers:
                answer.cancel()
