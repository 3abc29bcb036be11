"""When buffers become objects: at their size and interval, at the limit of partitions, for memory, at the end."""

import io
from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from firehose.local.config import s3_destination
from firehose.local.data_plane import DataPlane
from firehose.local.delivery import error_output
from firehose.local.event_record import EventRecord
from tests.data_planes import ERRORS, ids, run
from tests.fakes import MemorySink
from tests.firehose_streams import (
    destination,
    error_lines,
    local,
    order,
    records,
)


def test_on_files_there_is_an_object_a_partition_however_the_dates_are_mixed() -> None:
    limited = replace(local(), active_partitions=4)
    lines = [order(str(number), f"2025-01-{number % 11 + 1:02}") for number in range(60)]

    report, sink = run(*lines, streams=[limited])

    assert sorted(ids(sink), key=int) == [str(number) for number in range(60)]
    assert report.streams[0].objects == 11


def test_on_files_memory_limits_the_partitions() -> None:
    dates = [f"2025-{number % 12 + 1:02}-{number % 27 + 1:02}" for number in range(400)]  # 108 of them
    lines = [order(str(number), date, note="x" * 3000) for number, date in enumerate(dates)]
    small = replace(local(lambda_buffer_mib=0.2), active_partitions=4)

    report, sink = run(*lines, streams=[small], memory_bytes=20_000)

    assert sorted(ids(sink), key=int) == [str(number) for number in range(400)]
    assert report.streams[0].objects > 108


def test_with_a_clock_partitions_over_the_limit_go_to_the_error_output() -> None:
    limited = replace(local(), active_partitions=2)
    lines = [order(str(number), f"2025-01-0{number % 3 + 1}") for number in range(6)]

    _, sink = run(*lines, clock=lambda: 0, streams=[limited])

    assert sorted(ids(sink)) == ["0", "1", "3", "4"]
    errors = error_lines(sink.under(f"{ERRORS}activePartitionExceeded/").values())
    assert {error["errorCode"] for error in errors} == {"DynamicPartitioning.ActivePartitionsLimitExceeded"}
    assert len(errors) == 2


def test_a_partition_of_the_buffer_size_becomes_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_destination, "MIB", 16)  # so 2,048 bytes of rows, and one record to the function
    stream = local()
    conversion = destination(stream.request)["DataFormatConversionConfiguration"]
    conversion["OutputFormatConfiguration"]["Serializer"]["ParquetSerDe"]["PageSizeBytes"] = 65_536
    lines = [order(str(number), note="x" * 1000) for number in range(10)] + [order("alone", "2025-01-02")]

    _, sink = run(*lines, streams=[stream])

    files = [pq.ParquetFile(io.BytesIO(body)) for body in sink.values()]
    assert sorted(file.metadata.num_rows for file in files) == [1, 2, 2, 2, 2, 2]
    assert sorted(ids(sink)) == sorted([*map(str, range(10)), "alone"])


def test_errors_of_the_object_size_become_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_output, "ERROR_OBJECT_BYTES", 1000)
    lines = [b"x" * 1000] * 3 + [b"x"]

    report, sink = run(*lines)

    assert [len(error_lines([body])) for body in sink.values()] == [1, 1, 1, 1]
    assert (report.failed, report.streams[0].error_objects) == (4, 4)


def test_the_memory_of_all_buffers_is_bounded() -> None:
    lines = [order(str(number), f"2025-01-0{number % 3 + 1}", note="x" * 100_000) for number in range(60)]
    waiting: list[int] = []
    sink = MemorySink()
    plane = DataPlane([local()], sink, memory_bytes=2_000_000)

    report = plane.run(
        records(*lines),
        progress=lambda report: waiting.append(
            report.read * 100_000
            - 100_000 * sum(pq.ParquetFile(io.BytesIO(body)).metadata.num_rows for body in sink.values())
        ),
    )

    assert report.adds_up
    assert max(waiting) < 2_000_000 + 2 * 1024 * 1024
    assert sorted(ids(sink), key=int) == [str(number) for number in range(60)]


class Clock:
    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def test_with_a_clock_the_intervals_run() -> None:
    clock, sink = Clock(), MemorySink()
    seen: list[int] = []

    def source() -> Iterator[EventRecord | None]:
        yield records(order("1"))[0]
        for seconds in (59, 60, 119, 120):
            clock.now_ms = seconds * 1000
            yield None
            seen.append(len(sink))

    report = DataPlane([local(lambda_buffer_seconds=60, buffer_seconds=60)], sink, clock=clock).run(source())

    assert seen == [0, 0, 0, 1]  # 60 s to the function, and 60 s more to the lake
    assert report.adds_up


def test_stopping_delivers_what_was_accepted() -> None:
    sink = MemorySink()
    read: list[int] = []

    def source() -> Iterator[EventRecord]:
        for record in records(*[order(str(number)) for number in range(100)]):
            read.append(1)
            yield record

    report = DataPlane([local()], sink).run(source(), stop=lambda: len(read) == 7)

    assert (report.read, report.stopped, report.adds_up) == (7, True, True)
    assert len(ids(sink)) == 7


def test_an_interrupt_while_the_source_is_read_delivers_what_was_accepted() -> None:
    def source() -> Iterator[EventRecord]:
        yield from records(order("1"), order("2"))
        raise KeyboardInterrupt

    sink = MemorySink()

    report = DataPlane([local()], sink).run(source())

    assert (report.read, report.stopped, report.adds_up) == (2, True, True)
    assert ids(sink) == ["1", "2"]
