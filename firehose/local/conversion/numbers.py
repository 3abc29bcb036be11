"""Numbers as Java reads and prints them: what both SerDes do with the text of a number.

Integers are `Byte`, `Short`, `Integer` or `Long.parseX` of the text, floats `Double.parseDouble`, decimals Hive's
HiveDecimal. The functions return None where Java would throw or the number would become another one.
"""

import re
import struct
from decimal import ROUND_HALF_UP, Context, Decimal

INTEGER_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_HEX = re.compile(r"0[xX]([+-]?[0-9a-fA-F]+)")
# Double.parseDouble cuts space off and takes a type suffix. Its hexadecimal floats are left out.
_FLOAT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[dDfF]?\s*", re.ASCII)
_NOT_FINITE = re.compile(r"\s*[+-]?(?:NaN|Infinity)\s*", re.ASCII)
_DECIMAL = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?)\s*", re.ASCII)
# No integer of Hive's has more than 19 digits; Python itself refuses to read more than 4,300.
_MOST_DIGITS = 1000


def java_integer(text: str, kind: str, *, hexadecimal: bool = False) -> int | None:
    """The integer of this text, as Java's parseX has it; the OpenX SerDe takes "0x1F" too.

    "+12" -> 12; "1.5", "", " 1" and what the type does not hold -> None
    """
    if hexadecimal and (found := _HEX.fullmatch(text)):
        digits, base = found[1], 16
    elif _INTEGER.fullmatch(text):
        digits, base = text, 10
    else:
        return None
    return in_range(int(digits, base), kind) if len(digits) <= _MOST_DIGITS else None


def in_range(number: int, kind: str) -> int | None:
    """The number; None where an integer column of this type does not hold it."""
    half = 1 << (INTEGER_BITS[kind] - 1)
    return number if -half <= number < half else None


def java_float(text: str, kind: str) -> float | None:
    """The float of this text; None for what is no number or is infinite only because the type ends.

    "1e3" -> 1000.0; "Infinity" -> inf; ("1e39", "float") -> None, where Java would answer infinity
    """
    if _NOT_FINITE.fullmatch(text):
        return float(text.strip())
    found = _FLOAT.fullmatch(text)
    if not found:
        return None
    number = float(found[1])
    try:
        if kind == "float":
            struct.pack("<f", number)  # native "f" does not look
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None


def hive_decimal(text: str, precision: int, scale: int) -> Decimal | None:
    """HiveDecimal of the text in decimal(precision,scale): rounded half up; None where it does not fit or is none.

    ("1.235", 5, 2) -> Decimal("1.24"); ("1000", 5, 2) -> None
    """
    number = exact_decimal(text)
    if number is None or (number and number.adjusted() >= precision - scale):
        return None
    if not number or number.adjusted() < -scale - 1:
        return Decimal(0).scaleb(-scale)
    # Digits past the scale by far decide nothing about rounding half up, but that they are there.
    rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=precision + len(text) + 2))
    return rounded if not rounded or rounded.adjusted() < precision - scale else None


def exact_decimal(text: str) -> Decimal | None:
    """The number of this text with all its digits; None for what is none."""
    found = _DECIMAL.fullmatch(text)
    return Decimal(found[1]) if found else None


def java_double_text(number: float) -> str:
    """Double.toString: "1000.0" for 1e3, "1.0E7" for 1e7; the shortest digits that make the number, as in Java 19.

    Raises nothing; infinities print as Java's.
    """
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, _ = Decimal(repr(number)).normalize().as_tuple()
    exponent = Decimal(repr(number)).adjusted()
    first, *rest = map(str, digits)
    return f"{'-' if sign else ''}{first}.{''.join(rest) or '0'}E{exponent}"
