"""OpenXJsonSerDe's reading of a row that is not exactly typed: the slow path of record format conversion.

Follows what was measured on real streams: names in any case, numbers as text, epoch times, an array for a struct,
a scalar for an array, several documents in one record. What nobody has measured (1.5 into an int, "yes" into a boolean,
1e39 into a float, digits beyond a decimal's scale) fails here rather than be guessed. So does a time outside what
64 bits of nanoseconds hold: Firehose writes a wrong one there, silently.
"""

import json
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from firehose.conversion.columns import DAY_AFTER_LAST, FIRST_DAY
from glue import hive

PARSE_ERROR = "DataFormatConversion.ParseError"
MALFORMED_DATA = "DataFormatConversion.MalformedData"

_INTEGER_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
# The form with a space takes one-digit fields, the one with a T does not (measured).
_TIMES = (
    re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?", re.ASCII),
    re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?", re.ASCII),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST_MS, _END_MS = (
    (datetime.fromisoformat(f"{day}T00:00:00+00:00") - _EPOCH) // _MILLISECOND for day in (FIRST_DAY, DAY_AFTER_LAST)
)
_SPACE = re.compile(r"[ \t\r\n]*")

# Ours: how deep json and msgspec go depends on Python's version (3.11 fails at 900 levels what 3.13 reads), and a
# row's outcome may not. DynamoDB nests 32 levels; ours takes two or three of Python's 1,000 frames a level.
NESTING_LEVELS = 128
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]', re.DOTALL)


class RowError(Exception):
    """A row that does not convert: Firehose's code and a message without any of the row's values."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_rows(raw: bytes, columns: dict[str, hive.HiveType]) -> list[dict[str, Any]]:
    """The rows of one record, exactly typed: lower-case names, times as text, decimals as Decimal.

    b'{"Qty":"3"}{"qty":4}' with {"qty": Primitive("int")} -> [{"qty": 3}, {"qty": 4}]

    Raises:
        RowError: with the column's path and the type expected.
    """
    row = hive.Struct(tuple(columns.items()))
    return [_struct(document, row, "") for document in _documents(raw)]


def _documents(raw: bytes) -> list[dict[str, Any]]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise RowError(MALFORMED_DATA, "the record is not UTF-8") from None
    _refuse_deep(text)
    documents = []
    place = _after_space(text, 0)
    while place < len(text):
        try:
            document, place = _DECODER.raw_decode(text, place)
        except (ValueError, InvalidOperation):
            raise RowError(PARSE_ERROR, "the record is not JSON") from None
        if not isinstance(document, dict):
            raise RowError(MALFORMED_DATA, f"expected a JSON object, got {_kind(document)}")
        documents.append(document)
        place = _after_space(text, place)
    if not documents:
        raise RowError(MALFORMED_DATA, "the record is empty")
    return documents


def _refuse_deep(text: str) -> None:
    if text.count("[") + text.count("{") <= NESTING_LEVELS:  # nearly always, and 0.7 ms a MiB
        return
    level = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if level > NESTING_LEVELS:
            raise RowError(PARSE_ERROR, f"the record is nested deeper than {NESTING_LEVELS} levels")


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def _kind(value: Any) -> str:
    return {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number"
    )


def _refuse(value: Any, kind: hive.HiveType, path: str) -> NoReturn:
    raise RowError(MALFORMED_DATA, f"{path}: expected {kind}, got {_kind(value)} that is not one")


def _read(value: Any, kind: hive.HiveType, path: str) -> Any:
    if value is None:
        return None
    match kind:
        case hive.Struct():
            return _struct(value, kind, path)
        case hive.Array(element):
            elements = value if isinstance(value, list) else [value]
            return [_read(each, element, f"{path}[{place}]") for place, each in enumerate(elements)]
        case hive.Map():
            return _map(value, kind, path)
        case hive.Decimal():
            return _decimal(value, kind, path)
        case hive.Char(length) | hive.Varchar(length):
            text = _string(value, kind, path)
            return text if len(text) <= length else _refuse(value, kind, path)
        case hive.Primitive(name):
            return _PRIMITIVES[name](value, kind, path)


def _struct(value: Any, kind: hive.Struct, path: str) -> dict[str, Any]:
    if isinstance(value, list):
        given = {name.lower(): each for (name, _), each in zip(kind.fields, value, strict=False)}
    elif isinstance(value, dict):
        given = {name.lower(): each for name, each in value.items()}
    else:
        _refuse(value, hive.Primitive("struct"), path)
    below = f"{path}." if path else ""
    return {
        name.lower(): _read(given[name.lower()], field, f"{below}{name.lower()}")
        for name, field in kind.fields
        if name.lower() in given
    }


def _map(value: Any, kind: hive.Map, path: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        _refuse(value, kind, path)
    read: dict[Any, Any] = {}
    for key, each in value.items():
        folded = _read(key.lower(), kind.key, f"{path}[*]")
        if folded in read:
            # Firehose would keep one of the two.
            raise RowError(MALFORMED_DATA, f"{path}[*]: two keys are one after lower-casing")
        read[folded] = _read(each, kind.value, f"{path}[*]")
    return read


def _string(value: Any, kind: hive.HiveType, path: str) -> str:
    if isinstance(value, dict | list):
        try:
            text = json.dumps(_lowered(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise RowError(MALFORMED_DATA, f"{path}: expected {kind}, got a number past 1.8e308") from None
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, Decimal):
        text = repr(_float(value, kind, path))
    else:
        text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RowError(MALFORMED_DATA, f"{path}: expected {kind}, got a lone surrogate") from None
    return text


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lower(): _lowered(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_lowered(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def _integer(value: Any, kind: hive.HiveType, path: str) -> int:
    half = 1 << (_INTEGER_BITS[str(kind)] - 1)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -half <= value < half:
        _refuse(value, kind, path)
    return value


def _float(value: Any, kind: hive.HiveType, path: str) -> float:
    if not _is_number(value):
        _refuse(value, kind, path)
    try:
        number = float(value)
        if str(kind) == "float":
            struct.pack("<f", number)  # native "f" does not look
    except OverflowError:
        _refuse(value, kind, path)
    return number if abs(number) < float("inf") else _refuse(value, kind, path)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _boolean(value: Any, kind: hive.HiveType, path: str) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value if isinstance(value, bool) else _refuse(value, kind, path)


def _decimal(value: Any, kind: hive.Decimal, path: str) -> Decimal:
    number = _plain_number(value)
    if number is None or number.adjusted() >= 38 or number.adjusted() < -38:
        _refuse(value, kind, path)
    sign, digits, exponent = number.as_tuple()
    whole = int("".join(map(str, digits)))
    shift = kind.scale + int(exponent)
    scaled, rest = (whole * 10**shift, 0) if shift >= 0 else divmod(whole, 10**-shift)
    if rest or scaled >= 10**kind.precision:
        _refuse(value, kind, path)
    return Decimal((sign, tuple(map(int, str(scaled))), -kind.scale))


def _plain_number(value: Any) -> Decimal | None:
    if not _is_number(value):
        return None
    return None if isinstance(value, int) and abs(value) >= 10**38 else Decimal(value)


def _date(value: Any, kind: hive.HiveType, path: str) -> str:
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if found:
            return datetime(*map(int, found.groups())).strftime("%Y-%m-%d").zfill(10)  # type: ignore[arg-type]
    except ValueError:
        pass
    _refuse(value, kind, path)


def _timestamp(value: Any, kind: hive.HiveType, path: str) -> str:
    epoch_ms = _written_ms(value) if isinstance(value, str) else None
    if epoch_ms is None:
        epoch_ms = _epoch_ms(value)
    if epoch_ms is None:
        _refuse(value, kind, path)
    if not _FIRST_MS <= epoch_ms < _END_MS:
        raise RowError(MALFORMED_DATA, f"{path}: expected timestamp, got one outside {FIRST_DAY} to {DAY_AFTER_LAST}")
    at = _EPOCH + epoch_ms * _MILLISECOND
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def _written_ms(text: str) -> int | None:
    found = _TIMES[0].fullmatch(text) or _TIMES[1].fullmatch(text)
    if not found:
        return None
    *fields, fraction = found.groups()
    try:
        at = datetime(*map(int, fields), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    # Finer than a millisecond is cut off: Athena's timestamps hold no more.
    return (at - _EPOCH) // _MILLISECOND + int((fraction or "0")[:3].ljust(3, "0"))


def _epoch_ms(value: Any) -> int | None:
    number = _plain_number(value)
    if number is None or number.adjusted() > 18:
        return None
    # Below 10^12 seconds, from there on milliseconds (measured).
    return int(number * 1000 if abs(number) < 10**12 else number)


_PRIMITIVES: dict[str, Callable[[Any, hive.HiveType, str], Any]] = {
    "string": _string,
    "boolean": _boolean,
    "float": _float,
    "double": _float,
    "date": _date,
    "timestamp": _timestamp,
    **dict.fromkeys(_INTEGER_BITS, _integer),
}
