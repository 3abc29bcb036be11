"""Reads JSON values that are neither objects nor arrays, in the forms of each Iceberg type.

A number comes as a `Number`, with the text that it was written in. A parser returns None for a value of another kind,
and raises ValueError for one of its kind that does not fit.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from pyiceberg import types

from firehose.local.conversion.documents import Number
from firehose.local.conversion.numbers import exact_decimal, java_float

Parse: TypeAlias = Callable[[Any], Any]

_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_MICROS = 86_400_000_000

_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d\d:\d\d:\d\d)(\.\d{1,9})?", re.ASCII)
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+", re.ASCII)
_BASE64_SPACE = re.compile(r"\r?\n")

_BITS = {types.IntegerType: 32, types.LongType: 64}


def scalar_parser(kind: types.IcebergType, *, texts_as_times: bool) -> Parse:
    """Return the parser of a type that is not nested; `texts_as_times`: timestamps are read from ISO text too."""
    match kind:
        case types.IntegerType() | types.LongType():
            return lambda value: _integer(value, _BITS[type(kind)])
        case types.FloatType():
            return lambda value: _float(value, "float")
        case types.DoubleType():
            return lambda value: _float(value, "double")
        case types.DecimalType():
            return lambda value: _decimal(value, kind.precision, kind.scale)
        case types.FixedType():
            return lambda value: _binary(value, len(kind))
        case types.TimestampType() | types.TimestamptzType():
            return lambda value: _timestamp(value, texts=texts_as_times)
        case _:
            return _PARSERS.get(type(kind), lambda _: None)


def _text_of(value: Any) -> str | None:
    """Return the text of a number or of a text; None for anything else."""
    return value.text if isinstance(value, Number) else value if isinstance(value, str) else None


def _integer(value: Any, bits: int) -> int | None:
    text = _text_of(value)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise ValueError
    number = int(text)
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError
    return number


def _float(value: Any, kind: str) -> float | None:
    text = _text_of(value)
    if text is None:
        return None
    number = java_float(text, kind)
    if number is None:
        raise ValueError
    return number


def _decimal(value: Any, precision: int, scale: int) -> str | None:
    """Return a decimal as text with all its digits, as Arrow reads those of usual rows."""
    text = _text_of(value)
    if text is None:
        return None
    number = exact_decimal(text)
    if number is None or (number and number.adjusted() >= precision - scale):
        raise ValueError
    if not number:
        return "0"
    sign, digits, exponent = number.as_tuple()
    extra = max(0, -int(exponent) - scale)
    if any(digits[len(digits) - extra :] if extra < len(digits) else digits):
        raise ValueError  # a digit after the scale
    return f"{Decimal((sign, digits[: len(digits) - extra], int(exponent) + extra)):f}"


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = _text_of(value)
    if text is None:
        return None
    found = {"true": True, "false": False, "1": True, "0": False}.get(text.lower())
    if found is None:
        raise ValueError
    return found


def _string(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    value.encode()  # UnicodeEncodeError, a ValueError, for a lone surrogate
    return value


def _date(value: Any) -> str | None:
    """Return a date as text, which Arrow reads faster than objects."""
    if isinstance(value, Number):
        days = _integer(value, 32) or 0
        return (_EPOCH_DAY + timedelta(days)).isoformat()
    if not isinstance(value, str):
        return None
    if not _DATE.fullmatch(value):
        raise ValueError
    return date.fromisoformat(value).isoformat()


def _time(value: Any) -> int | None:
    if isinstance(value, Number):
        micros = _integer(value, 64) or 0
        if not 0 <= micros < _DAY_MICROS:
            raise ValueError
        return micros
    if not isinstance(value, str):
        return None
    found = _TIME.fullmatch(value)
    if not found:
        raise ValueError
    at = time.fromisoformat(found[1])
    return (at.hour * 3600 + at.minute * 60 + at.second) * 1_000_000 + _fraction(found[2])


def _timestamp(value: Any, *, texts: bool) -> int | None:
    if isinstance(value, Number):
        return _integer(value, 64)
    if not isinstance(value, str) or not texts:
        return None
    found = _TIMESTAMP.fullmatch(value)
    if not found:
        raise ValueError
    zone = "+00:00" if found[4] in (None, "Z") else found[4]
    at = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")
    return (at - _EPOCH) // _MICROSECOND + _fraction(found[3])


def _fraction(text: str | None) -> int:
    """Return the microseconds of a fraction of a second: ".5" -> 500000."""
    return int(text[1:7].ljust(6, "0")) if text else 0


def _uuid(value: Any) -> bytes | None:
    return UUID(value).bytes if isinstance(value, str) else None


def _binary(value: Any, length: int | None = None) -> bytes | None:
    """Return the bytes of base64 (plain, in lines, or URL-safe), else of hexadecimal digits."""
    if not isinstance(value, str):
        return None
    read = []
    with suppress(binascii.Error):
        read.append(b64decode(_BASE64_SPACE.sub("", value).replace("-", "+").replace("_", "/"), validate=True))
    if _HEX.fullmatch(value):
        read.append(bytes.fromhex(value))
    found = next((each for each in read if length in (None, len(each))), None)
    if found is None:
        raise ValueError
    return found


_PARSERS: Mapping[type, Parse] = {
    types.BooleanType: _boolean,
    types.StringType: _string,
    types.DateType: _date,
    types.TimeType: _time,
    types.UUIDType: _uuid,
    types.BinaryType: _binary,
}

# The forms by type, for messages.
FORMS: Mapping[type, str] = {
    types.BooleanType: 'true, false, "true", "false", 1 or 0',
    types.IntegerType: "a whole number or its text",
    types.LongType: "a whole number or its text",
    types.FloatType: "a number or its text",
    types.DoubleType: "a number or its text",
    types.DecimalType: "a number or its text, with no digit too many",
    types.DateType: "days since 1970 or yyyy-MM-dd",
    types.TimeType: "microseconds or HH:mm:ss[.S]",
    types.TimestampType: "microseconds since 1970 or yyyy-MM-ddTHH:mm:ss[.S][Z]",
    types.TimestamptzType: "microseconds since 1970 or yyyy-MM-ddTHH:mm:ss[.S][Z]",
    types.StringType: "text",
    types.UUIDType: "text",
    types.BinaryType: "base64 or hexadecimal digits",
    types.FixedType: "base64 or hexadecimal digits of its length",
}
