"""Aggregates and documents, by Trino's rules written down in Python."""

import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from statistics import mean, stdev
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each, literal, rows

pytestmark = pytest.mark.slow

few = settings(max_examples=12, deadline=None)
KEYS = st.none() | st.sampled_from("ab")
NUMBERS = st.none() | st.integers(-5, 5)
Pairs = list[tuple[str | None, int | None]]


def known(pairs: Pairs) -> list[int]:
    return [number for _, number in pairs if number is not None]


def first_of_each(pairs: Pairs) -> dict[str, int | None] | None:
    found: dict[str, int | None] = {}
    for key, number in pairs:
        if key is not None:
            found.setdefault(key, number)
    return found


def all_of_each(pairs: Pairs) -> dict[str, list[int | None]]:
    found: dict[str, list[int | None]] = {}
    for key, number in pairs:
        if key is not None:
            found.setdefault(key, []).append(number)
    return found


def count_of_each(pairs: Pairs) -> dict[int, int] | None:
    numbers = known(pairs)
    return {one: numbers.count(one) for one in sorted({*numbers})} or None


def percentile(pairs: Pairs, part: float) -> int | None:
    """Trino's digest of few values: the one with this part of them before it."""
    numbers = sorted(known(pairs))
    return numbers[min(int(part * len(numbers)), len(numbers) - 1)] if numbers else None


def total(numbers: list[int]) -> int | None:
    return sum(numbers) if numbers else None


def average(pairs: Pairs) -> Decimal | None:
    """A decimal's average has the decimal's scale."""
    numbers = known(pairs)
    return (Decimal(sum(numbers)) / len(numbers)).quantize(Decimal("0.1"), ROUND_HALF_UP) if numbers else None


def in_order(pairs: Pairs) -> list[int | None]:
    """Each number once; null is a value of its own, and the last."""
    return [*sorted({*known(pairs)}), *([None] if len(known(pairs)) < len(pairs) else [])]


def nulls_first(pairs: Pairs) -> list[int | None]:
    return [*([None] * (len(pairs) - len(known(pairs)))), *sorted(known(pairs), reverse=True)]


def listed(pairs: Pairs) -> str | None:
    return "+".join(sorted(key for key, _ in pairs if key is not None)) or None


AGGREGATES: list[tuple[str, Callable[[Pairs], Any]]] = [
    ("count(*)", len),
    ("count(v)", lambda pairs: len(known(pairs))),
    ("count(DISTINCT v)", lambda pairs: len({*known(pairs)})),
    ("approx_distinct(v)", lambda pairs: len({*known(pairs)})),
    ("approx_percentile(v, 0.5)", lambda pairs: percentile(pairs, 0.5)),
    ("approx_percentile(v, 0.7)", lambda pairs: percentile(pairs, 0.7)),
    ("count_if(v > 0)", lambda pairs: sum(one > 0 for one in known(pairs))),
    ("sum(v)", lambda pairs: total(known(pairs))),
    ("sum(v) FILTER (WHERE k = 'a')", lambda pairs: total(known([one for one in pairs if one[0] == "a"]))),
    ("round(avg(v), 9)", lambda pairs: round(mean(known(pairs)), 9) if known(pairs) else None),
    ("round(stddev(v), 9)", lambda pairs: round(stdev(known(pairs)), 9) if len(known(pairs)) > 1 else None),
    ("avg(CAST(v AS decimal(5,1)))", average),
    ("array_agg(v)", lambda pairs: [number for _, number in pairs]),
    ("array_agg(DISTINCT v ORDER BY v)", in_order),
    ("array_agg(v ORDER BY v DESC NULLS FIRST)", nulls_first),
    ("bool_and(v > 0)", lambda pairs: all(one > 0 for one in known(pairs)) if known(pairs) else None),
    ("map_agg(k, v)", first_of_each),
    ("multimap_agg(k, v)", all_of_each),
    ("histogram(v)", count_of_each),
    ("max(v, 2)", lambda pairs: sorted(known(pairs), reverse=True)[:2] or None),
    ("listagg(k, '+') WITHIN GROUP (ORDER BY k)", listed),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "rule"), AGGREGATES, ids=[one[0] for one in AGGREGATES])
def test_an_aggregate_keeps_trinos_rule(expression: str, rule: Callable[[Pairs], Any]) -> None:
    @few
    @given(st.lists(st.tuples(KEYS, NUMBERS), min_size=1, max_size=8))
    def holds(pairs: Pairs) -> None:
        values = ", ".join(
            f"(CAST({literal(key)} AS varchar), CAST({literal(number)} AS integer))" for key, number in pairs
        )

        assert rows(f"SELECT {expression} FROM (VALUES {values}) AS t (k, v)") == [(rule(pairs),)]

    holds()


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x y", 'q"'])
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)


def at(document: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, str):
            document = document.get(step) if isinstance(document, dict) else None
        else:
            document = document[step] if isinstance(document, list) and step < len(document) else None
    return document


def scalar(found: Any) -> str | None:
    if found is None or isinstance(found, list | dict):
        return None
    return found if isinstance(found, str) else json.dumps(found)


@few
@given(st.lists(st.tuples(st.none() | DOCUMENTS.map(json.dumps) | st.just("{no json")), min_size=1, max_size=8))
def test_a_scalar_of_a_document_is_text_and_anything_else_is_null(given_rows: list[tuple[str | None]]) -> None:
    def parsed(text: str | None) -> Any:
        return None if text is None or text == "{no json" else json.loads(text)

    for path, steps in (("$.a", ["a"]), ("$.a.b", ["a", "b"]), ('$["a"][1]', ["a", 1]), ("$[0]", [0])):
        expected = [scalar(at(parsed(a), [*steps])) for (a,) in given_rows]
        assert each(f"json_extract_scalar(a, '{path}')", ["varchar"], given_rows) == expected
    lengths = [len(found) if isinstance(found := parsed(a), list) else None for (a,) in given_rows]
    assert each("json_array_length(a)", ["varchar"], given_rows) == lengths


@few
@given(
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a.example.com", "10.0.0.1"]),
    st.none() | st.integers(1, 65_535),
    st.sampled_from(["", "/", "/p/q", "/p%20q"]),
    st.lists(st.tuples(st.sampled_from("xyz"), st.text("ab c&", max_size=3)), max_size=3),
    st.sampled_from(["", "part"]),
)
def test_a_url_is_taken_apart(
    scheme: str, host: str, port: int | None, path: str, query: list[tuple[str, str]], fragment: str
) -> None:
    written = "&".join(f"{key}={quote(text)}" for key, text in query if "&" not in text)
    url = f"{scheme}://{host}" + (f":{port}" if port else "") + path
    url += (f"?{written}" if written else "") + (f"#{fragment}" if fragment else "")
    split = urlsplit(url)
    parameters = dict(reversed(parse_qsl(split.query, keep_blank_values=True)))
    parts = {
        "protocol(a)": scheme,
        "host(a)": host,
        "port(a)": port,
        "path(a)": path.replace("%20", " "),
        "fragment(a)": fragment,
        "parameter(a, 'x')": parameters.get("x"),
    }

    for part, expected in parts.items():
        assert each(f"url_extract_{part}", ["varchar"], [(url,)]) == [expected], part
