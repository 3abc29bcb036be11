r"""Avro's binary encoding of single values (Avro specification, "Binary encoding"), as text.

Each character is a byte (Latin-1), because Python joins texts faster than bytes. The encoders that transform/avro.py
generates call these functions by name.
"""

from decimal import Decimal
from functools import lru_cache
from struct import Struct

from transform import times

# The index of the branch in ["null", T].
NULL, PRESENT = "\x00", "\x02"

FALSE, TRUE = "\x00", "\x01"


def long(number: int) -> str:
    r"""An int or a long: zig-zag, then seven bits per byte, lowest first. -1 -> "\x01", 64 -> "\x80\x01"."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    if rest < 0x10000000:
        return _bytes(rest)
    # The times of a batch differ in few bytes but the lowest four (in microseconds, six), so the rest is cached.
    low, high = rest & 0xFFFFFFF, rest >> 28
    a, b, c, d = _MORE[low & 0x7F], _MORE[low >> 7 & 0x7F], _MORE[low >> 14 & 0x7F], _MORE[low >> 21]
    if high < 0x4000:
        return f"{a}{b}{c}{d}{_bytes(high)}"
    return f"{a}{b}{c}{d}{_MORE[high & 0x7F]}{_MORE[high >> 7 & 0x7F]}{_bytes(high >> 14)}"


_MORE = [chr(bits | 0x80) for bits in range(0x80)]  # every byte but the last has the highest bit set


@lru_cache(maxsize=1024)
def _bytes(rest: int) -> str:
    parts = []
    while rest > 0x7F:
        parts.append(_MORE[rest & 0x7F])
        rest >>= 7
    return "".join(parts) + chr(rest)


integer = lru_cache(maxsize=1024)(long)  # the widths of pictures are a few dozen numbers


@lru_cache(maxsize=8192)
def timestamp(text: str) -> str | None:
    """The UTC date and the encoded timestamp-millis of a time, as Avro rows hold it; None if the text is not a time.

    Cached because requestedDateTime and date.requested usually hold the same text.
    """
    millis = times.epoch_millis(text)
    return None if millis is None else _of_millis(millis)


def of_micros(micros: int) -> str:
    """Epoch microseconds in the form of `timestamp`, truncated to the millisecond."""
    return _of_millis(micros // 1000)


def _of_millis(millis: int) -> str:
    return times.day_of(millis // 86_400_000) + long(millis)


DATE = len("2024-05-01")
TIMES = times.Times(timestamp, of_micros, times.day_of_text)


@lru_cache(maxsize=1024)
def days(day: str) -> str:
    """A date of a row as Avro's date."""
    return long(times.epoch_days(day))


# The prefix of a text of fewer than SHORT bytes: its length, or the branch of an optional text and its length.
SHORT = 256
LENGTHS = [long(length) for length in range(SHORT)]
PRESENT_LENGTHS = [PRESENT + length for length in LENGTHS]


def utf8(value: str) -> str:
    r"""The UTF-8 bytes of a text that is not ASCII: "é" -> "\xc3\xa9"."""
    return value.encode().decode("latin-1")


def items(encoded: list[str]) -> str:
    """An array or a map, as one block: the number of items, the encoded items, and 0 for the end of blocks."""
    return f"{long(len(encoded))}{''.join(encoded)}\x00" if encoded else "\x00"


_DOUBLE = Struct("<d").pack


def double(value: float) -> str:
    """A double: its eight bytes, lowest first."""
    return _DOUBLE(value).decode("latin-1")


def decimal(value: Decimal) -> str:
    r"""A decimal on bytes: the number in units of its last place, as two's complement, highest byte first.

    Decimal("-1.28") -> "\x04\xff\x80": -128, in as many bytes as fastavro takes.
    """
    unscaled = int(f"{value:f}".replace(".", ""))
    size_bytes = (unscaled.bit_length() + 8) // 8
    return long(size_bytes) + unscaled.to_bytes(size_bytes, "big", signed=True).decode("latin-1")
