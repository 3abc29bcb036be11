"""The letters of the formats of times, MySQL's and Java's: what each writes and reads, and what is refused."""

import string
from datetime import datetime

import pytest

from firehose.local.user_error import UserError
from tests.lake.athena.asking import value

MOMENT = "TIMESTAMP '2025-03-04 05:06:07.089'"  # a Tuesday
NO_DATE = datetime(1970, 1, 1)

MYSQL_WRITTEN = {
    "Y": "2025",
    "y": "25",
    "x": "2025",
    "v": "10",
    "j": "063",
    "m": "03",
    "c": "3",
    "b": "Mar",
    "M": "March",
    "d": "04",
    "e": "4",
    "a": "Tue",
    "W": "Tuesday",
    "H": "05",
    "k": "5",
    "h": "05",
    "I": "05",
    "l": "5",
    "i": "06",
    "s": "07",
    "S": "07",
    "f": "089000",
    "p": "AM",
    "T": "05:06:07",
    "r": "05:06:07 AM",
}
MYSQL_READ = {
    **dict.fromkeys("Yy", datetime(2025, 1, 1)),
    **dict.fromkeys("mcbM", datetime(2000, 3, 1)),
    **dict.fromkeys("de", datetime(2000, 1, 4)),
    **dict.fromkeys("HkhIl", datetime(1970, 1, 1, 5)),
    "i": datetime(1970, 1, 1, 0, 6),
    "s": datetime(1970, 1, 1, 0, 0, 7),
    "S": datetime(1970, 1, 1, 0, 0, 7),
    "f": datetime(1970, 1, 1, 0, 0, 0, 89000),
    "p": NO_DATE,
    **dict.fromkeys("Tr", datetime(1970, 1, 1, 5, 6, 7)),
}
# Trino refuses these itself (D U u V X w); of the others it takes the letter as it stands.
MYSQL_REFUSED = "DUuVXw"

JAVA_WRITTEN = {
    "y": "2025",
    "yyyy": "2025",
    "yy": "25",
    "Y": "2025",
    "YYYY": "2025",
    "x": "2025",
    "xxxx": "2025",
    "ww": "10",
    "M": "3",
    "MM": "03",
    "MMM": "Mar",
    "MMMM": "March",
    "d": "4",
    "dd": "04",
    "D": "63",
    "DDD": "063",
    "E": "Tue",
    "EEE": "Tue",
    "EEEE": "Tuesday",
    "e": "2",
    "a": "AM",
    "H": "5",
    "HH": "05",
    "h": "5",
    "hh": "05",
    "m": "6",
    "mm": "06",
    "s": "7",
    "ss": "07",
    "SSS": "089",
    "Z": "+0000",
    "ZZ": "+00:00",
    "ZZZ": "UTC",
}
JAVA_READ = {
    "yyyy": "2025-01-01 00:00:00.000",
    **dict.fromkeys(("M", "MM", "MMM", "MMMM"), "2000-03-01 00:00:00.000"),
    **dict.fromkeys(("d", "dd"), "2000-01-04 00:00:00.000"),
    **dict.fromkeys(("H", "HH", "h", "hh"), "1970-01-01 05:00:00.000"),
    **dict.fromkeys(("m", "mm"), "1970-01-01 00:06:00.000"),
    **dict.fromkeys(("s", "ss"), "1970-01-01 00:00:07.000"),
    "SSS": "1970-01-01 00:00:00.089",
    **dict.fromkeys(("a", "Z", "ZZ"), "1970-01-01 00:00:00.000"),
}
JAVA_COUNTED = [letter * count for letter in string.ascii_letters for count in range(1, 6)]


@pytest.mark.parametrize("letter", string.ascii_letters)
def test_a_letter_of_mysqls_is_written_as_trino_writes_it(letter: str) -> None:
    if letter in MYSQL_REFUSED:
        with pytest.raises(UserError, match=f"not supported here: %{letter} in a format"):
            value(f"date_format({MOMENT}, '%{letter}')")
    else:
        assert value(f"date_format({MOMENT}, '%{letter}')") == MYSQL_WRITTEN.get(letter, letter)


@pytest.mark.parametrize("letter", MYSQL_WRITTEN)
def test_a_letter_of_mysqls_is_read_as_joda_reads_it_or_refused(letter: str) -> None:
    expression = f"date_parse('{MYSQL_WRITTEN[letter]}', '%{letter}')"
    if letter in MYSQL_READ:
        assert value(expression) == MYSQL_READ[letter]
    else:
        with pytest.raises(UserError, match=f"not supported here: %{letter} in a format"):
            value(expression)


@pytest.mark.parametrize("letters", JAVA_COUNTED)
def test_letters_of_javas_are_written_as_joda_writes_them_or_refused(letters: str) -> None:
    expression = f"format_datetime({MOMENT}, '{letters}')"
    if letters in JAVA_WRITTEN:
        assert value(expression) == JAVA_WRITTEN[letters]
    else:
        with pytest.raises(UserError, match=f"not supported here: {letters} in a format"):
            value(expression)


@pytest.mark.parametrize("letters", JAVA_WRITTEN)
def test_letters_of_javas_are_read_as_joda_reads_them_or_refused(letters: str) -> None:
    expression = f"parse_datetime('{JAVA_WRITTEN[letters]}', '{letters}')"
    if letters in JAVA_READ:
        assert value(expression) == f"{JAVA_READ[letters]} UTC"
    else:
        with pytest.raises(UserError, match="not supported here"):
            value(expression)


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("date_parse('02-29', '%m-%d')", datetime(2000, 2, 29)),
        ("date_parse('29 05:06', '%d %H:%i')", datetime(2000, 1, 29, 5, 6)),
        ("date_parse('2025 05', '%Y %H')", datetime(2025, 1, 1, 5)),
        ("date_parse(NULL, '%H')", None),
    ],
)
def test_what_a_format_leaves_out_is_jodas(expression: str, read: datetime | None) -> None:
    assert value(expression) == read
