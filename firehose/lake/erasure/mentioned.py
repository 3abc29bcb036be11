"""Find the ids that a text mentions: as a whole, or between characters other than letters, digits, `-` and `_`.

A list of erased subjects holds no ids, only their HMACs. So every piece of a text that may be an id is looked up in it.
The characters between pieces are separators. An id may contain some itself, and the list says how many.
"""

import re
from collections.abc import Iterable, Iterator

_SEPARATOR = re.compile(r"[^\w-]")


def separators_in(subject: str) -> int:
    """Return how many separators an id contains: "fan-1" -> 0, "fan:1" -> 1."""
    return len(_SEPARATOR.findall(subject))


def mentioned(text: str, separators: Iterable[int]) -> Iterator[str]:
    """Yield what may be an id in a text, if ids contain so many separators.

    "FAN#a.b", {0} -> "FAN", "a", "b";  "FAN#a.b", {1} -> "FAN#a", "a.b"
    """
    ends = [found.start() for found in _SEPARATOR.finditer(text)] + [len(text)]
    starts = [0] + [end + 1 for end in ends[:-1]]
    for count in separators:
        for start, end in zip(starts, ends[count:], strict=False):
            yield text[start:end]
