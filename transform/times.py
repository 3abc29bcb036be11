"""Times and dates as DynamoDB holds them, and as rows do (BR-12)."""

import re
from datetime import datetime, timedelta
from functools import lru_cache

# Both ends inclusive, UTC. INT96 and Firehose's own conversion wrap silently not far beyond (domain.md, BR-12).
FIRST_DAY = "1800-01-01"
LAST_DAY = "2199-12-31"
LAST_MICROS = 7_258_118_400_000_000 - 1  # 2199-12-31T23:59:59.999999Z

EXPECTED_TIME = f"a time, YYYY-MM-DDTHH:MM:SS[.fraction][zone], from {FIRST_DAY} to {LAST_DAY} UTC"
EXPECTED_DATE = f"a date, YYYY-MM-DD, from {FIRST_DAY} to {LAST_DAY}"

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)"
    r"(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?",
    re.ASCII,
).fullmatch
_EPOCH = datetime(1970, 1, 1)
_MINUTES = [f" {minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS = [f"{second:02}" for second in range(60)]
_MILLIS = [f".{milli:03}" for milli in range(1000)]


@lru_cache(maxsize=8192)
def timestamp(text: str) -> str | None:
    """The time as a row holds it, UTC and truncated to the millisecond; None where it cannot be read.

    "2024-05-01T14:00:05.4289+02:00" -> "2024-05-01 12:00:05.428"

    A row never holds a time as a number: Firehose reads numbers below 10^12 as seconds (firehose-facts 5.4).
    The cache pays for itself within a record: requestedDateTime and date.requested are most often the same text.
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


@lru_cache(maxsize=8192)
def date(text: str) -> str | None:
    """The date itself, "2024-05-01"; None where it is not one."""
    return text if _DATE(text) and _in_range(text) else None


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
def _day(epoch_days: int) -> str:
    return (_EPOCH + timedelta(days=epoch_days)).strftime("%Y-%m-%d")


def of_micros(micros: int) -> str:
    """Epoch microseconds as a row's time, truncated: 1714564805428470 -> "2024-05-01 12:00:05.428"."""
    # Put together from texts made before: a third of the time of formatting a datetime.
    minutes, rest = divmod(micros // 1000, 60_000)
    days, minute = divmod(minutes, 1440)
    second, milli = divmod(rest, 1000)
    return _day(days) + _MINUTES[minute] + _SECONDS[second] + _MILLIS[milli]


def iso_millis(millis: int) -> str:
    """Epoch milliseconds as ISO 8601, as error documents hold it: "2025-01-01T10:00:00.123Z"."""
    return f"{of_micros(millis * 1000)}Z".replace(" ", "T")


def epoch_millis(text: str) -> int:
    """A row's time as epoch milliseconds, as Avro's timestamp-millis is: "2024-05-01 12:00:05.428" -> 1714564805428."""
    minutes = int(text[11:13]) * 60 + int(text[14:16])
    return epoch_days(text[:10]) * 86_400_000 + minutes * 60_000 + int(text[17:19] + text[20:])


@lru_cache(maxsize=8192)
def epoch_days(day: str) -> int:
    """A row's date as days since 1970-01-01, as Avro's date is: "2024-05-01" -> 19844."""
    return datetime.fromisoformat(day).toordinal() - _EPOCH.toordinal()
