"""Compiles Joda time patterns (HiveJsonSerDe's TimestampFormats) to functions that read times.

Each letter of a pattern becomes a part of a regular expression, and its match a part of the time. As in Joda, a number
takes as many digits as it can, even if what follows then does not match; text is read in any case; fields that the
pattern lacks are those of 1970-01-01 00:00 UTC. Joda keeps milliseconds: further digits of a fraction are cut off.

Source: Joda-Time, DateTimeFormat ("Pattern syntax"); Hive's TimestampParser for `millis` and for missing fields.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from firehose.local.conversion.timestamps import epoch_milliseconds, of_fields

# Text to nanoseconds since 1970; None if the text does not match the pattern.
ReadTime: TypeAlias = Callable[[str], int | None]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS = ("day", "sday", "nesday", "rsday", "day", "urday", "day")
# Joda's default names; to Joda, standard and daylight time are one zone.
_ZONES = {"ut": "UTC", "utc": "UTC", "gmt": "UTC"} | {
    f"{letter}{half}t": zone
    for letter, zone in {
        "e": "America/New_York",
        "c": "America/Chicago",
        "m": "America/Denver",
        "p": "America/Los_Angeles",
    }.items()
    for half in "sd"
}
# Joda's pivot is 30 years before the clock's year; a fixed one gives the same lake on every day. 46 is 1946, and 45 is
# 2045.
_PIVOT_YEAR = 1996

_NUMERIC = "yYdDHhkKmsS"
# Joda's centuries and weeks (C, x, w, e) are not supported.
_SUPPORTED = f"{_NUMERIC}MEaGzZ"
# The group of a two-digit year; the other groups are called after their letter.
_SHORT_YEAR = "short_year"
_LIMITS = {
    "M": (1, 12),
    "d": (1, 31),
    "D": (1, 366),
    "H": (0, 23),
    "h": (1, 12),
    "k": (1, 24),
    "K": (0, 11),
    "m": (0, 59),
    "s": (0, 59),
}
_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", re.DOTALL)


class JodaPatternError(ValueError):
    """A pattern that Joda would refuse, or a letter that is not supported."""


def joda_format(pattern: str) -> ReadTime:
    """Returns the reader of one pattern; `millis` is milliseconds since 1970.

    joda_format("dd/MMM/yyyy HH:mm Z")("02/Jan/2024 03:04 +0100") -> nanoseconds of 2024-01-02 02:04 UTC

    Raises:
        JodaPatternError: naming what is wrong in the pattern.
    """
    if pattern.lower() == "millis":
        return epoch_milliseconds
    tokens = _tokens(pattern)
    expression = re.compile("".join(map(_expression, tokens, [*tokens[1:], ""])), re.ASCII | re.IGNORECASE)

    def read(text: str) -> int | None:
        found = expression.fullmatch(text)
        try:
            return _time(found.groupdict()) if found else None
        except (ValueError, OverflowError, LookupError, OSError):
            return None

    return read


def _tokens(pattern: str) -> list[str]:
    tokens: list[str] = []
    place = 0
    while place < len(pattern):
        found = _TOKEN.match(pattern, place)
        if not found:
            raise JodaPatternError(f"TimestampFormats: a quote is not closed in {pattern!r}")
        tokens.append(found[0])
        place = found.end()
    letters = [token[0] for token in tokens if token[0].isalpha()]
    for letter in letters:
        if letter not in _SUPPORTED:
            raise JodaPatternError(f"TimestampFormats: {letter!r} in {pattern!r} is not supported")
        if letters.count(letter) > 1:
            raise JodaPatternError(f"TimestampFormats: {letter!r} twice in {pattern!r} is not supported")
    return tokens


def _expression(token: str, following: str) -> str:
    letter, length = token[0], len(token)
    if letter == "'":
        return re.escape(token[1:-1].replace("''", "'") or "'")
    if not letter.isalpha():
        return re.escape(token)
    name = _SHORT_YEAR if letter in "yY" and length == 2 else letter
    return f"(?P<{name}>{_of_letter(letter, length, number_follows=_is_number(following))})"


def _is_number(token: str) -> bool:
    return bool(token) and (token[0] in _NUMERIC or (token[0] == "M" and len(token) <= 2))


def _of_letter(letter: str, length: int, *, number_follows: bool) -> str:
    if letter in "yY":
        return rf"[+-]?\d{{1,{length if number_follows else 9}}}+"
    if letter == "M" and length >= 3:
        return _names(_MONTHS, _LONG_MONTHS)
    if letter == "S":
        return rf"\d{{1,{length}}}+"
    if letter == "Z" and length >= 3:
        return r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)*|[+-]\d\d:?\d\d"
    return _EXPRESSIONS.get(letter, r"\d{1,2}+")


def _names(short: tuple[str, ...], rest: tuple[str, ...]) -> str:
    return "|".join(f"{start}(?:{end})?+" for start, end in zip(short, rest, strict=True))


_EXPRESSIONS = {
    "E": _names(_DAYS, _LONG_DAYS),
    "D": r"\d{1,3}+",
    "a": "am|pm",
    "G": "ad",
    "z": "|".join(sorted(_ZONES, key=len, reverse=True)),
    "Z": r"Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?",
}


def _time(found: Mapping[str, str]) -> int:
    """Returns the nanoseconds; raises ValueError, LookupError or OverflowError for a time that no calendar has."""
    day = _day(found)
    seconds = _hour(found) * 3600 + _field(found, "m", 0) * 60 + _field(found, "s", 0)
    milliseconds = int(found.get("S", "0")[:3].ljust(3, "0"))
    return of_fields(day, seconds - _offset_seconds(found, day, seconds), milliseconds * 10**6)


def _day(found: Mapping[str, str]) -> date:
    year = _year(found)
    if "D" in found:
        day = date(year, 1, 1) + timedelta(days=_field(found, "D", 1) - 1)
        if day.year != year:
            raise ValueError
    else:
        named = found.get("M", "").lower()[:3]
        month = _MONTHS.index(named) + 1 if named.isalpha() else _field(found, "M", 1)
        day = date(year, month, _field(found, "d", 1))
    if "E" in found:  # moves to that day of the same week, as Joda does
        day += timedelta(days=_DAYS.index(found["E"].lower()[:3]) - day.weekday())
    return day


def _year(found: Mapping[str, str]) -> int:
    short = found.get(_SHORT_YEAR)
    if short is None:
        return int(found.get("y") or found.get("Y") or 1970)
    first = _PIVOT_YEAR - 50
    # A two-digit year lies in the hundred years around the pivot; any other number is the year itself.
    return first + (int(short) - first) % 100 if len(short) == 2 and short.isdigit() else int(short)


def _hour(found: Mapping[str, str]) -> int:
    afternoon = 12 if found.get("a", "").lower() == "pm" else 0
    if "h" in found:
        return _field(found, "h", 12) % 12 + afternoon
    if "K" in found:
        return _field(found, "K", 0) + afternoon
    if "k" in found:
        return _field(found, "k", 24) % 24
    hour = _field(found, "H", 0)
    return hour % 12 + afternoon if "a" in found else hour


def _field(found: Mapping[str, str], letter: str, missing: int) -> int:
    number = int(found.get(letter, missing))
    first, last = _LIMITS[letter]
    if letter in found and not first <= number <= last:
        raise ValueError
    return number


def _offset_seconds(found: Mapping[str, str], day: date, seconds: int) -> int:
    zone = found.get("Z") or _ZONES.get(found.get("z", "").lower(), "")
    if zone[:1] in ("+", "-"):
        digits = zone[1:].replace(":", "").ljust(6, "0")
        hours, minutes, rest = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        return (hours * 3600 + minutes * 60 + rest) * (-1 if zone[0] == "-" else 1)
    if zone.upper() in ("", "Z", "UTC"):
        return 0
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)
    offset = at.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    return int(offset.total_seconds()) if offset else 0
