"""Java's DateTimeFormatter patterns: each letter as Java writes it, and what Java refuses refused."""

import string
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.local.config.java_time import PatternError, parse_pattern

NEW_YORK, KOLKATA, TOKYO = ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Asia/Tokyo")
MORNING = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)  # a Thursday
MIDNIGHT = datetime(2024, 12, 31, 0, 0, 0, tzinfo=NEW_YORK)  # a Tuesday
NOON = datetime(2025, 7, 15, 12, 30, 0, tzinfo=KOLKATA)


def written(pattern: str, at: datetime) -> str:
    return "".join(field(at) for field in parse_pattern(pattern))


@pytest.mark.parametrize(
    ("pattern", "morning", "midnight", "noon"),
    [
        ("yyyy yy y yyyyy", "2025 25 2025 02025", "2024 24 2024 02024", "2025 25 2025 02025"),
        ("uuuu uu u uuu", "2025 25 2025 2025", "2024 24 2024 2024", "2025 25 2025 2025"),
        ("M MM MMM MMMM MMMMM", "1 01 Jan January J", "12 12 Dec December D", "7 07 Jul July J"),
        ("L LL LLL LLLL LLLLL", "1 01 Jan January J", "12 12 Dec December D", "7 07 Jul July J"),
        ("d dd D DD DDD", "2 02 2 02 002", "31 31 366 366 366", "15 15 196 196 196"),
        ("E EE EEE EEEE EEEEE", "Thu Thu Thu Thursday T", "Tue Tue Tue Tuesday T", "Tue Tue Tue Tuesday T"),
        ("e ee eee eeee eeeee", "5 05 Thu Thursday T", "3 03 Tue Tuesday T", "3 03 Tue Tuesday T"),
        ("c ccc cccc ccccc", "5 Thu Thursday T", "3 Tue Tuesday T", "3 Tue Tuesday T"),
        ("a h hh K KK", "AM 3 03 3 03", "AM 12 12 0 00", "PM 12 12 0 00"),
        ("H HH k kk", "3 03 3 03", "0 00 24 24", "12 12 12 12"),
        ("m mm s ss", "4 04 5 05", "0 00 0 00", "30 30 0 00"),
        ("S SSS SSSSSSSSS n nnn", "0 000 000000000 0 000", "0 000 000000000 0 000", "0 000 000000000 0 000"),
        ("A N", "11045000 11045000000000", "0 0", "45000000 45000000000000"),
        ("AAAAAAAAA", "011045000", "000000000", "045000000"),
        ("Q QQ QQQ QQQQ QQQQQ", "1 01 Q1 1st quarter 1", "4 04 Q4 4th quarter 4", "3 03 Q3 3rd quarter 3"),
        ("q qq qqq qqqq qqqqq", "1 01 Q1 1st quarter 1", "4 04 Q4 4th quarter 4", "3 03 Q3 3rd quarter 3"),
        ("YYYY-ww W F", "2025-01 1 2", "2025-01 5 3", "2025-29 3 1"),
        ("G GG GGG", "AD AD AD", "AD AD AD", "AD AD AD"),
        ("GGGG GGGGG", "Anno Domini A", "Anno Domini A", "Anno Domini A"),
        ("Z ZZ ZZZ", "+0000 +0000 +0000", "-0500 -0500 -0500", "+0530 +0530 +0530"),
        ("ZZZZ ZZZZZ", "GMT Z", "GMT-05:00 -05:00", "GMT+05:30 +05:30"),
        ("X XX XXX XXXX XXXXX", "Z Z Z Z Z", "-05 -0500 -05:00 -0500 -05:00", "+0530 +0530 +05:30 +0530 +05:30"),
        ("x xx xxx", "+00 +0000 +00:00", "-05 -0500 -05:00", "+0530 +0530 +05:30"),
        ("xxxx xxxxx", "+0000 +00:00", "-0500 -05:00", "+0530 +05:30"),
        ("O OOOO", "GMT GMT", "GMT-5 GMT-05:00", "GMT+5:30 GMT+05:30"),
        ("g ggggggg", "60677 0060677", "60675 0060675", "60871 0060871"),
        ("yyyy[/MM[/dd]] [HH", "2025/01/02 03", "2024/12/31 00", "2025/07/15 12"),
        ("VV z zz zzz", "UTC UTC UTC UTC", "America/New_York EST EST EST", "Asia/Kolkata IST IST IST"),
        ("'y='yyyy''MM'it''s'", "y=2025'01it's", "y=2024'12it's", "y=2025'07it's"),
    ],
)
def test_each_letter_is_written_as_java_writes_it(pattern: str, morning: str, midnight: str, noon: str) -> None:
    assert [written(pattern, at) for at in (MORNING, MIDNIGHT, NOON)] == [morning, midnight, noon]


@pytest.mark.parametrize(
    ("at", "week"),
    [
        (datetime(2024, 12, 28, tzinfo=UTC), "2024-52"),
        (datetime(2024, 12, 29, tzinfo=UTC), "2025-01"),
        (datetime(2023, 1, 1, tzinfo=UTC), "2023-01"),
        (datetime(2023, 12, 30, tzinfo=UTC), "2023-52"),
        (datetime(2021, 12, 26, tzinfo=UTC), "2022-01"),
    ],
)
def test_a_week_based_year_begins_on_the_sunday_before_1_january(at: datetime, week: str) -> None:
    assert written("YYYY-ww", at) == week


def test_summer_time_is_in_the_offset() -> None:
    assert written("XXX z", datetime(2025, 7, 1, tzinfo=NEW_YORK)) == "-04:00 EDT"
    assert written("O", datetime(2025, 7, 1, tzinfo=TOKYO)) == "GMT+9"


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "[", "yyyy]", "[yyyy]]", "yyyy#MM", "{yyyy", "'open", "yyyy'"),
        *("MMMMMM", "ddd", "HHH", "mmm", "sss", "DDDD", "EEEEEE", "aa", "www", "WW", "FF", "cc", "GGGGGG"),
        *("SSSSSSSSSS", "XXXXXX", "xxxxxx", "ZZZZZZ", "OO", "V", "VVV", "zzzz", "ppH", "b", "T", "j", "y" * 16),
    ],
)
def test_a_pattern_that_java_refuses_or_that_is_not_supported_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        parse_pattern(pattern)


COUNTS = {
    **dict.fromkeys("MLQqEeGXxZ", (1, 2, 3, 4, 5)),
    **dict.fromkeys("dhHkKmsw", (1, 2)),
    **dict.fromkeys("WFa", (1,)),
    **dict.fromkeys("gAnN", tuple(range(1, 20))),
    **dict.fromkeys("yuY", tuple(range(1, 16))),
    **dict.fromkeys("Dz", (1, 2, 3)),
    "c": (1, 3, 4, 5),
    "S": tuple(range(1, 10)),
    "O": (1, 4),
    "V": (2,),
}


@pytest.mark.parametrize("letter", string.ascii_letters)
def test_a_letter_may_stand_as_often_as_java_allows(letter: str) -> None:
    assert tuple(count for count in range(1, 30) if is_taken(letter * count)) == COUNTS.get(letter, ())


def is_taken(pattern: str) -> bool:
    try:
        parse_pattern(pattern)
    except PatternError:
        return False
    return True


@given(st.text("yuMLdDEeahHKkmsSnAQw/-'[ z", max_size=20), st.datetimes(timezones=st.just(UTC)))
def test_any_pattern_is_refused_when_it_is_read_or_writes_any_time(pattern: str, at: datetime) -> None:
    try:
        fields = parse_pattern(pattern)
    except PatternError:
        return

    assert all(isinstance(field(at.replace(microsecond=0)), str) for field in fields)
