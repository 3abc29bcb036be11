"""Delivery streams without record format conversion: an object is what the function answered."""

import json
from typing import Any

import pytest

from firehose.local.config import s3_destination
from firehose.local.local_stream import LocalStream
from tests.data_planes import ERRORS, arriving_line, run
from tests.firehose_streams import (
    avro_request,
    destination,
    error_lines,
    function,
    order,
    request,
)


def as_answered(handler: Any = None, **settings: Any) -> LocalStream:
    """A stream without format conversion."""
    plain = avro_request()
    destination(plain).update(settings)
    return LocalStream(plain, None, handler or function())


def test_without_format_conversion_an_object_is_what_the_function_answered_and_nothing_between() -> None:
    _, sink = run(
        arriving_line("1", 1_714_564_809_999),
        raw("no JSON"),
        raw(""),
        raw("\n"),
        b"bad",
        streams=[as_answered(Prefix="raw/")],
    )

    (key,) = sink.under("raw/")
    assert sink[key] == b'{"id": "1"}\nno JSON\n'
    assert key.startswith("raw/2024/05/01/12/orders-1-2024-05-01-12-00-09-")
    assert "." not in key.rpartition("/")[2]
    assert sink.content_encodings[key] == ""
    assert len(error_lines(sink.under(ERRORS).values())) == 1


def raw(data: str) -> bytes:
    """A line for `obedient`, which answers Ok and this data; it arrives when the line before it did."""
    return json.dumps({"raw": data, "date": ""}).encode()


def test_without_format_conversion_an_extension_is_the_one_asked_for() -> None:
    _, sink = run(order("1"), streams=[as_answered(FileExtension=".jsonl")])

    (key,) = sink
    assert key.endswith(".jsonl")


def test_without_format_conversion_a_full_buffer_is_an_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_destination, "MIB", 16)
    # 32 bytes of answers, and one record to the function
    stream = as_answered(BufferingHints={"SizeInMBs": 2, "IntervalInSeconds": 300})

    report, sink = run(*(order(str(number)) for number in range(6)), streams=[stream])

    assert sorted(body.count(b"\n") for body in sink.values()) == [3, 3]
    assert report.streams[0].bytes_out == sum(map(len, sink.values()))


def test_without_format_conversion_rows_may_be_partitioned() -> None:
    plain = request()
    del destination(plain)["DataFormatConversionConfiguration"]

    _, sink = run(order("1"), order("2", "2025-01-02"), order("3"), streams=[LocalStream(plain, None, function())])

    bodies = {key.split("/")[3]: body for key, body in sink.items()}
    assert bodies == {
        "partition_date=2025-01-01": b'{"id": "1"}\n{"id": "3"}\n',
        "partition_date=2025-01-02": b'{"id": "2"}\n',
    }
