"""A run that breaks off in the middle: what it says of each record is still true."""

from collections.abc import Iterator
from typing import Any

import pytest

from firehose.cli.stream_summary import summarise_stream
from firehose.local.data_plane import DataPlane
from firehose.local.event_record import EventRecord
from firehose.local.local_stream import LocalStream
from firehose.local.sources.files import SourceError
from tests.fakes import MemorySink, failing, refusing
from tests.firehose_streams import avro_request, destination, function, local, order, records


def a_record_a_batch() -> LocalStream:
    """A stream that is full of one record: the first is put when the second comes."""
    plain = avro_request()
    destination(plain)["BufferingHints"] = {"SizeInMBs": 1, "IntervalInSeconds": 60}
    return LocalStream(plain, None, function())


BIG = "x" * 1_100_000


def test_when_an_object_is_refused_in_the_middle_every_record_read_is_still_in_the_source() -> None:
    plane = DataPlane([a_record_a_batch()], MemorySink(refusing("")))
    settled: list[int] = []

    with pytest.raises(OSError, match="refused"):
        plane.run(records(*(order(str(number), more=BIG) for number in range(4))), settled=settled.append)

    summary = summarise_stream(plane.report, "bucket")
    assert summary.read > 1
    assert (summary.in_source, summary.adds_up) == (summary.read, True)
    assert settled == [0]


def test_what_was_delivered_before_an_object_is_refused_is_counted_and_is_settled() -> None:
    sink = MemorySink(failing(error=OSError("full"), when=lambda _: bool(sink)))
    plane = DataPlane([a_record_a_batch()], sink)
    settled: list[int] = []

    with pytest.raises(OSError, match="full"):
        plane.run(records(*(order(str(number), more=BIG) for number in range(4))), settled=settled.append)

    summary = summarise_stream(plane.report, "bucket")
    assert (summary.delivered, summary.in_source, summary.adds_up) == (1, summary.read - 1, True)
    assert settled == [1]


def test_what_was_read_before_a_source_breaks_is_still_in_it() -> None:
    def broken() -> Iterator[EventRecord]:
        yield from records(order("1"), order("2"))
        raise SourceError("cut short")

    plane = DataPlane([local()], MemorySink())

    with pytest.raises(SourceError):
        plane.run(broken())

    assert summarise_stream(plane.report, "bucket").in_source == 2


def test_ctrl_c_ends_a_read_and_no_invocation() -> None:
    reading: list[bool] = []

    def handler(event: Any, context: Any) -> Any:
        reading.append(plane.reading)
        return function()(event, context)

    def source() -> Iterator[EventRecord]:
        for record in records(order("1"), order("2")):
            reading.append(plane.reading)
            yield record

    plane = DataPlane([local(handler)], MemorySink())
    plane.run(source())

    assert reading == [True, True, False]
