"""Delivery streams, tables, sources and sinks for the tests of the data plane."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from firehose.local.event_record import EventRecord
from firehose.local.local_stream import LocalStream
from firehose.local.sources.files import number_lines
from firehose.pipeline.modes import MODES
from firehose.pipeline.stream_requests import create_delivery_stream
from glue.layout import Format

STREAM_ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/prd3292-dev1-dmnd-table-stream"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:transform"
ROLE_ARN = "arn:aws:iam::123456789012:role/firehose"

COLUMNS = {"id": "string", "qty": "int", "at": "timestamp"}


NAMES = {
    "stream_arn": STREAM_ARN,
    "function_arn": FUNCTION_ARN,
    "bucket": "lake",
    "role_arn": ROLE_ARN,
    "database": "db",
    "table": "order",
}


def request(name: str = "orders", mode: Format = Format.PARQUET, **more: Any) -> dict[str, Any]:
    """A CreateDeliveryStream request by our builder; `more` are its arguments, or a mode's lambda buffer."""
    buffer = {column: more.pop(column) for column in list(more) if column.startswith("lambda_buffer")}
    return create_delivery_stream(replace(MODES[mode], **buffer), name=name, **{**NAMES, **more})


def avro_request(name: str = "orders", **more: Any) -> dict[str, Any]:
    """The same for Avro mode."""
    return request(name, Format.AVRO, **more)


def destination(request: Mapping[str, Any]) -> dict[str, Any]:
    """Its destination's configuration, for example the ExtendedS3DestinationConfiguration."""
    (found,) = [value for name, value in request.items() if name.endswith("DestinationConfiguration")]
    config: dict[str, Any] = found
    return config


def table(columns: Mapping[str, str]) -> dict[str, Any]:
    """A Glue TableInput of these columns."""
    described = [{"Name": name, "Type": kind} for name, kind in columns.items()]
    return {"Name": "order", "StorageDescriptor": {"Columns": described}}


def payload(record: Mapping[str, Any]) -> bytes:
    return base64.b64decode(record["data"])


def answer(record: Mapping[str, Any], result: str, row: bytes = b"", **keys: Any) -> dict[str, Any]:
    """One element of a function's reply."""
    answered = {"recordId": record["recordId"], "result": result, "data": base64.b64encode(row).decode()}
    return {**answered, "metadata": {"partitionKeys": keys}} if keys else answered


def records(*lines: bytes) -> list[EventRecord]:
    """Lines as records; one that is JSON may say when it arrived: {"arrival_ms": 1714564809999}."""
    return list(number_lines(lines, arrival_of=_arrival))


def _arrival(line: bytes) -> int | None:
    try:
        found: int | None = json.loads(line)["arrival_ms"]
    except (ValueError, KeyError, TypeError):
        return None
    return found


def order(order_id: str, date: str = "2025-01-01", **more: Any) -> bytes:
    """A line for `obedient`: what the row and its partition date shall be."""
    return json.dumps({"row": {"id": order_id, **more}, "date": date}).encode()


def obedient(record: Mapping[str, Any]) -> dict[str, Any]:
    """Does what the line says: its row under its date, or the result that it names."""
    try:
        line = json.loads(payload(record))
    except ValueError:
        return answer(record, "ProcessingFailed")
    if "result" in line:
        return answer(record, line["result"])
    row = line["raw"].encode() if "raw" in line else json.dumps(line["row"]).encode() + b"\n"
    return answer(record, "Ok", row, type="order", date=line["date"])


def function(each: Callable[[Mapping[str, Any]], dict[str, Any]] = obedient) -> Callable[[Any, Any], dict[str, Any]]:
    return lambda event, _: {"records": [each(record) for record in event["records"]]}


def local(handler: Any = None, columns: Mapping[str, str] = COLUMNS, **more: Any) -> LocalStream:
    return LocalStream(request(**more), table(columns), handler or function())


def error_lines(objects: Iterable[bytes]) -> list[dict[str, Any]]:
    """The documents of error objects."""
    return [json.loads(line) for body in objects for line in body.splitlines()]
