"""Records of a file move the clock, which goes on from second to second only while something waits."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from firehose.local.event_record import EventRecord
from firehose.local.sources.arrival_clock import QUIET_MS, STEP_MS, ArrivalClock
from tests.processors import direct_put_record

START_MS = 1_700_000_000_000


def arriving(*offsets_ms: int) -> Iterator[EventRecord]:
    return (direct_put_record(b"", number=1, arrival_ms=START_MS + offset_ms) for offset_ms in offsets_ms)


def test_between_two_records_each_second_is_looked_at() -> None:
    clock = ArrivalClock()

    seen = [(clock() - START_MS, given is None) for given in clock.paced(arriving(0, 2_500), idle=lambda: False)]

    assert seen[:5] == [(0, False), (1_000, True), (2_000, True), (2_500, False), (3_500, True)]


def test_time_jumps_to_the_next_arrival_where_nothing_waits() -> None:
    clock = ArrivalClock()

    seen = [clock() - START_MS for _ in clock.paced(arriving(0, 86_400_000), idle=lambda: True)]

    assert seen == [0, 86_400_000]


def test_what_can_never_be_delivered_is_not_waited_for_without_end() -> None:
    clock = ArrivalClock()

    looks = sum(given is None for given in clock.paced(arriving(0), idle=lambda: False))

    assert looks == QUIET_MS // STEP_MS


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=20))
def test_the_clock_never_goes_back_and_no_record_comes_before_its_arrival(offsets_ms: list[int]) -> None:
    clock = ArrivalClock()

    seen = [(given, clock()) for given in clock.paced(arriving(*offsets_ms), idle=lambda: False)]

    times = [at for _, at in seen]
    assert times == sorted(times)
    records = [(given, at) for given, at in seen if given is not None]
    assert len(records) == len(offsets_ms)
    assert all(given["approximateArrivalTimestamp"] <= at for given, at in records)
