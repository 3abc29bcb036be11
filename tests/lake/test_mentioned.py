"""Mentions in a text are found in a list that knows no ids, exactly where a search for the id would find it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firehose.lake.erasure.mentioned import mentioned, separators_in

_TEXTS = st.text("ab1-_é:#. /\n", max_size=30)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fan-1", True),
        ("FAN#fan-1", True),
        ("e1/fan-1.json", True),
        ("xfan-1", False),
        ("fan-11", False),
        ("e1_s1_fan-1", False),
        ("éfan-1", False),
    ],
)
def test_an_id_is_mentioned_between_characters_that_are_no_letters_digits_dashes_or_underscores(
    text: str, found: bool
) -> None:
    assert ("fan-1" in mentioned(text, {0})) is found


@given(text=_TEXTS, subject=_TEXTS.filter(bool))
def test_an_id_is_found_wherever_a_search_for_it_would_find_it(text: str, subject: str) -> None:
    searched = re.search(rf"(?<![\w-]){re.escape(subject)}(?![\w-])", text) is not None

    assert (subject in mentioned(text, {separators_in(subject)})) is searched


@given(before=_TEXTS, after=_TEXTS, subject=_TEXTS.filter(bool))
def test_an_id_between_separators_is_found(before: str, after: str, subject: str) -> None:
    assert subject in mentioned(f"{before}#{subject}:{after}", {separators_in(subject)})
