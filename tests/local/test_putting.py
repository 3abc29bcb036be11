"""The objects of a flush: all of them put, told in order, several at a time where the sink says so."""

import threading
from typing import Any

import pytest

from firehose.local.delivery import putting
from firehose.local.delivery.putting import Put, put_each


class Waiting:
    """A sink whose puts end only when as many are under way as it takes at a time."""

    concurrent_puts = 4

    def __init__(self) -> None:
        self.together = threading.Barrier(self.concurrent_puts, timeout=10)
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, body: bytes, content_type: str = "", content_encoding: str = "") -> None:
        self.together.wait()
        self.objects[key] = body


class Refusing:
    """A sink that refuses a key."""

    def __init__(self, at_once: int) -> None:
        self.concurrent_puts = at_once

    def put(self, key: str, body: bytes, content_type: str = "", content_encoding: str = "") -> None:
        if key == "2":
            raise OSError(key)


def puts(count: int) -> list[Put[int]]:
    return [Put(str(number), b"x", "", number) for number in range(count)]


def test_as_many_puts_are_under_way_as_the_sink_takes_and_are_told_in_order() -> None:
    sink = Waiting()

    assert [(put.of, refusal) for put, refusal in put_each(sink, puts(40))] == [(number, None) for number in range(40)]
    assert len(sink.objects) == 40


@pytest.mark.parametrize("at_once", [1, 4])
def test_an_object_that_is_refused_is_told_with_why_and_the_others_are_put(at_once: int) -> None:
    told = list(put_each(Refusing(at_once), puts(9)))

    assert [put.of for put, _ in told] == list(range(9))
    assert [put.of for put, refusal in told if isinstance(refusal, OSError)] == [2]
    assert all(refusal is None for put, refusal in told if put.of != 2)


def test_no_more_bodies_wait_than_memory_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(putting, "IN_FLIGHT_BYTES", 3)
    made = 0

    def counted() -> Any:
        nonlocal made
        for put in puts(20):
            made += 1
            yield put

    for done, _ in enumerate(put_each(Refusing(8), (put._replace(key="") for put in counted())), 1):
        assert made - done <= 3
