"""A sink that refuses: nothing is lost, nothing is doubled, and it is tried again as it was."""

import io
import json
from base64 import b64decode
from itertools import pairwise
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firehose.local.ledger import DELIVERED, FAILED
from tests.fakes import MemorySink, accepting, failing, refusing
from tests.firehose_deliveries import BY_TYPE, Rig, conversion, record, stream


def refused_rig(*refused: str, prefix: str = BY_TYPE, **more: Any) -> tuple[Rig, MemorySink]:
    sink = MemorySink(refusing(*refused))
    return Rig(stream(prefix), sink, **more), sink


def test_a_refused_object_is_tried_again_as_it_was_and_its_records_wait_unsettled() -> None:
    rig, sink = refused_rig("")
    rig.give(b"one", type="a")
    rig.after(60)
    rig.give(b"two", type="a")
    assert (rig.settled, rig.delivery.refused_bytes) == ({}, 3)
    assert str(rig.delivery.put_error) == "refused"

    sink.before = accepting
    rig.after(1)

    assert sink.tried[0] == sink.tried[1]
    assert list(sink.values()) == [b"one"]
    assert rig.settled == {0: DELIVERED}
    assert rig.delivery.refused_bytes == 0
    assert rig.delivery.put_error is None
    assert rig.delivery.report.delivered == 1


def test_tries_are_a_second_apart_then_twice_that_up_to_a_minute() -> None:
    rig, sink = refused_rig("")
    rig.give(b"one", type="a")
    rig.after(60)
    seconds, tried_at = 0, [0]
    while len(tried_at) < 10:
        before = len(sink.tried)
        rig.after(0.5)
        seconds += 1
        if len(sink.tried) > before:
            tried_at.append(seconds)

    assert [(after - at) / 2 for at, after in pairwise(tried_at)] == [*(1, 2, 4, 8, 16, 32, 60, 60, 60)]


def test_others_are_delivered_while_one_partition_is_refused() -> None:
    rig, sink = refused_rig("data/a/")

    rig.give(b"one", type="a")
    rig.give(b"two", type="b")
    rig.after(60)

    assert list(sink.values()) == [b"two"]
    assert rig.settled == {1: DELIVERED}


def test_a_partition_that_cannot_be_delivered_stays_active() -> None:
    rig, sink = refused_rig("data/a/", active_partitions=2)
    rig.give(b"one", type="a")
    rig.after(60)

    rig.give(b"two", type="a")
    rig.give(b"three", type="b")
    rig.give(b"four", type="c")

    assert rig.metric("PartitionCountExceeded") == 1
    sink.before = accepting
    rig.after(60)
    rig.give(b"five", type="c")
    rig.give(b"six", type="d")
    rig.after(60)
    assert rig.metric("PartitionCountExceeded") == 1
    assert rig.settled == {0: DELIVERED, 1: DELIVERED, 2: DELIVERED, 3: FAILED, 4: DELIVERED, 5: DELIVERED}


def test_a_partition_stays_active_until_the_last_of_its_refused_objects_is_there() -> None:
    rig, sink = refused_rig("data/a/", active_partitions=1)
    rig.give(b"one", type="a")
    rig.after(60)
    (first,) = set(sink.tried)
    rig.give(b"two", type="a")
    sink.before = refusing(first)
    rig.after(60)
    assert list(sink.values()) == [b"two"]

    rig.give(b"three", type="b")

    assert rig.metric("PartitionCountExceeded") == 1


def test_a_partition_of_two_refused_objects_is_active_until_both_are_there() -> None:
    rig, sink = refused_rig("data/a/", active_partitions=1)
    rig.give(b"one", type="a")
    rig.after(60)
    (first,) = set(sink.tried)
    rig.give(b"two", type="a")
    rig.after(60)
    assert rig.delivery.refused_bytes == 6
    sink.before = refusing(first)
    rig.after(60)
    assert list(sink.values()) == [b"two"]

    rig.give(b"three", type="b")

    assert rig.metric("PartitionCountExceeded") == 1


def test_an_error_object_that_is_refused_waits_and_nothing_else_does() -> None:
    rig, sink = refused_rig("errors/processing-failed/")
    rig.accept([record(b"bad", 9)], failed=[0], first=9)
    rig.give(b"one", type="a")
    rig.after(60)
    rig.give(b"two", type="a")
    rig.after(60)
    assert rig.settled == {0: DELIVERED, 1: DELIVERED}

    sink.before = accepting
    rig.after(60)

    assert rig.settled == {0: DELIVERED, 1: DELIVERED, 9: FAILED}
    assert rig.delivery.report.error_objects == 1


def test_a_conversion_error_object_that_is_refused_blocks_what_comes_after_it() -> None:
    sink = MemorySink(refusing("errors/"))
    rig = Rig(stream(conversion=conversion()), sink)
    rig.give(b"bad")
    rig.after(60)
    rig.give(b'{"id":"1"}')
    rig.after(60)
    rig.after(60)
    assert (dict(sink), rig.settled) == ({}, {})
    assert {key.split("/")[0] for key in sink.tried} == {"errors"}

    sink.before = accepting
    rig.after(60)

    assert rig.settled == {0: FAILED, 1: DELIVERED}
    assert len(sink) == 2


def test_refusals_are_metrics_and_the_freshness_grows() -> None:
    rig, sink = refused_rig("")
    rig.give(b"one", type="a")
    rig.after(60)
    rig.after(1)
    sink.before = accepting
    rig.after(2)

    totals = rig.delivery.report.metrics.totals()
    success, freshness = totals["DeliveryToS3.Success"], totals["DeliveryToS3.DataFreshness"]
    assert (success.samples, success.sum) == (3, 1)
    assert (freshness.minimum, freshness.maximum) == (61, 64)
    assert rig.metric("DeliveryToS3.Records") == 1


def test_the_end_tries_once_more_and_raises_if_something_is_left() -> None:
    rig, sink = refused_rig("data/a/")
    rig.give(b"one", type="a")
    rig.give(b"two", type="b")

    with pytest.raises(OSError, match="refused"):
        rig.delivery.flush_all()
    assert rig.settled == {1: DELIVERED}
    sink.before = accepting
    rig.delivery.flush_all()

    assert rig.settled == {0: DELIVERED, 1: DELIVERED}
    assert rig.delivery.report.delivered == 2


def test_without_a_clock_a_refusal_is_raised() -> None:
    rig, sink = refused_rig("data/", live=False)
    rig.give(b"one", type="a")

    with pytest.raises(OSError, match="refused"):
        rig.delivery.flush_all()

    assert len(sink.tried) == 1


STEPS = st.lists(st.sampled_from("abcdX!?"), max_size=30)


@settings(deadline=None)
@given(STEPS, st.lists(st.booleans(), max_size=60))
def test_whatever_is_refused_when_no_record_is_lost_or_doubled(steps: list[str], answers: list[bool]) -> None:
    refuses = iter(answers)
    sink = MemorySink()

    def put_once(key: str) -> None:
        assert key not in sink

    sink.before = failing(when=lambda _: next(refuses, False), then=put_once)
    rig = Rig(stream(BY_TYPE, conversion=conversion()), sink, active_partitions=3)
    given_: list[str] = []
    for number, step in enumerate(steps):
        if step == "!":
            rig.after(60)
        elif step == "?":
            rig.after(1)
        else:
            given_.append(str(number))
            rig.give(json.dumps({"id": str(number), "qty": step}).encode() if step == "X" else _row(number), type=step)
    sink.before = put_once
    rig.delivery.flush_all()

    assert rig.settled.keys() == set(range(len(given_)))
    assert sorted([*_delivered(sink), *_failed(sink)], key=int) == given_
    assert rig.delivery.refused_bytes == rig.delivery.size_bytes == 0


def _row(number: int) -> bytes:
    return json.dumps({"id": str(number), "qty": number}).encode()


def _delivered(sink: MemorySink) -> list[str]:
    bodies = sink.under("data/").values()
    return [each for body in bodies for each in pq.read_table(io.BytesIO(body)).column("id").to_pylist()]


def _failed(sink: MemorySink) -> list[str]:
    errors = sink.documents("errors/")
    return [json.loads(b64decode(error["rawData"]))["id"] for error in errors]
