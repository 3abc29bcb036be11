"""Numbers, by Trino's rules written down in Python: integers overflow and cut, decimals keep their scale."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lake.athena.asking import each, value

pytestmark = pytest.mark.slow

INTEGERS = st.none() | st.integers(-10, 10) | st.sampled_from([2**31 - 1, -(2**31)])
BIGINTS = st.none() | st.integers(-(10**6), 10**6) | st.sampled_from([2**63 - 1, -(2**63) + 1])
DOUBLES = st.none() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
few = settings(max_examples=12, deadline=None)


def pairs(one: st.SearchStrategy[object]) -> st.SearchStrategy[list[tuple[object, object]]]:
    return st.lists(st.tuples(one, one), min_size=1, max_size=12)


def integer(operator: str, a: int | None, b: int | None, bits: int) -> int | None:
    """Trino: null if one is null; division and remainder cut towards zero; what does not fit is an error."""
    if a is None or b is None or (operator in "/%" and b == 0):
        return None
    quotient = 0 if b == 0 else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    found = {"+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - b * quotient}[operator]
    return found if -(2 ** (bits - 1)) <= found < 2 ** (bits - 1) else None


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "%"])
@pytest.mark.parametrize(("kind", "bits", "numbers"), [("integer", 32, INTEGERS), ("bigint", 64, BIGINTS)])
def test_integers_cut_and_overflow(operator: str, kind: str, bits: int, numbers: st.SearchStrategy[int | None]) -> None:
    @few
    @given(pairs(numbers))
    def holds(given_rows: list[tuple[int | None, int | None]]) -> None:
        expected = [integer(operator, a, b, bits) for a, b in given_rows]

        assert each(f"a {operator} b", [kind, kind], given_rows) == expected

    holds()


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal | None]:
    largest = 10**precision - 1
    return st.none() | st.integers(-largest, largest).map(lambda digits: Decimal(digits).scaleb(-scale))


@few
@given(st.lists(st.tuples(decimals(6, 2), decimals(5, 3)), min_size=1, max_size=12))
def test_a_quotient_of_decimals_has_the_larger_scale_and_its_half_is_rounded_up(
    given_rows: list[tuple[Decimal | None, Decimal | None]],
) -> None:
    def quotient(a: Decimal | None, b: Decimal | None) -> Decimal | None:
        return None if a is None or not b else (a / b).quantize(Decimal("0.001"), ROUND_HALF_UP)

    found = each("a / b", ["decimal(6,2)", "decimal(5,3)"], given_rows)

    assert found == [quotient(a, b) for a, b in given_rows]


@few
@given(st.lists(st.tuples(decimals(6, 2), decimals(5, 3)), min_size=1, max_size=12))
def test_decimals_are_added_and_multiplied_exactly(given_rows: list[tuple[Decimal | None, Decimal | None]]) -> None:
    kinds = ["decimal(6,2)", "decimal(5,3)"]

    assert each("a + b", kinds, given_rows) == [None if None in row else row[0] + row[1] for row in given_rows]  # type: ignore[operator]
    assert each("a * b", kinds, given_rows) == [None if None in row else row[0] * row[1] for row in given_rows]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("DECIMAL '1.25' / DECIMAL '3.0'", "decimal(4,2)"),
        ("DECIMAL '1.25' * DECIMAL '3.0'", "decimal(5,3)"),
        ("DECIMAL '1.25' + 2", "decimal(13,2)"),
        ("BIGINT '2' * DECIMAL '100.0' / BIGINT '3'", "decimal(23,1)"),
        ("DECIMAL '1.25' % 2", "decimal(3,2)"),
        ("1 + BIGINT '1'", "bigint"),
        ("1 + 1e0", "double"),
        ("REAL '1' + DECIMAL '1.5'", "real"),
    ],
)
def test_the_type_of_a_result_follows_from_both_sides(expression: str, kind: str) -> None:
    assert value(f"typeof({expression})") == kind


def as_varchar(number: float | None) -> str | None:
    """Trino: one digit before the point, the shortest digits that tell the number apart, an exponent always."""
    if number is None:
        return None
    if number == 0:
        return "-0E0" if str(number)[0] == "-" else "0E0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    assert isinstance(exponent, int)
    return f"{'-' * sign}{mantissa[0]}.{mantissa[1:] or '0'}E{exponent + len(mantissa) - 1}"


@few
@given(st.lists(st.tuples(DOUBLES), min_size=1, max_size=12))
def test_a_double_is_printed_with_an_exponent(given_rows: list[tuple[float | None]]) -> None:
    assert each("CAST(a AS varchar)", ["double"], given_rows) == [as_varchar(a) for (a,) in given_rows]


@few
@given(st.lists(st.tuples(st.none() | st.integers(-50, 50).map(lambda half: half / 2)), min_size=1, max_size=12))
def test_a_double_is_rounded_away_from_zero_to_an_integer(given_rows: list[tuple[float | None]]) -> None:
    expected = [None if a is None else int(Decimal(a).quantize(Decimal(1), ROUND_HALF_UP)) for (a,) in given_rows]

    assert each("CAST(a AS bigint)", ["double"], given_rows) == expected
    assert each("round(a)", ["double"], given_rows) == expected


@few
@given(pairs(INTEGERS))
def test_greatest_and_least_are_null_where_one_is_null(given_rows: list[tuple[int | None, int | None]]) -> None:
    kinds = ["integer", "integer"]

    assert each("greatest(a, b)", kinds, given_rows) == [None if None in row else max(row) for row in given_rows]  # type: ignore[type-var]
    assert each("least(a, b)", kinds, given_rows) == [None if None in row else min(row) for row in given_rows]  # type: ignore[type-var]
    assert each("nullif(a, b)", kinds, given_rows) == [None if a == b else a for a, b in given_rows]
    assert each("coalesce(a, b)", kinds, given_rows) == [b if a is None else a for a, b in given_rows]


@few
@given(st.lists(st.tuples(st.none() | st.text("0123456789+-. e", max_size=4)), min_size=1, max_size=12))
def test_only_digits_are_cast_to_an_integer(given_rows: list[tuple[str | None]]) -> None:
    def integer_of(text: str | None) -> int | None:
        digits = (text or "").removeprefix("-").removeprefix("+") if (text or "")[:2] not in ("+-", "-+") else ""
        return int(text or "") if digits.isdigit() else None

    assert each("CAST(a AS bigint)", ["varchar"], given_rows) == [integer_of(a) for (a,) in given_rows]


@few
@given(
    st.lists(st.tuples(st.integers(-20, 120), st.sampled_from([0, 100]), st.integers(1, 7)), min_size=1, max_size=12)
)
def test_buckets_have_one_width_and_are_counted_from_the_first_bound(
    given_rows: list[tuple[int, int, int]],
) -> None:
    def bucket(x: int, first: int, size: int) -> int:
        """Counted from the lower bound, which is in the first bucket; turned round if the bounds fall."""
        upwards = 0 if x < 0 else size + 1 if x >= 100 else x * size // 100 + 1
        return upwards if first == 0 else size - upwards + 1

    found = each("width_bucket(a, b, 100 - b, c)", ["integer", "integer", "integer"], given_rows)

    assert found == [bucket(*row) for row in given_rows]
