"""A function that fails is tried again seconds later, by the stream's clock; on files nobody waits."""

import json
from itertools import pairwise
from typing import Any

from firehose.local.data_plane import DataPlane
from firehose.local.local_stream import LocalStream
from firehose.local.running_stream import MOST_WAITING
from firehose.testing import LocalFirehose
from tests.fakes import MemorySink
from tests.firehose_streams import answer, payload, records
from tests.stream_requests import calling, processed

REQUEST = processed(
    calling(BufferSizeInMBs="1", BufferIntervalInSeconds="0"),
    BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0},
    ErrorOutputPrefix="errors/!{firehose:error-output-type}/",
)


class Failing:
    """A function that fails for the record `bad`, and knows when it was invoked with it."""

    def __init__(self, firehose: LocalFirehose, times: int = 100) -> None:
        self.firehose = firehose
        self.left = times
        self.invoked: list[int] = []

    def __call__(self, event: Any, _: Any) -> Any:
        if b"bad" in map(payload, event["records"]):
            self.invoked.append(self.firehose.now_ms)
            self.left -= 1
            if self.left >= 0:
                raise ValueError
        return {"records": [answer(record, "Ok", payload(record)) for record in event["records"]]}


def test_attempts_are_seconds_apart_by_the_clock(firehose: LocalFirehose) -> None:
    handler = Failing(firehose)
    stream = firehose.create(REQUEST, handler=handler)

    stream.put("bad")
    firehose.advance(seconds=40)

    seconds = [(later - earlier) / 1000 for earlier, later in pairwise(handler.invoked)]
    assert [least <= found <= 2 * least + 1 for least, found in zip((2, 4, 8), seconds, strict=True)] == [True] * 3
    (error,) = stream.errors("errors/processing-failed/")
    assert (error["attemptsMade"], error["attemptEndingTimestamp"]) == (4, handler.invoked[-1])


def test_a_batch_that_waits_holds_no_other_up(firehose: LocalFirehose) -> None:
    stream = firehose.create(REQUEST, handler=Failing(firehose, times=1))

    stream.put("bad")
    stream.put("good")
    firehose.advance(seconds=1)
    landed = [body.body for body in stream.bucket.values()]
    firehose.advance(seconds=4)

    assert landed == [b"good"]
    assert sorted(body.body for body in stream.bucket.values()) == [b"bad", b"good"]
    assert stream.waiting == 0


def test_the_end_waits_for_nobody(firehose: LocalFirehose) -> None:
    handler = Failing(firehose)
    stream = firehose.create(REQUEST, handler=handler)

    stream.put("bad")
    stream.flush()

    assert len(handler.invoked) == 4
    assert [error["attemptsMade"] for error in stream.errors("errors/")] == [4]


def test_after_a_restart_a_batch_that_waited_is_read_again(firehose: LocalFirehose) -> None:
    stream = firehose.create(REQUEST, handler=Failing(firehose, times=1))

    stream.put("bad")
    stream.restart()
    firehose.advance(seconds=1)

    assert [body.body for body in stream.bucket.values()] == [b"bad"]


def test_no_more_batches_wait_than_firehose_has_invocations_under_way(firehose: LocalFirehose) -> None:
    handler = Failing(firehose)
    stream = firehose.create(REQUEST, handler=handler)

    for _ in range(MOST_WAITING + 1):
        stream.put("bad")
    firehose.advance(seconds=0)

    assert len(handler.invoked) == MOST_WAITING + 1 + 3  # the oldest has had its four attempts


def test_on_files_attempts_follow_at_once() -> None:
    invoked: list[int] = []

    def handler(event: Any, _: Any) -> Any:
        invoked.append(len(event["records"]))
        raise ValueError

    sink = MemorySink()
    report = DataPlane([LocalStream(REQUEST, function=handler)], sink).run(records(b"bad"))

    (error,) = [json.loads(body) for body in sink.values()]
    assert (report.failed, invoked) == (1, [1, 1, 1, 1])
    assert error["attemptEndingTimestamp"] == error["arrivalTimestamp"]
