"""Numbers as Java reads and prints them, for both SerDes.

Integers are read as `parseX` of Java's `Byte`, `Short`, `Integer` and `Long` do, floats as `Double.parseDouble`,
decimals as Hive's HiveDecimal. The functions return None where Java would throw, or would make another number of it.
"""

import re
import struct
from decimal import ROUND_HALF_UP, Context, Decimal

INTEGER_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_HEX = re.compile(r"0[xX]([+-]?[0-9a-fA-F]+)")
# Double.parseDouble cuts space off and takes a type suffix. Its hexadecimal floats are not supported.
_FLOAT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[dDfF]?\s*", re.ASCII)
_NOT_FINITE = re.compile(r"\s*[+-]?(?:NaN|Infinity)\s*", re.ASCII)
_DECIMAL = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?)\s*", re.ASCII)
# No integer of Hive's has more than 19 digits; Python itself refuses to read more than 4,300.
_MOST_DIGITS = 1000


def java_integer(text: str, kind: str, *, hexadecimal: bool = False) -> int | None:
    """Returns the integer of a text as Java's parseX does; the OpenX SerDe takes "0x1F" too.

    "+12" -> 12; "1.5", "", " 1" and a number outside the type's range -> None
    """
    if hexadecimal and (found := _HEX.fullmatch(text)):
        digits, base = found[1], 16
    elif _INTEGER.fullmatch(text):
        digits, base = text, 10
    else:
        return None
    return in_range(int(digits, base), kind) if len(digits) <= _MOST_DIGITS else None


def in_range(number: int, kind: str) -> int | None:
    """Returns the number; None if it is outside the range of this integer type."""
    half = 1 << (INTEGER_BITS[kind] - 1)
    return number if -half <= number < half else None


def java_float(text: str, kind: str) -> float | None:
    """Returns the float of a text; None if it is not a number, or is outside the range of the type.

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
            struct.pack("<f", number)  # native "f" does not check the range
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None


def hive_decimal(text: str, precision: int, scale: int) -> Decimal | None:
    """Returns the HiveDecimal of a text in decimal(precision,scale), rounded half up; None if it does not fit.

    ("1.235", 5, 2) -> Decimal("1.24"); ("1000", 5, 2) -> None
    """
    number = exact_decimal(text)
    if number is None or (number and number.adjusted() >= precision - scale):
        return None
    if not number or number.adjusted() < -scale - 1:
        return Decimal(0).scaleb(-scale)
    # With room for all digits of the text, quantize rounds once.
    rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=precision + len(text) + 2))
    return rounded if not rounded or rounded.adjusted() < precision - scale else None


def exact_decimal(text: str) -> Decimal | None:
    """Returns the number of a text with all its digits; None if it is not a number."""
    found = _DECIMAL.fullmatch(text)
    return Decimal(found[1]) if found else None


def java_double_text(number: float) -> str:
    """Prints a number as Double.toString of Java 19: "1000.0" for 1e3, "1.0E7" for 1e7, "Infinity"."""
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, _ = Decimal(repr(number)).normalize().as_tuple()
    exponent = Decimal(repr(number)).adjusted()
    first, *rest = map(str, digits)
    return f"{'-' if sign else ''}{first}.{''.join(rest) or '0'}E{exponent}"
