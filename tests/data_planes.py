"""A data plane run over lines, and what landed."""

import io
import json
from typing import Any

import pyarrow.parquet as pq

from firehose.local.data_plane import DataPlane
from firehose.local.local_stream import LocalStream
from firehose.local.report import RunReport
from tests.fakes import MemorySink
from tests.firehose_streams import (
    local,
    records,
)

DATA = "data-pipeline/parquet/"
ERRORS = "data-pipeline/errors/firehose/"


def run(*lines: bytes, streams: list[LocalStream] | None = None, **settings: Any) -> tuple[RunReport, MemorySink]:
    sink = MemorySink()
    report = DataPlane(streams or [local()], sink, **settings).run(records(*lines))
    assert report.adds_up, report
    return report, sink


def rows(sink: MemorySink, prefix: str = DATA) -> list[dict[str, Any]]:
    tables = [pq.ParquetFile(io.BytesIO(body)).read() for _, body in sorted(sink.under(prefix).items())]
    return [row for table in tables for row in table.to_pylist()]


def ids(sink: MemorySink, prefix: str = DATA) -> list[str]:
    return [row["id"] for row in rows(sink, prefix)]


def arriving_line(order_id: str, at_ms: int, date: str = "2025-01-01") -> bytes:
    line = {"row": {"id": order_id}, "date": date, "arrival_ms": at_ms}
    return json.dumps(line).encode()
