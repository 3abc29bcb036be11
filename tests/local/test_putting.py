"""The objects of a flush: all of them put, yielded in order, several at a time where the sink says so."""

import threading
from collections.abc import Iterator

import pytest

from firehose.local.delivery.putting import ObjectManifest, ObjectPut, put_each
from firehose.local.ledger import DELIVERED
from tests.fakes import MemorySink, refusing


def puts(count: int) -> list[ObjectPut]:
    return [ObjectPut(str(number), b"x", "", ObjectManifest([number], DELIVERED, 0, 1)) for number in range(count)]


def test_as_many_puts_are_under_way_as_the_sink_takes_and_are_yielded_in_order() -> None:
    together = threading.Barrier(4, timeout=60)  # no put ends before four are under way
    sink = MemorySink(lambda _: together.wait(), concurrent_puts=4)

    ended = list(put_each(sink, puts(40)))

    assert [(put.key, error) for put, error in ended] == [(str(number), None) for number in range(40)]
    assert len(sink) == 40


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_object_that_is_refused_is_yielded_with_the_error_and_the_others_are_put(at_once: int) -> None:
    sink = MemorySink(refusing("2"), concurrent_puts=at_once)

    ended = list(put_each(sink, puts(9)))

    assert [put.key for put, _ in ended] == list("012345678")
    assert [put.key for put, error in ended if isinstance(error, OSError)] == ["2"]
    assert all(error is None for put, error in ended if put.key != "2")


def test_no_more_bodies_wait_than_memory_is_for() -> None:
    made = 0

    def counted() -> Iterator[ObjectPut]:
        nonlocal made
        for put in puts(20):
            made += 1
            yield put

    for done, _ in enumerate(put_each(MemorySink(concurrent_puts=8), counted(), in_flight_bytes=3), 1):
        assert made - done <= 3
