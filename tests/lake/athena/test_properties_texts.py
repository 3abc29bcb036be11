"""Texts, by Trino's rules written down in Python: places count from 1, null stays null, no match is null."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each

pytestmark = pytest.mark.slow

TEXTS = st.none() | st.text("ab-é ü1", max_size=6)
PLACES = st.none() | st.integers(-4, 8)
few = settings(max_examples=12, deadline=None)

BLANK = "".join(map(chr, [9, 10, 11, 12, 13, 28, 32, 0x2003, 0x3000]))


class TrinoError(Exception):
    """Trino ends the query."""


def strict(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return the rule with null for null; a failure is null, too, under TRY."""

    def applied(*values: Any) -> Any:
        try:
            return None if None in values else rule(*values)
        except TrinoError:
            return None

    return applied


def substr(text: str, start: int, length: int | None = None) -> str:
    """The first character is 1, a negative place counts from the end; beyond either end nothing is found."""
    if start == 0 or abs(start) > len(text):
        return ""
    begin = start - 1 if start > 0 else len(text) + start
    return text[begin:] if length is None else text[begin : begin + max(length, 0)]


def split_part(text: str, delimiter: str, place: int) -> str | None:
    """Parts count from 1, a part that is not there is null."""
    if place <= 0 or not delimiter:
        raise TrinoError
    parts = text.split(delimiter)
    return parts[place - 1] if place <= len(parts) else None


def replace(text: str, search: str, replacement: str) -> str:
    """An empty search finds the place before each character and the end."""
    return text.replace(search, replacement)


def pad(text: str, size: int, padding: str, *, is_left: bool) -> str:
    if size < 0 or not padding:
        raise TrinoError
    if size <= len(text):
        return text[:size]
    added = (padding * size)[: size - len(text)]
    return added + text if is_left else text + added


RULES: list[tuple[str, list[str], Callable[..., Any]]] = [
    ("concat(a, b)", ["varchar", "varchar"], lambda a, b: a + b),
    ("a || b || 'x'", ["varchar", "varchar"], lambda a, b: a + b + "x"),
    ("substr(a, b)", ["varchar", "bigint"], substr),
    ("substring(a, b, c)", ["varchar", "bigint", "bigint"], substr),
    ("length(a)", ["varchar"], len),
    ("reverse(a)", ["varchar"], lambda a: a[::-1]),
    ("upper(a)", ["varchar"], str.upper),
    ("strpos(a, b)", ["varchar", "varchar"], lambda a, b: a.find(b) + 1),
    ("position(b IN a)", ["varchar", "varchar"], lambda a, b: a.find(b) + 1),
    ("starts_with(a, b)", ["varchar", "varchar"], str.startswith),
    ("split_part(a, b, c)", ["varchar", "varchar", "bigint"], split_part),
    ("replace(a, b, c)", ["varchar", "varchar", "varchar"], replace),
    ("replace(a, b)", ["varchar", "varchar"], lambda a, b: a.replace(b, "") if b else a),
    ("lpad(a, b, c)", ["varchar", "bigint", "varchar"], lambda a, b, c: pad(a, b, c, is_left=True)),
    ("rpad(a, b, c)", ["varchar", "bigint", "varchar"], lambda a, b, c: pad(a, b, c, is_left=False)),
    ("url_encode(a)", ["varchar"], lambda a: quote_plus(a, safe="*").replace("~", "%7E")),
    ("url_decode(url_encode(a))", ["varchar"], lambda a: unquote_plus(quote_plus(a))),
    ("from_utf8(to_utf8(a))", ["varchar"], lambda a: a),
    ("to_hex(to_utf8(a))", ["varchar"], lambda a: a.encode().hex().upper()),
]


@pytest.mark.parametrize(("expression", "kinds", "rule"), RULES, ids=[rule[0] for rule in RULES])
def test_a_function_of_texts_keeps_trinos_rule(expression: str, kinds: list[str], rule: Callable[..., Any]) -> None:
    columns = st.tuples(*(TEXTS if kind == "varchar" else PLACES for kind in kinds))

    @few
    @given(st.lists(columns, min_size=1, max_size=12))
    def holds(given_rows: list[tuple[Any, ...]]) -> None:
        assert each(expression, kinds, given_rows) == [strict(rule)(*row) for row in given_rows]

    holds()


@few
@given(st.lists(st.tuples(st.none() | st.text(BLANK + "ab", max_size=6)), min_size=1, max_size=12))
def test_trim_takes_off_what_java_calls_whitespace(given_rows: list[tuple[str | None]]) -> None:
    assert each("trim(a)", ["varchar"], given_rows) == [a and a.strip(BLANK) for (a,) in given_rows]
    assert each("ltrim(a)", ["varchar"], given_rows) == [a and a.lstrip(BLANK) for (a,) in given_rows]
    assert each("rtrim(a)", ["varchar"], given_rows) == [a and a.rstrip(BLANK) for (a,) in given_rows]


@few
@given(st.lists(st.tuples(TEXTS, st.sampled_from(["-", "a", "", None]), PLACES), min_size=1, max_size=12))
def test_split_keeps_empty_parts_and_the_rest_beyond_its_limit(
    given_rows: list[tuple[str | None, str | None, int | None]],
) -> None:
    def split(text: str, delimiter: str, limit: int | None = None) -> list[str]:
        if not delimiter or (limit is not None and limit <= 0):
            raise TrinoError
        return text.split(delimiter) if limit is None else text.split(delimiter, limit - 1)

    two = [row[:2] for row in given_rows]
    assert each("split(a, b)", ["varchar", "varchar"], two) == [strict(split)(*row) for row in two]
    kinds = ["varchar", "varchar", "bigint"]
    assert each("split(a, b, c)", kinds, given_rows) == [strict(split)(*row) for row in given_rows]


PATTERNS = [("(a+)(-)", 1), ("a|b", 0), (r"(\d)|(é)", 2), ("(b)?a", 1), ("^-*", 0), ("(?i)B(a)", 1), ("[^a-b]+", 0)]


@pytest.mark.parametrize(("pattern", "group"), PATTERNS)
def test_a_regular_expression_that_does_not_match_is_null(pattern: str, group: int) -> None:
    def extract(text: str) -> str | None:
        found = re.search(pattern, text)
        return found.group(group) if found else None

    @few
    @given(st.lists(st.tuples(TEXTS), min_size=1, max_size=12))
    def holds(given_rows: list[tuple[str | None]]) -> None:
        kinds = ["varchar"]
        written = f"'{pattern}'"

        matches = [strict(lambda a: bool(re.search(pattern, a)))(a) for (a,) in given_rows]
        groups = [strict(extract)(a) for (a,) in given_rows]

        assert each(f"regexp_like(a, {written})", kinds, given_rows) == matches
        assert each(f"regexp_extract(a, {written}, {group})", kinds, given_rows) == groups

    holds()


@pytest.mark.parametrize(
    ("pattern", "replacement", "in_python"),
    [("(a)(b)", "$2$1", r"\2\1"), ("[ab]", "<$0>", r"<\g<0>>"), ("a", r"\$1", "$1"), ("-", "\\\\", r"\\")],
)
def test_a_replacement_names_groups_with_a_dollar(pattern: str, replacement: str, in_python: str) -> None:
    @few
    @given(st.lists(st.tuples(TEXTS), min_size=1, max_size=12))
    def holds(given_rows: list[tuple[str | None]]) -> None:
        expected = [strict(lambda a: re.sub(pattern, in_python, a))(a) for (a,) in given_rows]

        assert each(f"regexp_replace(a, '{pattern}', '{replacement}')", ["varchar"], given_rows) == expected

    holds()
