"""Arrays and maps, by Trino's rules written down in Python: nulls inside decide what is known."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each

pytestmark = pytest.mark.slow

few = settings(max_examples=12, deadline=None)
ITEMS = st.none() | st.integers(-3, 3)
ARRAYS = st.none() | st.lists(ITEMS, max_size=5)
TEXT_ARRAYS = st.none() | st.lists(st.none() | st.sampled_from(["a", "b", "", "c d"]), max_size=4)
MAPS = st.none() | st.dictionaries(st.sampled_from("abc"), ITEMS, max_size=3)
KINDS = {"array(integer)": ARRAYS, "array(varchar)": TEXT_ARRAYS, "integer": ITEMS, "map(varchar, integer)": MAPS}

Items = list[int | None]


class TrinoError(Exception):
    """Trino ends the query."""


def strict(rule: Callable[..., Any]) -> Callable[..., Any]:
    def applied(*values: Any) -> Any:
        try:
            return None if None in [one for one in values if not isinstance(one, list | dict)] else rule(*values)
        except TrinoError:
            return None

    return applied


def any_match(values: list[bool | None]) -> bool | None:
    """True if one is, else unknown if one is unknown, else false."""
    return True if True in values else None if None in values else False


def all_match(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def distinct(items: Items) -> Items:
    return list(dict.fromkeys(items))


def subscript(items: Items, place: int) -> int | None:
    if not 1 <= place <= len(items):
        raise TrinoError
    return items[place - 1]


def element_at(items: Items, place: int) -> int | None:
    """A negative place counts from the end; what is not there is null, and 0 is an error."""
    if place == 0:
        raise TrinoError
    if abs(place) > len(items):
        return None
    return items[place - 1 if place > 0 else place]


def part(items: Items, start: int, length: int) -> Items:
    if start == 0 or length < 0:
        raise TrinoError
    if start < -len(items):
        return []
    begin = start - 1 if start > 0 else len(items) + start
    return items[begin : begin + length]


def overlap(one: Items, other: Items) -> bool | None:
    if {*one} & {*other} - {None}:
        return True
    return None if one and other and (None in one or None in other) else False


def pairwise(one: Items, other: Items) -> list[tuple[int | None, int | None]]:
    longest = max(len(one), len(other))
    filled = [items + [None] * (longest - len(items)) for items in (one, other)]
    return list(zip(*filled, strict=True))


def plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def positive_or_a(entries: dict[str, int | None]) -> dict[str, int | None]:
    return {k: v for k, v in entries.items() if k == "a" or (v or 0) > 0}


def subtracted(one: dict[str, int | None], other: dict[str, int | None]) -> dict[str, int]:
    return {k: (one.get(k) or 0) - (other.get(k) or 0) for k in {**one, **other}}


def joined(items: list[str | None]) -> str:
    return "".join("?" if one is None else one for one in items)


def folded(items: Items) -> int | None:
    total: int | None = 0
    for item in items:
        total = plus(total, item)
    return total


def downwards(items: Items) -> Items:
    return [*(one for one in items if one is None), *sorted((one for one in items if one is not None), reverse=True)]


def equal(one: Items, other: Items) -> bool | None:
    """Of one length, and each pair equal, as far as both are known."""
    if len(one) != len(other):
        return False
    return all_match([None if None in pair else pair[0] == pair[1] for pair in zip(one, other, strict=True)])


# A comparator that puts nulls first.
DOWNWARDS = "IF(x IS NULL, IF(y IS NULL, 0, -1), CASE WHEN y IS NULL OR x < y THEN 1 WHEN x = y THEN 0 ELSE -1 END)"
A = "array(integer)"
T = "array(varchar)"
M = "map(varchar, integer)"
RULES: list[tuple[str, list[str], Callable[..., Any]]] = [
    ("cardinality(a)", [A], len),
    ("a[b]", [A, "integer"], subscript),
    ("element_at(a, b)", [A, "integer"], element_at),
    ("contains(a, b)", [A, "integer"], lambda a, b: True if b in a else None if None in a else False),
    ("array_position(a, b)", [A, "integer"], lambda a, b: a.index(b) + 1 if b in a else 0),
    ("array_distinct(a)", [A], distinct),
    ("array_intersect(a, b)", [A, A], lambda a, b: [one for one in distinct(a) if one in b]),
    ("array_except(a, b)", [A, A], lambda a, b: [one for one in distinct(a) if one not in b]),
    ("array_union(a, b)", [A, A], lambda a, b: distinct(a + b)),
    ("array_remove(a, b)", [A, "integer"], lambda a, b: [one for one in a if one != b]),
    ("array_max(a)", [A], lambda a: None if None in a or not a else max(a)),
    ("array_min(a)", [A], lambda a: None if None in a or not a else min(a)),
    ("array_sort(a)", [A], lambda a: sorted(one for one in a if one is not None) + [None] * a.count(None)),
    ("array_join(a, '-')", [T], lambda a: "-".join(one for one in a if one is not None)),
    ("array_join(a, '-', '?')", [A], lambda a: "-".join("?" if one is None else str(one) for one in a)),
    ("arrays_overlap(a, b)", [A, A], overlap),
    ("slice(a, b, c)", [A, "integer", "integer"], part),
    ("reverse(a)", [A], lambda a: a[::-1]),
    ("a || b", [A, A], lambda a, b: a + b),
    ("concat(a, b)", [A, A], lambda a, b: a + b),
    ("transform(a, x -> x + 1)", [A], lambda a: [plus(one, 1) for one in a]),
    ("filter(a, x -> x > 0)", [A], lambda a: [one for one in a if one is not None and one > 0]),
    ("reduce(a, 0, (s, x) -> s + x, s -> s * 10)", [A], lambda a: None if None in a else folded(a) * 10),  # type: ignore[operator]
    ("reduce(a, '', (s, x) -> s || coalesce(x, '?'), s -> s)", [T], joined),
    ("any_match(a, x -> x > 0)", [A], lambda a: any_match([None if one is None else one > 0 for one in a])),
    ("all_match(a, x -> x > 0)", [A], lambda a: all_match([None if one is None else one > 0 for one in a])),
    ("none_match(a, x -> x > 0)", [A], lambda a: all_match([None if one is None else one <= 0 for one in a])),
    ("zip_with(a, b, (x, y) -> x + y)", [A, A], lambda a, b: [plus(*pair) for pair in pairwise(a, b)]),
    ("zip(a, b)", [A, A], lambda a, b: [{"field0": x, "field1": y} for x, y in pairwise(a, b)]),
    (f"array_sort(a, (x, y) -> {DOWNWARDS})", [A], downwards),
    ("a = b", [A, A], equal),
    ("cardinality(a)", [M], len),
    ("element_at(a, 'b')", [M], lambda a: a.get("b")),
    ("map_keys(a)", [M], list),
    ("map_values(a)", [M], lambda a: list(a.values())),
    ("map_filter(a, (k, v) -> v > 0 OR k = 'a')", [M], positive_or_a),
    ("transform_values(a, (k, v) -> coalesce(v, 9))", [M], lambda a: {k: 9 if v is None else v for k, v in a.items()}),
    ("transform_keys(a, (k, v) -> k || '!')", [M], lambda a: {f"{k}!": v for k, v in a.items()}),
    ("map_concat(a, b)", [M, M], lambda a, b: a | b),
    ("map_from_entries(map_entries(a))", [M], lambda a: a),
    ("map_zip_with(a, b, (k, x, y) -> coalesce(x, 0) - coalesce(y, 0))", [M, M], subtracted),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "kinds", "rule"), RULES, ids=[f"{rule[0]} {rule[1]}" for rule in RULES])
def test_a_function_of_arrays_and_maps_keeps_trinos_rule(
    expression: str, kinds: list[str], rule: Callable[..., Any]
) -> None:
    @few
    @given(st.lists(st.tuples(*(KINDS[kind] for kind in kinds)), min_size=1, max_size=10))
    def holds(given_rows: list[tuple[Any, ...]]) -> None:
        assert each(expression, kinds, given_rows) == [
            None if None in row else strict(rule)(*row) for row in given_rows
        ]

    holds()


@few
@given(st.lists(st.tuples(ITEMS, st.sampled_from([1, 2, -1, 0, -2]), ITEMS), min_size=1, max_size=10))
def test_a_sequence_holds_both_ends_and_steps_towards_its_last(given_rows: list[tuple[Any, ...]]) -> None:
    def sequence(first: int, step: int, last: int) -> list[int]:
        if step == 0 or (last - first) * step < 0:
            raise TrinoError
        return list(range(first, last + (1 if step > 0 else -1), step))

    kinds = ["integer", "integer", "integer"]
    expected = [None if None in row else strict(sequence)(*row) for row in given_rows]

    assert each("sequence(a, c, b)", kinds, given_rows) == expected
