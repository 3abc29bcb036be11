"""Reads times and dates as the two SerDes do: to nanoseconds since 1970, and to `yyyy-MM-dd`.

All times are UTC. A time before 1677-09-21 or after 2262-04-11, outside the nanoseconds that 64 bits hold, wraps
silently to another time, as on real streams: 999999999999 seconds are 2092-10-26 there (measured).
"""

import re
from datetime import UTC, date, datetime, timedelta

from firehose.local.conversion.numbers import exact_decimal

# Numbers nearer to zero are seconds, the others milliseconds (measured).
FIRST_MILLISECONDS = 10**12

_SECOND, _MILLISECOND = 10**9, 10**6
_DAY_SECONDS = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_LONG = 2**63

_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
# The form with a space takes one-digit fields, the one with a T does not (measured).
_TIMES = (
    re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?", re.ASCII),
    re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?", re.ASCII),
)
# java.sql.Timestamp.valueOf: space around it is cut off, and hours, minutes and seconds are any integers.
_JAVA_TIME = re.compile(
    r"\s*(\d{4}-\d{1,2}-\d{1,2}) ([+-]?\d{1,9}):([+-]?\d{1,9}):([+-]?\d{1,9})(?:\.(\d{1,9}))?\s*", re.ASCII
)
_MILLIS = re.compile(r"(-?\d{1,40})(?:\.\d+)?", re.ASCII)


def wrapped(nanoseconds: int) -> int:
    """Returns nanoseconds as 64 bits hold them: 2**63 -> -2**63."""
    return (nanoseconds + _LONG) % (2 * _LONG) - _LONG


def openx_timestamp(text: str) -> int | None:
    """Returns the nanoseconds since 1970 of a text or a number's text, wrapped; None for a form that Firehose refuses.

    "2024-1-2 3:4:5.1", "2024-01-02T03:04:05.1Z", "1704164645.1" and "1704164645100" are all the same time
    """
    found = _TIMES[0].fullmatch(text) or _TIMES[1].fullmatch(text)
    if not found:
        return epoch_timestamp(text)
    *fields, fraction = found.groups()
    try:
        at = datetime(*map(int, fields), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return wrapped((at - _EPOCH) // timedelta(seconds=1) * _SECOND + _fraction(fraction))


def epoch_timestamp(text: str) -> int | None:
    """Returns the nanoseconds since 1970 of seconds or milliseconds, wrapped: "1704164645.1"; None past a Java long."""
    number = exact_decimal(text)
    # Checks the exponent first: 1e999999999 would be written out in full.
    if number is None or (number and number.adjusted() > 18) or abs(number) >= _LONG:
        return None
    if not number or number.adjusted() < -9:
        return 0
    whole, _, fraction = f"{abs(number):f}".partition(".")
    unit, digits = (_SECOND, 9) if abs(number) < FIRST_MILLISECONDS else (_MILLISECOND, 6)
    nanoseconds = int(whole) * unit + int(fraction[:digits].ljust(digits, "0"))
    return wrapped(-nanoseconds if number < 0 else nanoseconds)


def epoch_milliseconds(text: str) -> int | None:
    """Reads Hive's `millis`: "1704164645100.9" is 1704164645100 ms; None for another form and past a Java long."""
    found = _MILLIS.fullmatch(text)
    milliseconds = int(found[1]) if found else _LONG
    return wrapped(milliseconds * _MILLISECOND) if -_LONG <= milliseconds < _LONG else None


def openx_date(text: str) -> str | None:
    """Returns a date as `yyyy-MM-dd`: "2024-1-2" -> "2024-01-02"; None for another form and for a 30th of February."""
    found = _DATE.fullmatch(text)
    try:
        return date(*map(int, found.groups())).isoformat() if found else None
    except ValueError:
        return None


def java_timestamp(text: str) -> int | None:
    """Reads as java.sql.Timestamp.valueOf in UTC; returns nanoseconds, wrapped.

    Days and hours past their end roll over: "2024-02-30 25:00:00" is 2024-03-02 01:00:00.
    """
    found = _JAVA_TIME.fullmatch(text)
    day = java_date(found[1]) if found else None
    if not found or day is None:
        return None
    hours, minutes, seconds = (int(found[place]) for place in (2, 3, 4))
    days = date.fromisoformat(day).toordinal() - _EPOCH_DAY
    whole = days * _DAY_SECONDS + hours * 3600 + minutes * 60 + seconds
    return wrapped(whole * _SECOND + _fraction(found[5]))


def java_date(text: str) -> str | None:
    """Reads as java.sql.Date.valueOf: months 1 to 12, days 1 to 31; a day past the month's end rolls into the next."""
    found = _DATE.fullmatch(text)
    year, month, day = map(int, found.groups()) if found else (0, 0, 0)
    if not (year and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    return (date(year, month, 1) + timedelta(days=day - 1)).isoformat()


def of_fields(day: date, seconds: int, nanoseconds: int = 0) -> int:
    """Returns the nanoseconds since 1970 of a day and the seconds since its midnight, wrapped."""
    return wrapped(((day.toordinal() - _EPOCH_DAY) * _DAY_SECONDS + seconds) * _SECOND + nanoseconds)


def _fraction(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0"))
