"""Dates and times, by Trino's rules written down in Python: whole units, weeks from Monday, zones that are kept."""

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each

pytestmark = pytest.mark.slow

few = settings(max_examples=12, deadline=None)
millis = st.integers(0, 86_399_999).map(lambda one: timedelta(milliseconds=one))
DATES = st.dates(date(1890, 1, 1), date(2090, 12, 31))
LEAP_DAYS = st.sampled_from(
    [date(2024, 2, 29), date(2025, 2, 28), date(2024, 1, 31), date(2023, 3, 1), date(2024, 3, 31)]
)


def moments(days: st.SearchStrategy[date]) -> st.SearchStrategy[datetime]:
    return st.builds(lambda day, time: datetime(day.year, day.month, day.day) + time, days, millis)


TIMES = moments(DATES | LEAP_DAYS)
UNITS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def add_months(moment: datetime, count: int) -> datetime:
    """A day that the month does not have becomes its last."""
    month = moment.year * 12 + moment.month - 1 + count
    year, month = month // 12, month % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def months_between(first: datetime, last: datetime) -> int:
    """As many months as may be added to the first without passing the last, counted from the earlier of the two."""
    if first > last:
        return -months_between(last, first)
    count = (last.year - first.year) * 12 + last.month - first.month
    return count if add_months(first, count) <= last else count - 1


def difference(unit: str, first: datetime, last: datetime) -> int:
    if unit in MONTHS:
        months = months_between(first, last)
        return abs(months) // MONTHS[unit] * (1 if months >= 0 else -1)
    ticks = (last - first) // timedelta(milliseconds=1)
    return abs(ticks) // round(UNITS[unit] * 1000) * (1 if ticks >= 0 else -1)


@pytest.mark.parametrize("unit", [*UNITS, *MONTHS])
def test_date_diff_counts_whole_units(unit: str) -> None:
    @few
    @given(st.lists(st.tuples(st.none() | TIMES, TIMES), min_size=1, max_size=12))
    def holds(given_rows: list[tuple[datetime | None, datetime]]) -> None:
        expected = [None if a is None else difference(unit, a, b) for a, b in given_rows]

        assert each(f"date_diff('{unit}', a, b)", ["timestamp(3)"] * 2, given_rows) == expected

    holds()


@pytest.mark.parametrize("unit", [*UNITS, *MONTHS])
def test_date_add_keeps_the_day_or_takes_the_months_last(unit: str) -> None:
    def added(count: int, moment: datetime) -> datetime:
        if unit in MONTHS:
            return add_months(moment, count * MONTHS[unit])
        return moment + count * timedelta(milliseconds=round(UNITS[unit] * 1000))

    @few
    @given(st.lists(st.tuples(st.none() | st.integers(-30, 30), TIMES), min_size=1, max_size=12))
    def holds(given_rows: list[tuple[int | None, datetime]]) -> None:
        expected = [None if count is None else added(count, moment) for count, moment in given_rows]

        assert each(f"date_add('{unit}', a, b)", ["bigint", "timestamp(3)"], given_rows) == expected

    holds()


def truncated(unit: str, moment: datetime) -> datetime:
    day = datetime(moment.year, moment.month, moment.day)
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
        case _:
            step = timedelta(seconds=UNITS[unit])
            return day + (moment - day) // step * step


FIELDS: dict[str, Callable[[datetime], Any]] = {
    **{f"date_trunc('{unit}', a)": partial(truncated, unit) for unit in (*UNITS, *MONTHS)},
    "day_of_week(a)": lambda a: a.isoweekday(),
    "extract(DOW FROM a)": lambda a: a.isoweekday(),
    "year_of_week(a)": lambda a: a.isocalendar()[0],
    "week(a)": lambda a: a.isocalendar()[1],
    "day_of_year(a)": lambda a: a.timetuple().tm_yday,
    "quarter(a)": lambda a: (a.month - 1) // 3 + 1,
    "millisecond(a)": lambda a: a.microsecond // 1000,
    "last_day_of_month(a)": lambda a: date(a.year, a.month, calendar.monthrange(a.year, a.month)[1]),
    "CAST(a AS varchar)": lambda a: a.isoformat(" ", "milliseconds"),
    "CAST(a AS date)": lambda a: a.date(),
    "to_unixtime(a)": lambda a: (a - datetime(1970, 1, 1)) / timedelta(seconds=1),
    "to_iso8601(a)": lambda a: a.isoformat("T", "milliseconds"),
    "date_format(a, '%Y-%m-%d %H:%i:%s.%f %p %W %b')": lambda a: a.strftime("%Y-%m-%d %H:%M:%S.%f %p %A %b"),
    "date_format(a, '%x-%v %e %c %k %j')": lambda a: (
        f"{a.isocalendar()[0]}-{a.isocalendar()[1]:02} {a.day} {a.month} {a.hour} {a.timetuple().tm_yday:03}"
    ),
    "format_datetime(a, 'yyyy-MM-dd''T''HH:mm:ss.SSSZZ E')": lambda a: (
        f"{a.isoformat('T', 'milliseconds')}+00:00 {a.strftime('%a')}"
    ),
    "date_parse(date_format(a, '%Y-%m-%d %H:%i:%s.%f'), '%Y-%m-%d %H:%i:%s.%f')": lambda a: a,
    "CAST(from_unixtime(to_unixtime(a)) AS timestamp(3))": lambda a: a,
    "CAST(from_iso8601_timestamp(to_iso8601(a)) AS timestamp(3))": lambda a: a,
    "CAST(CAST(a AS varchar) AS timestamp(3))": lambda a: a,
    "a - INTERVAL '1' SECOND": lambda a: a - timedelta(seconds=1),
    "a + INTERVAL '1' MONTH": lambda a: add_months(a, 1),
}  # fmt: skip


@pytest.mark.parametrize("expression", FIELDS)
def test_a_function_of_a_time_keeps_trinos_rule(expression: str) -> None:
    @few
    @given(st.lists(st.tuples(st.none() | TIMES), min_size=1, max_size=12))
    def holds(given_rows: list[tuple[datetime | None]]) -> None:
        expected = [None if a is None else FIELDS[expression](a) for (a,) in given_rows]

        assert each(expression, ["timestamp(3)"], given_rows) == expected

    holds()


ZONES = ["Europe/London", "America/New_York", "Asia/Kolkata", "UTC"]
RECENT = moments(st.dates(date(1975, 1, 1), date(2030, 1, 1)))


@few
@given(st.lists(st.tuples(st.none() | RECENT, st.sampled_from(ZONES)), min_size=1, max_size=12))
def test_a_time_in_another_zone_is_the_same_instant(given_rows: list[tuple[datetime | None, str]]) -> None:
    def local(moment: datetime | None, zone: str) -> datetime | None:
        return moment and moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))

    kinds = ["timestamp(3)", "varchar"]
    locals_ = [local(*row) for row in given_rows]
    shown = [
        one and f"{one.replace(tzinfo=None).isoformat(' ', 'milliseconds')} {zone}"
        for one, (_, zone) in zip(locals_, given_rows, strict=True)
    ]

    assert each("a AT TIME ZONE b", kinds, given_rows) == shown
    assert each("at_timezone(with_timezone(a, 'UTC'), b)", kinds, given_rows) == shown
    assert each("hour(a AT TIME ZONE b)", kinds, given_rows) == [one and one.hour for one in locals_]
    assert each("CAST(a AT TIME ZONE b AS date)", kinds, given_rows) == [one and one.date() for one in locals_]
    assert each("a AT TIME ZONE b = with_timezone(a, 'UTC')", kinds, given_rows) == [one and True for one in locals_]
    assert each("to_unixtime(a AT TIME ZONE b)", kinds, given_rows) == [one and one.timestamp() for one in locals_]


@few
@given(st.lists(st.tuples(DATES, st.integers(-40, 40), st.sampled_from([1, 7, -1, -7])), min_size=1, max_size=8))
def test_a_sequence_of_dates_holds_both_ends(given_rows: list[tuple[date, int, int]]) -> None:
    def days(first: date, length: int, step: int) -> list[date] | None:
        if length * step < 0:
            return None
        return [first + timedelta(days=one) for one in range(0, length + (1 if step > 0 else -1), step)]

    expression = "sequence(a, date_add('day', b, a), INTERVAL '1' DAY * c)"

    assert each(expression, ["date", "integer", "integer"], given_rows) == [days(*row) for row in given_rows]
