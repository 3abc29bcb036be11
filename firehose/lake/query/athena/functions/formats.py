"""Formats of times: MySQL's letters (date_format, date_parse) and Java's (format_datetime, parse_datetime).

Both become DuckDB's, which are C's. A letter that C does not have in the same meaning is refused.
"""

import re
from collections.abc import Mapping

from firehose.lake.query.athena.refusal import SqlError
from firehose.lake.query.athena.types import text

_MYSQL_BOTH = {
    "Y": "%Y",
    "m": "%m",
    "d": "%d",
    "H": "%H",
    "i": "%M",
    "s": "%S",
    "S": "%S",
    "T": "%H:%M:%S",
    "p": "%p",
    "h": "%I",
    "I": "%I",
    "b": "%b",
    "M": "%B",
    "a": "%a",
    "W": "%A",
    "j": "%j",
    "f": "%f",
    "r": "%I:%M:%S %p",
    "%": "%%",
}
_MYSQL_WRITTEN = _MYSQL_BOTH | {"c": "%-m", "e": "%-d", "k": "%-H", "l": "%-I", "y": "%y", "v": "%V", "x": "%G"}
_MYSQL_READ = {
    name: form for name, form in _MYSQL_BOTH.items() if name not in "aWj"
} | {"c": "%-m", "e": "%-d", "k": "%-H", "l": "%-I", "y": "%y"}  # fmt: skip
_MYSQL_UNKNOWN = set("DUuVwX")

_JAVA_WRITTEN = {
    "y": "%Y",
    "yyyy": "%Y",
    "yy": "%y",
    "Y": "%Y",
    "YYYY": "%Y",
    "M": "%-m",
    "MM": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "d": "%-d",
    "dd": "%d",
    "H": "%-H",
    "HH": "%H",
    "h": "%-I",
    "hh": "%I",
    "m": "%-M",
    "mm": "%M",
    "s": "%-S",
    "ss": "%S",
    "SSS": "%g",
    "a": "%p",
    "E": "%a",
    "EEE": "%a",
    "EEEE": "%A",
    "e": "%u",
    "D": "%-j",
    "DDD": "%j",
    "ww": "%V",
    "x": "%G",
    "xxxx": "%G",
}
_JAVA_READ = {
    name: form
    for name, form in _JAVA_WRITTEN.items()
    if name in ("yyyy", "M", "MM", "MMM", "MMMM", "d", "dd", "H", "HH", "h", "hh", "m", "mm", "s", "ss", "SSS", "a")
} | dict.fromkeys(("SSSSSS", "SSSSS", "SSSS"), "%f")
_JAVA = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)")


def parsed(sql: str, form: str) -> str:
    """Return the SQL that reads a text by one of C's formats. Without a year, a month or day is of 2000, a time of 1970.

    So Joda reads it, and Trino by it; DuckDB would take 1900. Two digits are of 1970 to 2069; C's are of 1969 to 2068.
    """
    letters = set(re.findall(r"%-?(.)", form))
    if "y" in letters:
        return f"athena_pivot(strptime({sql}, {text(form)}))"
    if "Y" in letters:
        return f"strptime({sql}, {text(form)})"
    year = 2000 if letters & set("mbBd") else 1970
    return f"strptime('{year} ' || {sql}, {text(f'%Y {form}')})"


def of_mysql(written: str, *, is_read: bool) -> str:
    """Return MySQL's format as C's: %Y-%m-%d %H:%i -> %Y-%m-%d %H:%M.

    Raises:
        SqlError: a letter that Trino or DuckDB does not have.
    """
    known = _MYSQL_READ if is_read else _MYSQL_WRITTEN
    found = []
    for match in re.finditer(r"%(.)|([^%]+)|%$", written, re.DOTALL):
        letter, plain = match.groups()
        if letter in known:
            found.append(known[letter])
        elif letter in _MYSQL_UNKNOWN or letter in _MYSQL_WRITTEN or (letter is None and plain is None):
            raise SqlError(f"not supported here: %{letter or ''} in a format")
        else:
            found.append(letter or plain)
    return "".join(found)


def of_java(written: str, *, is_read: bool) -> list[str]:
    """Return Java's format as C's, in parts: yyyy-MM-dd'T'HH:mm -> ["%Y", "-", "%m", ...].

    %Z, %ZZ and %ZZZ are left to the caller: they are of the zone.

    Raises:
        SqlError: letters that have no counterpart.
    """
    known: Mapping[str, str] = _JAVA_READ if is_read else _JAVA_WRITTEN
    found = []
    for match in _JAVA.finditer(written):
        quoted, plain = match[1], match[3]
        if quoted is not None:
            found.append((quoted.replace("''", "'") or "'").replace("%", "%%"))
        elif plain is not None:
            found.append(plain.replace("%", "%%"))
        elif match[0] in known:
            found.append(known[match[0]])
        elif match[0] in ("Z", "ZZ", "ZZZ"):
            found.append(f"%{match[0]}")
        else:
            raise SqlError(f"not supported here: {match[0]} in a format")
    return found
