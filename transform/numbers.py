"""Reads the numbers of DynamoDB items, which are strings of up to 38 digits (BR-14)."""

import math
import re
from functools import lru_cache

_INTEGER = re.compile(r"(-?)0*(\d{1,20})", re.ASCII).fullmatch  # 20 digits hold any of 64 bits
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII).fullmatch


@lru_cache(maxsize=4096)
def integer(text: str, bits: int) -> int | None:
    """The integer, ("1024", 32) -> 1024; None if the text is not one, or does not fit into so many bits.

    Cached because the widths of pictures are a few dozen numbers: it saves 2 % of an event's time.
    """
    match = _INTEGER(text)
    if match is None:
        return None
    number = int(match[1] + match[2])
    return number if -(1 << bits - 1) <= number < 1 << bits - 1 else None


def double(text: str) -> float | None:
    """The number as a double, "1.5e3" -> 1500.0; None if the text is not one, or beyond a double's range."""
    number = float(text) if _NUMBER(text) else math.inf
    return number if math.isfinite(number) else None
