"""Reads the numbers of DynamoDB items, which are strings of up to 38 digits (BR-14)."""

import math
import re
from decimal import Decimal
from functools import lru_cache

_CACHED_DIGITS = 20
_INTEGER = re.compile(r"(-?)0*(\d{1,20})", re.ASCII).fullmatch  # 20 digits hold any of 64 bits
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII).fullmatch
_DECIMAL = re.compile(r"(-?)(\d++)(?:\.(\d++))?(?:[eE]([+-]?)(\d++))?", re.ASCII).fullmatch
_EXPONENT_DIGITS = 9  # an exponent of more would need a text of a gigabyte to come to 38 digits


def integer(text: str, bits: int) -> int | None:
    """The integer, ("1024", 32) -> 1024; None if the text is not one, or does not fit into so many bits.

    Short ones are cached because the widths of pictures are a few dozen numbers: it saves 2 % of an event's time.
    """
    return _cached(text, bits) if len(text) <= _CACHED_DIGITS else _integer(text, bits)


def _integer(text: str, bits: int) -> int | None:
    match = _INTEGER(text)
    if match is None:
        return None
    number = int(match[1] + match[2])
    return number if -(1 << bits - 1) <= number < 1 << bits - 1 else None


_cached = lru_cache(maxsize=4096)(_integer)  # at most 0.5 MB


def double(text: str) -> float | None:
    """The number as a double, "1.5e3" -> 1500.0; None if the text is not one, or beyond a double's range."""
    number = float(text) if _NUMBER(text) else math.inf
    return number if math.isfinite(number) else None


def decimal(text: str, precision: int, scale: int) -> Decimal | None:
    """The number with exactly `scale` digits behind the point: ("1.25e1", 4, 2) -> Decimal("12.50").

    None if the text is not a number, or does not fit exactly into so many digits: it is never rounded (BR-14).
    """
    match = _DECIMAL(text)
    if match is None:
        return None
    sign, whole, fraction, exponent_sign, exponent = match.groups(default="")
    digits = (whole + fraction).strip("0")
    if not digits:
        return Decimal(f"0e-{scale}")
    exponent = exponent.lstrip("0")
    if len(exponent) > _EXPONENT_DIGITS or len(digits) > precision:
        return None
    trailing = len(whole + fraction) - len((whole + fraction).rstrip("0"))
    # The number is digits * 10^zeros units of the last place.
    zeros = int(f"{exponent_sign}{exponent or 0}") - len(fraction) + trailing + scale
    if zeros < 0 or len(digits) + zeros > precision:
        return None
    return Decimal(f"{sign}{digits}{'0' * zeros}e-{scale}")
