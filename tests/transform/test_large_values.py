"""A value as large as an item may be costs its own record alone: no cache keeps it, no pattern takes long over it."""

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from tests.given import Function, change, change_of, event, image, m, results, s
from transform.numbers import decimal
from transform.times import LONGEST_TIME

pytestmark = pytest.mark.slow

LARGE = 100_000


def large(filler: str, number: int) -> str:
    """A text of its own for each number."""
    return f"{number:06}" + filler * LARGE


# Where a time, a date or an integer belongs; integers may have any number of leading zeros, and are valid then.
FIELDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "time": lambda number: change("demand", requestedDateTime=s(large("2025-01-01T10:00:00Z", number)[:LARGE])),
    "nested time": lambda number: change("demand", date=m(requested=s(large("x", number)))),
    "date": lambda number: change("sale", saleStartDate=s(large("1", number))),
    "wrong integer": lambda number: change("event", images={"L": [m(width={"N": large("x", number)})]}),
    "integer": lambda number: change("event", images={"L": [m(width={"N": "0" * LARGE + str(number)})]}),
    "enum": lambda number: change("demand", contactMethod=s(large("x", number))),
    "type": lambda number: change_of(image(large("x", number))),
    "key": lambda number: (
        change("sale") | {"dynamodb": change("sale")["dynamodb"] | {"Keys": {"k": s(large("k", number))}}}
    ),
    "eventID": lambda number: change("sale") | {"eventID": large("i", number)},
    "map key": lambda number: change(
        "event", attractions={"L": [m(externalLinks={"M": {large("k", number): {"L": []}}})]}
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _what_others_left() -> None:
    """Leave alone what a worker holds of other files: searching it for garbage took most of these seconds."""
    gc.collect()
    gc.freeze()


@pytest.mark.parametrize("mode", ["parquet", "avro"])
@pytest.mark.parametrize("field", FIELDS)
def test_memory_stays_flat_over_large_values_where_a_short_one_belongs(field: str, mode: str) -> None:
    function = Function(format=mode)

    def retained(numbers: range) -> int:
        for number in numbers:
            function.handler(event(FIELDS[field](number)), None)
            function.bucket.objects.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = retained(range(3))
        after = retained(range(3, 13))
    finally:
        tracemalloc.stop()

    assert after - before < LARGE  # of 1,000,000 characters


def test_the_longest_time_is_read() -> None:
    longest = "2025-01-01T10:00:00.123456789+05:30"

    row = Function().row(change("sale", saleEndDateTime=s(longest)))

    assert len(longest) == LONGEST_TIME
    assert row["saleenddatetime"] == "2025-01-01 04:30:00.123"
    assert Function().failure(change("sale", saleEndDateTime=s(f"{longest}0")))["error"]["path"] == "saleEndDateTime"


@pytest.mark.parametrize(
    "text",
    [
        *("0" * 380_000 + "x", "1e" + "0" * 380_000 + "x", "1." + "0" * 380_000 + "x", "-" * 380_000),
        *("a-" * 190_000, "1" * 380_000, "2025-01-01T10:00:00" + "." * 380_000),
    ],
    ids=lambda text: f"{text[:3]}...{text[-1]}",
)
def test_no_pattern_takes_more_than_one_pass_over_a_large_value(text: str) -> None:
    """Or this would take hours."""
    function = Function()

    answered = function(
        change("event", images={"L": [m(width={"N": text})]}),
        change("sale", saleStartDate=s(text)),
        change("sale", saleEndDateTime=s(text)),
        change("demand", systemUserId=s(text)),
    )

    assert results(answered) == [*["ProcessingFailed"] * 3, "Ok"]


def test_no_decimal_takes_more_than_one_pass_over_a_large_value() -> None:
    for text in ("0" * 380_000 + "x", "1e" + "0" * 380_000 + "x", "1." + "0" * 380_000 + "x", "1" * 380_000):
        assert decimal(text, 10, 2) is None
