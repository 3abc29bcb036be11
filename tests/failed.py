"""Lakes with what failed in them: Firehose's error objects, the function's documents, and the rows of such a lake."""

import base64
import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from firehose.local.event_record import event_record
from glue.model import pii_names
from glue.schema import load
from tests.given import ARRIVED_MS, payload
from transform.errors import document
from transform.outcome import Failed, Reason

STATUS = "Lambda.ProcessingFailedStatus"
CRASHED = "Lambda.FunctionError"
FIREHOSE = "data-pipeline/errors/firehose"
NAME = "1-2025-01-01-10-00-00-5f2cd0e0-0000-4000-8000-000000000000"


def failed(record: Any, code: str = STATUS, arrival_ms: int = ARRIVED_MS, **members: Any) -> dict[str, Any]:
    """Return one of Firehose's error records. Its message quotes the record, as real ones may."""
    return {
        "rawData": base64.b64encode(payload(record)).decode(),
        "errorCode": code,
        "errorMessage": "SECRET",
        "attemptsMade": 1,
        "arrivalTimestamp": arrival_ms,
        "attemptEndingTimestamp": arrival_ms,
    } | members


def document_of(
    record: Any, reason: Reason = Reason.BUG, arrival_ms: int = ARRIVED_MS, **members: Any
) -> dict[str, Any]:
    """Return the function's error document of a record, from the stream of demands."""
    event = event_record(
        payload(record), shard_id="shardId-000000000000", partition_key="", sequence_number="49", arrival_ms=arrival_ms
    )
    failure = Failed(reason, "our own code failed on this record", None, "demand")
    return document(event, failure, "dmnd-demand", pii_names(load())) | members


def error_object(
    lake: Path,
    *records: Any,
    stream: str = "dmnd-demand",
    kind: str = "processing-failed",
    name: str = NAME,
    between: str = "\n",
) -> Path:
    """Put error records into an error object of a delivery stream."""
    path = lake / FIREHOSE / kind / f"{stream}-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(between.join(map(json.dumps, records)) + between)
    return path


def documents(lake: Path, *found: Any) -> Path:
    """Put error documents of the function into the lake."""
    path = lake / "data-pipeline/errors/records/partition_date=2025-01-01/dmnd-demand-0.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return path


def rows(lake: Path, table: str = "demand") -> list[dict[str, Any]]:
    """Return the rows of a table, in an arbitrary order."""
    paths: Iterable[Path] = sorted((lake / "data-pipeline" / "parquet" / table).rglob("*.parquet"))
    found = [row for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]
    return sorted(found, key=str)


def fans(lake: Path) -> list[str]:
    """Return the fans of the demands in the lake, by which tests tell rows apart."""
    return sorted(row["fanid"] for row in rows(lake))


def everything(lake: Path) -> dict[str, str]:
    """Return every file of the lake with its digest."""
    files = (path for path in lake.rglob("*") if path.is_file())
    return {path.relative_to(lake).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
