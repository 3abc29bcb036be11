"""Small lakes to read: Parquet and Avro rows and error documents, written as Firehose and the function write them."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from glue import arrow
from glue.tables import read_table_inputs

DEMAND = arrow.schema(read_table_inputs()["demand"]["parquet"])


def at(text: str) -> datetime:
    """2025-01-01T10:00:00 as a time without a zone."""
    return datetime.fromisoformat(text)


def demand(day: str, **columns: Any) -> dict[str, Any]:
    """A row of demand that was requested at ten o'clock on a day."""
    times = {"requested": at(f"{day}T10:00:00"), "triggered": None, "notified": None, "deleted": None}
    return {"eventid": "e1", "fanid": "f1", "isdeleted": False, "date": times} | columns


def write_parquet(lake: Path, table: str, day: str, rows: list[dict[str, Any]], schema: pa.Schema = DEMAND) -> Path:
    """A Parquet file of a table's partition, with INT96 timestamps as Firehose's have."""
    folder = lake / "data-pipeline" / "parquet" / table / f"partition_date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"dmnd-{table}-1-{len(list(folder.iterdir()))}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema), path, use_deprecated_int96_timestamps=True)
    return path


def image_of_demand(day: str, **fields: Any) -> dict[str, Any]:
    """The same row as `demand`, as an Avro writer takes it."""
    moment = datetime.fromisoformat(f"{day}T10:00:00+00:00")
    change = {"name": "INSERT", "at": moment, "atMicros": 0, "expired": False}
    return {
        "type": "demand",
        "fanId": "f1",
        "eventId": "e1",
        "saleId": "s1",
        "requestedDateTime": moment,
        "date": {"requested": moment},
        "isDeleted": False,
        "reference": {"id": "e1_s1_f1", "timestamp": moment},
        "change": change,
    } | fields


def avro_schema(table: str) -> dict[str, Any]:
    """The schema of a table's Avro files."""
    serde = read_table_inputs()[table]["avro"]["StorageDescriptor"]["SerdeInfo"]
    schema: dict[str, Any] = json.loads(serde["Parameters"]["avro.schema.literal"])
    return schema


def write_avro(
    lake: Path, table: str, day: str, rows: list[dict[str, Any]], schema: Any = None, **settings: Any
) -> Path:
    """An Avro container of a table's partition, as the function writes it: by fastavro, with deflate."""
    folder = lake / "data-pipeline" / "avro" / table / f"partition_date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"dmnd-avro-{len(list(folder.iterdir()))}.avro"
    with path.open("wb") as file:
        fastavro.writer(file, schema or avro_schema(table), rows, **{"codec": "deflate", **settings})
    return path


def error_document(**members: Any) -> dict[str, Any]:
    """An error document of a demand that lacks a field, with other members."""
    error = {"code": "invalid", "message": "missing required field", "path": "date.requested"}
    return {
        "timestamp": "2025-01-01T10:00:00.123Z",
        "type": "demand",
        "error": error,
        "stream": "dmnd-demand",
        "recordId": "r1",
        "sequence": "1",
        "digest": "00",
        "events": ['{"email": "SECRET"}'],
    } | members


def write_errors(lake: Path, day: str, *documents: Mapping[str, Any] | str) -> Path:
    """An object of error documents; text is written as it is."""
    folder = lake / "data-pipeline" / "errors" / "records" / f"partition_date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"dmnd-{len(list(folder.iterdir()))}.jsonl"
    lines = (one if isinstance(one, str) else json.dumps(one) for one in documents)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
