"""Change records of files arrive at the time of their change."""

import json
from typing import Any

import pytest

from firehose.pipeline.change_records import change_time_ms
from tests.given import number_changes


def change(at: Any, **more: Any) -> bytes:
    return json.dumps({"dynamodb": {"ApproximateCreationDateTime": at, **more}}).encode()


MILLIS = 1_714_564_809_617


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(change(MILLIS), MILLIS, id="milliseconds"),
        pytest.param(change(MILLIS * 1000 + 185), MILLIS, id="microseconds by their digits"),
        pytest.param(
            change(10**12 + 1, ApproximateCreationDateTimePrecision="MICROSECOND"), 10**9, id="microseconds as said"
        ),
        pytest.param(change(99_999_999_999_999), None, id="14 digits are milliseconds, beyond 2199"),
        pytest.param(change(10**12, eventSource="\ud800"), 10**12, id="beside a lone surrogate"),
        pytest.param(change(100_000_000_000_000), 100_000_000_000, id="15 digits are microseconds"),
        pytest.param(change(10**12 - 1), None, id="too small"),
        pytest.param(change(10**30), None, id="beyond the year 9999"),
        pytest.param(change("x"), None, id="no number"),
        pytest.param(change(1.5), None, id="no whole number"),
        pytest.param(b"{}", None, id="no change"),
        pytest.param(b"\xff", None, id="no text"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b'{"dynamodb":' * 5000, None, id="nested too deep"),
    ],
)
def test_the_time_of_a_change_is_read_br_16(line: bytes, expected: int | None) -> None:
    assert change_time_ms(line) == expected


def test_a_line_without_a_time_of_change_arrives_with_the_line_before() -> None:
    made = number_changes([b"first", change(MILLIS), b"bad", change(MILLIS + 5), b"worse"])

    arrivals = [record["approximateArrivalTimestamp"] for record in made]
    assert arrivals == [MILLIS, MILLIS, MILLIS, MILLIS + 5, MILLIS + 5]
