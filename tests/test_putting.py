"""The objects of a flush: all of them put, told in order, several at a time where the sink says so."""

import threading
from typing import Any

import pytest

from firehose import putting
from firehose.putting import Put, put_each


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

    assert [put.of for put in put_each(sink, puts(40))] == list(range(40))
    assert len(sink.objects) == 40


@pytest.mark.parametrize("at_once", [1, 4])
def test_nothing_behind_a_put_that_failed_is_told_as_done(at_once: int) -> None:
    told: list[Any] = []

    with pytest.raises(OSError, match="2"):
        told.extend(put.of for put in put_each(Refusing(at_once), puts(9)))

    assert told == [0, 1]


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
