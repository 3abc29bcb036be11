"""Reads the times and dates of DynamoDB items, and writes those of rows (BR-12)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec

# 2024-05-01T14:00:05.123456789+02:00. Longer texts are no times. Modes cache times by their texts, so that is asked
# first (transform/row.py): a text of 380 KB, as large as an item may be, is kept by no cache. 8,192 entries take 3 MB.
LONGEST_TIME = 35

# Inclusive, in UTC. Not far beyond, INT96 and Firehose's own conversion wrap silently (domain.md, BR-12).
FIRST_DAY = "1800-01-01"
LAST_DAY = "2199-12-31"
FIRST_MICROS = -5_364_662_400_000_000  # 1800-01-01T00:00:00Z
LAST_MICROS = 7_258_118_400_000_000 - 1  # 2199-12-31T23:59:59.999999Z

EXPECTED_TIME = f"a time, YYYY-MM-DDTHH:MM:SS[.fraction][zone], from {FIRST_DAY} to {LAST_DAY} UTC"
EXPECTED_DATE = f"a date, YYYY-MM-DD, from {FIRST_DAY} to {LAST_DAY}"

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    r"(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?",
    re.ASCII,
).fullmatch
# The usual form, that of JavaScript's toISOString.
_USUAL = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII).fullmatch
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST_MILLIS = FIRST_MICROS // 1000
_LAST_MILLIS = LAST_MICROS // 1000
_TWO_DIGITS = [f"{number:02}" for number in range(100)]
# Made of texts: formatting each number would take 0.6 ms more of a cold start.
_MINUTES = [f" {hour}:{minute}:" for hour in _TWO_DIGITS[:24] for minute in _TWO_DIGITS[:60]]
_MILLIS = [f".{tenth}{rest}" for tenth in range(10) for rest in _TWO_DIGITS]


class Times(msgspec.Struct, frozen=True):
    """The form in which a mode's rows hold times, such as text or integers.

    `read` converts the text of an attribute, of at most LONGEST_TIME characters, and returns None if it is not a time;
    `of_micros` converts epoch microseconds; `day` returns the UTC date of a time in this form, 2024-05-01, by which
    rows are partitioned.
    """

    read: Callable[[str], Any]
    of_micros: Callable[[int], Any]
    day: Callable[[Any], str]


# The date of a time that is text and begins with it.
day_of_text: Callable[[str], str] = itemgetter(slice(len(FIRST_DAY)))


def timestamp(text: str) -> str | None:
    """The time in UTC, truncated to the millisecond; None if the text is not a time.

    "2024-05-01T14:00:05.4289+02:00" -> "2024-05-01 12:00:05.428"

    This is the form of Parquet mode's rows. They never hold numbers, because Firehose reads those below 10^12 as
    seconds.
    """
    match = _TIME(text)
    if match is None:
        return None
    day, clock, fraction, sign, hours, minutes = match.groups()
    if sign is None:
        if not _in_range(day):
            return None
    else:
        shifted = _shift(f"{day} {clock}", sign, int(hours), int(minutes))
        if shifted is None:
            return None
        day, clock = shifted
    return f"{day} {clock}.{fraction[:3].ljust(3, '0')}" if fraction else f"{day} {clock}.000"


def epoch_millis(text: str) -> int | None:
    """The same time as epoch milliseconds: "2024-05-01T14:00:05.4289+02:00" -> 1714564805428."""
    if not _USUAL(text):
        time = timestamp(text)
        if time is None:
            return None
        text = f"{time}Z"
    try:
        millis = (datetime.fromisoformat(text) - _EPOCH_UTC) // _MILLISECOND
    except ValueError:  # the 30th of February
        return None
    return millis if _FIRST_MILLIS <= millis <= _LAST_MILLIS else None


def date(text: str) -> str | None:
    """The text itself, "2024-05-01"; None if it is not a date."""
    return text if len(text) == len(FIRST_DAY) and _DATE(text) and _in_range(text) else None


@lru_cache(maxsize=8192)
def _in_range(day: str) -> bool:
    try:
        datetime.strptime(day, "%Y-%m-%d")
    except ValueError:
        return False
    return FIRST_DAY <= day <= LAST_DAY


def _shift(local: str, sign: str, hours: int, minutes: int) -> tuple[str, str] | None:
    """A local time in UTC: ("2024-05-01 14:00:05", "+", 2, 0) -> ("2024-05-01", "12:00:05")."""
    offset = timedelta(hours=hours, minutes=minutes)
    try:
        moment = datetime.fromisoformat(local)
        utc = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):
        return None
    day, clock = utc.isoformat(" ").split(" ")
    return (day, clock) if FIRST_DAY <= day <= LAST_DAY else None


@lru_cache(maxsize=1024)
def day_of(epoch_days: int) -> str:
    """Days since 1970-01-01 as a date: 19844 -> "2024-05-01"."""
    return (_EPOCH + timedelta(days=epoch_days)).strftime("%Y-%m-%d")


def of_micros(micros: int) -> str:
    """Epoch microseconds in the form of `timestamp`: 1714564805428470 -> "2024-05-01 12:00:05.428"."""
    # Joining prepared texts takes a third of the time of formatting a datetime.
    days, millis = divmod(micros // 1000, 86_400_000)
    return day_of(days) + _MINUTES[millis // 60_000] + _TWO_DIGITS[millis // 1000 % 60] + _MILLIS[millis % 1000]


def iso_millis(millis: int) -> str:
    """Epoch milliseconds in ISO 8601, the form of error documents: "2025-01-01T10:00:00.123Z"."""
    return f"{of_micros(millis * 1000)}Z".replace(" ", "T")


@lru_cache(maxsize=8192)
def epoch_days(day: str) -> int:
    """A date as days since 1970-01-01, which is Avro's date: "2024-05-01" -> 19844."""
    return datetime.fromisoformat(day).toordinal() - _EPOCH.toordinal()
