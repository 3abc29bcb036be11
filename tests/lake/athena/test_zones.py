"""Times with a zone: compared by their instants, and read from clocks that are turned forward and back."""

from typing import Any

import pytest

from firehose.local.user_error import UserError
from tests.lake.athena.asking import rows, value

LONDON = "TIMESTAMP '2025-07-01 10:00:00 Europe/London'"
SAME = "TIMESTAMP '2025-07-01 09:00:00 UTC'"
EARLIER = "TIMESTAMP '2025-07-01 09:30:00 Europe/London'"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f"contains(ARRAY[{LONDON}], {SAME})", True),
        (f"contains(ARRAY[{LONDON}, NULL], {EARLIER})", None),
        (f"array_position(ARRAY[{EARLIER}, {LONDON}], {SAME})", 2),
        (f"cardinality(array_distinct(ARRAY[{LONDON}, {SAME}, NULL, NULL]))", 2),
        (f"cardinality(array_intersect(ARRAY[{LONDON}], ARRAY[{SAME}]))", 1),
        (f"cardinality(array_union(ARRAY[{LONDON}], ARRAY[{SAME}, {EARLIER}]))", 2),
        (f"array_except(ARRAY[{LONDON}], ARRAY[{SAME}])", []),
        (f"array_remove(ARRAY[{LONDON}], {SAME})", []),
        (f"arrays_overlap(ARRAY[{LONDON}], ARRAY[{SAME}])", True),
        (f"array_max(ARRAY[{SAME}, {EARLIER}]) = {LONDON}", True),
        (f"array_min(ARRAY[{SAME}, {EARLIER}]) = {EARLIER}", True),
        (f"array_sort(ARRAY[{SAME}, NULL, {EARLIER}])[1] = {EARLIER}", True),
        (f"ROW({LONDON}) = ROW({SAME})", True),
        ("typeof(array_distinct(ARRAY[NULL]))", "array(unknown)"),
    ],
)
def test_elements_of_an_array_are_the_same_time_in_any_zone(expression: str, expected: Any) -> None:
    assert value(expression) == expected


def test_aggregates_of_times_in_several_zones_count_an_instant_once() -> None:
    source = f"FROM (VALUES {LONDON}, {SAME}) AS t (x)"

    assert rows(f"SELECT count(DISTINCT x), approx_distinct(x, 0.1e0), cardinality(set_agg(x)) {source}") == [(1, 1, 1)]


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (f"SELECT MAP(ARRAY[{LONDON}], ARRAY[1])", "map"),
        (f"SELECT contains(ARRAY[ROW({LONDON})], ROW({SAME}))", "contains"),
        (f"SELECT transform_keys(MAP(ARRAY[1], ARRAY[2]), (k, v) -> {LONDON})", "transform_keys"),
        (f"SELECT histogram(x) FROM (VALUES {LONDON}) AS t (x)", "histogram"),
        (f"SELECT array_agg(DISTINCT x) FROM (VALUES {LONDON}) AS t (x)", "array_agg"),
        (f"SELECT ROW({LONDON}) IS DISTINCT FROM ROW({SAME})", "comparing values"),
        (f"SELECT count(*) FROM (VALUES ARRAY[{LONDON}]) AS t (x) GROUP BY x", "comparing values"),
        (f"SELECT DISTINCT x FROM (VALUES ARRAY[{LONDON}]) AS t (x)", "comparing values"),
        (f"SELECT ARRAY[{LONDON}] EXCEPT SELECT ARRAY[{SAME}]", "EXCEPT"),
    ],
)
def test_what_would_compare_the_zones_is_refused_by_its_name(sql: str, name: str) -> None:
    with pytest.raises(UserError, match=rf"not supported here: {name}.* times? .*cast"):
        rows(sql)


# In London clocks go from 01:00 to 02:00 on 30 March 2025 and back from 02:00 to 01:00 on 26 October; in New York from
# 02:00 to 03:00 on 9 March and back from 02:00 to 01:00 on 2 November.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # Joda moves a time that no clock shows forward; of two it takes the one of the offset at that time in UTC.
        ("with_timezone(TIMESTAMP '2025-03-30 01:30:00', 'Europe/London')", "2025-03-30 01:30:00 UTC"),
        ("with_timezone(TIMESTAMP '2025-03-09 02:30:00', 'America/New_York')", "2025-03-09 07:30:00 UTC"),
        ("with_timezone(TIMESTAMP '2025-10-26 01:30:00', 'Europe/London')", "2025-10-26 01:30:00 UTC"),
        ("with_timezone(TIMESTAMP '2025-11-02 01:30:00', 'America/New_York')", "2025-11-02 05:30:00 UTC"),
        ("with_timezone(TIMESTAMP '2025-11-02 04:00:00', 'America/New_York')", "2025-11-02 09:00:00 UTC"),
        # java.time takes the first of two.
        ("CAST('2025-03-30 01:30:00' || ' Europe/London' AS timestamp(0) with time zone)", "2025-03-30 01:30:00 UTC"),
        ("CAST('2025-10-26 01:30:00' || ' Europe/London' AS timestamp(0) with time zone)", "2025-10-26 00:30:00 UTC"),
        ("TIMESTAMP '2025-10-26 01:30:00 Europe/London'", "2025-10-26 00:30:00 UTC"),
        ("TIMESTAMP '2025-11-02 01:30:00 America/New_York'", "2025-11-02 05:30:00 UTC"),
        # What is computed from a time keeps its offset where it can.
        ("date_add('day', 1, TIMESTAMP '2025-03-29 01:30:00 Europe/London')", "2025-03-30 01:30:00 UTC"),
        ("date_add('day', 1, TIMESTAMP '2025-11-01 01:30:00 America/New_York')", "2025-11-02 05:30:00 UTC"),
        ("date_trunc('day', TIMESTAMP '2025-03-30 12:00:00 Europe/London')", "2025-03-30 00:00:00 UTC"),
        ("TIMESTAMP '2025-02-28 01:30:00 Europe/London' + INTERVAL '1' MONTH", "2025-03-28 01:30:00 UTC"),
    ],
)  # fmt: skip
def test_a_local_time_that_clocks_show_twice_or_never_is_the_instant_that_trino_takes(
    expression: str, expected: str
) -> None:
    assert value(f"CAST(({expression}) AT TIME ZONE 'UTC' AS varchar)") == expected


@pytest.mark.parametrize(("seconds", "expected"), [(1761438600, "00:00:00"), (1761442200, "01:00:00")])
def test_the_hour_that_clocks_show_twice_is_truncated_within_itself(seconds: int, expected: str) -> None:
    truncated = f"date_trunc('hour', from_unixtime({seconds}, 'Europe/London'))"

    assert value(f"CAST({truncated} AT TIME ZONE 'UTC' AS varchar)") == f"2025-10-26 {expected}.000 UTC"


def test_a_literal_of_a_time_that_no_clock_shows_is_refused() -> None:
    with pytest.raises(UserError, match=r"invalid TIMESTAMP: clocks in Europe/London are turned forward past 2025"):
        value("TIMESTAMP '2025-03-30 01:30:00 Europe/London'")
    with pytest.raises(UserError, match=r"time zone not supported: Europe/Lodnon; did you mean Europe/London"):
        value("TIMESTAMP '2025-03-30 01:30:00 Europe/Lodnon'")
