r"""Avro's binary encoding of single values (Avro specification, "Binary encoding"), as text.

Each character is a byte (Latin-1): joining texts is what Python does best. The functions that transform/avro.py
compiles call what is here by its name.
"""

from functools import lru_cache
from struct import Struct

from transform import times

# The branch of ["null", T] that a value has.
NULL, PRESENT = "\x00", "\x02"

FALSE, TRUE = "\x00", "\x01"


def long(number: int) -> str:
    r"""An int or a long: zig-zag, then seven bits a byte, the lowest first. -1 -> "\x01", 64 -> "\x80\x01"."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    if rest < 0x10000000:
        return _bytes(rest)
    # A batch's times have few different bytes behind their lowest four, those in microseconds behind six.
    low, high = rest & 0xFFFFFFF, rest >> 28
    a, b, c, d = _MORE[low & 0x7F], _MORE[low >> 7 & 0x7F], _MORE[low >> 14 & 0x7F], _MORE[low >> 21]
    if high < 0x4000:
        return f"{a}{b}{c}{d}{_bytes(high)}"
    return f"{a}{b}{c}{d}{_MORE[high & 0x7F]}{_MORE[high >> 7 & 0x7F]}{_bytes(high >> 14)}"


_MORE = [chr(bits | 0x80) for bits in range(0x80)]  # the bytes that are not the last


@lru_cache(maxsize=1024)
def _bytes(rest: int) -> str:
    parts = []
    while rest > 0x7F:
        parts.append(_MORE[rest & 0x7F])
        rest >>= 7
    return "".join(parts) + chr(rest)


integer = lru_cache(maxsize=1024)(long)  # an int: a picture's width is one of a few dozen


@lru_cache(maxsize=8192)
def timestamp(text: str) -> str | None:
    """An attribute's time as Avro mode's rows hold it: its date in UTC, then timestamp-millis; None if it is no time.

    Cached because requestedDateTime and date.requested are most often the same text.
    """
    millis = times.epoch_millis(text)
    return None if millis is None else _of_millis(millis)


def of_micros(micros: int) -> str:
    """Epoch microseconds in that form, truncated to the millisecond."""
    return _of_millis(micros // 1000)


def _of_millis(millis: int) -> str:
    return times.day_of(millis // 86_400_000) + long(millis)


DATE = len("2024-05-01")
TIMES = times.Times(timestamp, of_micros)


@lru_cache(maxsize=1024)
def days(day: str) -> str:
    """A row's date as Avro's date."""
    return long(times.epoch_days(day))


# What stands before a text of fewer bytes than SHORT: their number, and both branch and number.
SHORT = 256
LENGTHS = [long(length) for length in range(SHORT)]
PRESENT_LENGTHS = [PRESENT + length for length in LENGTHS]


def utf8(value: str) -> str:
    r"""The UTF-8 bytes of a text that is not ASCII: "é" -> "\xc3\xa9"."""
    return value.encode().decode("latin-1")


def items(encoded: list[str]) -> str:
    """An array, or a map, whose items are keys and values: how many, they, and none."""
    return f"{long(len(encoded))}{''.join(encoded)}\x00" if encoded else "\x00"


_DOUBLE = Struct("<d").pack


def double(value: float) -> str:
    """A double: its eight bytes, the lowest first."""
    return _DOUBLE(value).decode("latin-1")
