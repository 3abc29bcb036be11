"""Formats times by Java's DateTimeFormatter patterns: the letters that apply to whole seconds, in English.

The alternative, babel's `format_datetime`, writes CLDR patterns, of which Java's are an older dialect (`n`, `N` and
`VV` are Java's own, counts of `Z`, `X` and `e` differ), and it writes unknown letters as text.

Source: java.time.format.DateTimeFormatter and DateTimeFormatterBuilder.appendPattern (Java SE API).
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeAlias

Field: TypeAlias = Callable[[datetime], str]

# Not `calendar`'s, which are those of the process's locale.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MODIFIED_JULIAN_DAY_0 = date(1858, 11, 17).toordinal()
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# A quoted text; a field; other text; a character that means something else to DateTimeFormatter: `[` and `]` enclose
# optional sections, braces and `#` are reserved, and a quote that matches here is not closed.
_SECTIONS = {"[": 1, "]": -1}
_PATTERN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z'\[\]{}#]+|(.)", re.DOTALL)


class PatternError(ValueError):
    """A pattern that DateTimeFormatter refuses, or that is not supported here."""


def parse_pattern(pattern: str) -> tuple[Field, ...]:
    """Return the functions that write a time, part by part.

    "'y='yyyy/MMM" of 2025-01-02 -> "y=2025/Jan"

    Weeks are those of the locale en-US, in which Firehose presumably runs: they begin on Sunday, and the first contains
    1 January. Optional sections, "yyyy[/MM]", are always written, since an arrival has every field. As in Java, they
    need not be closed.

    Raises:
        PatternError: naming the letters.
    """
    fields: list[Field] = []
    sections = 0
    for found in _PATTERN.finditer(pattern):
        if found[3]:
            step = _SECTIONS.get(found[3])
            if step is None or sections + step < 0:
                raise PatternError(f"the {found[3]} in {pattern!r} is not supported, or lacks its counterpart")
            sections += step
        elif found[2]:
            fields.append(_field(found[2], len(found[0])))
        else:
            quoted = found[1]
            literal = found[0] if quoted is None else quoted.replace("''", "'") or "'"
            fields.append(partial(_literal, literal))
    if not fields:
        raise PatternError("the pattern is empty")
    return tuple(fields)


def _field(letter: str, count: int) -> Field:
    number = _NUMBERS.get(letter)
    if number is not None and count in number[1]:
        return partial(_number, number[0], count)
    text = _TEXTS.get(letter, {}).get(count)
    if text is not None:
        return text
    if letter in "uyY" and count <= 15:
        return partial(_year, _week_year if letter == "Y" else _calendar_year, count)
    if letter == "S" and count <= 9:
        return partial(_literal, "0" * count)
    raise PatternError(f"the pattern letters {letter * count!r} are not supported")


def _literal(text: str, _: datetime) -> str:
    return text


def _number(value: Callable[[datetime], int], width: int, at: datetime) -> str:
    return f"{value(at):0{width}}"


def _year(year_of: Callable[[datetime], int], count: int, at: datetime) -> str:
    year = year_of(at)
    return f"{year % 100:02}" if count == 2 else f"{year:0{count}}"


def _calendar_year(at: datetime) -> int:
    return at.year


def _day_of_week(at: datetime) -> int:
    return at.isoweekday() % 7 + 1


def _week_start(year: int) -> int:
    """Return the ordinal of the Sunday on or before 1 January: in the year 1, it is before any date."""
    first = date(year, 1, 1)
    return first.toordinal() - first.isoweekday() % 7


def _week_year(at: datetime) -> int:
    # Only the days before the first Sunday of the next year's first week belong to their own year.
    return at.year + (at.year < 9999 and at.toordinal() >= _week_start(at.year + 1))


def _week(at: datetime) -> int:
    return (at.toordinal() - _week_start(_week_year(at))) // 7 + 1


def _week_of_month(at: datetime) -> int:
    return (at.day + at.replace(day=1).isoweekday() % 7 - 1) // 7 + 1


def _second_of_day(at: datetime) -> int:
    return (at.hour * 60 + at.minute) * 60 + at.second


def _quarter(at: datetime) -> int:
    return (at.month + 2) // 3


def _offset(zero: str, minutes: str, at: datetime) -> str:
    """Return +HH and the minutes: always ("MM" or ":MM"), or only if they are not zero ("mm" or ":mm")."""
    offset = at.utcoffset() or timedelta()
    if not offset:
        return zero
    hours, rest = divmod(abs(offset) // timedelta(minutes=1), 60)
    tail = "" if minutes.islower() and not rest else f"{minutes[:-2]}{rest:02}"
    return f"{'-' if offset < timedelta() else '+'}{hours:02}{tail}"


def _gmt(at: datetime) -> str:
    return "GMT" + _offset("", ":MM", at)


def _short_gmt(at: datetime) -> str:
    offset = _offset("", ":mm", at)
    return "GMT" + offset[:1] + offset[1:].removeprefix("0")


def _zone_id(at: datetime) -> str:
    return getattr(at.tzinfo, "key", None) or "UTC"


def _zone_name(at: datetime) -> str:
    return at.tzname() or "UTC"


# Letter -> value, and the counts that Java takes; the count is the least number of digits.
_NUMBERS: Mapping[str, tuple[Callable[[datetime], int], range]] = {
    "M": (lambda at: at.month, range(1, 3)),
    "L": (lambda at: at.month, range(1, 3)),
    "Q": (_quarter, range(1, 3)),
    "q": (_quarter, range(1, 3)),
    "w": (_week, range(1, 3)),
    "W": (_week_of_month, range(1, 2)),
    "D": (lambda at: at.timetuple().tm_yday, range(1, 4)),
    "d": (lambda at: at.day, range(1, 3)),
    "F": (lambda at: (at.day - 1) % 7 + 1, range(1, 2)),
    "e": (_day_of_week, range(1, 3)),
    "c": (_day_of_week, range(1, 2)),
    "h": (lambda at: (at.hour - 1) % 12 + 1, range(1, 3)),
    "H": (lambda at: at.hour, range(1, 3)),
    "k": (lambda at: (at.hour - 1) % 24 + 1, range(1, 3)),
    "K": (lambda at: at.hour % 12, range(1, 3)),
    "m": (lambda at: at.minute, range(1, 3)),
    "s": (lambda at: at.second, range(1, 3)),
    "g": (lambda at: at.toordinal() - _MODIFIED_JULIAN_DAY_0, range(1, 20)),
    "A": (lambda at: _second_of_day(at) * 1000, range(1, 20)),
    "n": (lambda _: 0, range(1, 20)),
    "N": (lambda at: _second_of_day(at) * 10**9, range(1, 20)),
}


def _month_texts() -> dict[int, Field]:
    return {
        3: lambda at: _MONTHS[at.month - 1][:3],
        4: lambda at: _MONTHS[at.month - 1],
        5: lambda at: _MONTHS[at.month - 1][0],
    }


def _day_texts(*short: int) -> dict[int, Field]:
    texts: dict[int, Field] = {count: lambda at: _DAYS[at.weekday()][:3] for count in (*short, 3)}
    return texts | {4: lambda at: _DAYS[at.weekday()], 5: lambda at: _DAYS[at.weekday()][0]}


def _quarter_texts() -> dict[int, Field]:
    ordinals = ("1st", "2nd", "3rd", "4th")
    return {
        3: lambda at: f"Q{_quarter(at)}",
        4: lambda at: f"{ordinals[_quarter(at) - 1]} quarter",
        5: lambda at: str(_quarter(at)),
    }


# Of X and x, whose counts of 4 and 5 would write seconds.
_MINUTES = {1: "mm", 2: "MM", 3: ":MM", 4: "MM", 5: ":MM"}

# Letter -> count -> the function that writes it.
_TEXTS: Mapping[str, Mapping[int, Field]] = {
    "G": {**dict.fromkeys((1, 2, 3), partial(_literal, "AD")), 4: partial(_literal, "Anno Domini"), 5: lambda _: "A"},
    "M": _month_texts(),
    "L": _month_texts(),
    "Q": _quarter_texts(),
    "q": _quarter_texts(),
    "E": _day_texts(1, 2),
    "e": _day_texts(),
    "c": _day_texts(),
    "a": {1: lambda at: "AM" if at.hour < 12 else "PM"},
    "V": {2: _zone_id},
    # The short names of the time zone database; where it has none, such as in Istanbul, it says +03 and Java TRT.
    "z": dict.fromkeys((1, 2, 3), _zone_name),
    "O": {1: _short_gmt, 4: _gmt},
    "X": {count: partial(_offset, "Z", minutes) for count, minutes in _MINUTES.items()},
    "x": {
        count: partial(_offset, zero, _MINUTES[count])
        for count, zero in {1: "+00", 2: "+0000", 3: "+00:00", 4: "+0000", 5: "+00:00"}.items()
    },
    "Z": {**dict.fromkeys((1, 2, 3), partial(_offset, "+0000", "MM")), 4: _gmt, 5: partial(_offset, "Z", ":MM")},
}
