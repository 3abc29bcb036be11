"""A function in Avro mode, and what is in the containers that it puts."""

import gzip
import io
from pathlib import Path
from typing import Any

import fastavro

from tests.given import Bucket, Function

SAMPLE = Path(__file__).parent / "corpora" / "sample.jsonl.gz"


AVRO = "data-pipeline/avro/"


def avro(bucket: Any = None, **settings: Any) -> Function:
    return Function(format="avro", bucket=bucket or Bucket(), **settings)


def containers(bucket: Bucket) -> dict[str, bytes]:
    return {key: body for key, body in bucket.objects.items() if key.startswith(AVRO)}


def records(body: bytes) -> list[dict[str, Any]]:
    return [record for record in fastavro.reader(io.BytesIO(body)) if isinstance(record, dict)]


def archived(bucket: Bucket) -> list[dict[str, Any]]:
    return [record for body in containers(bucket).values() for record in records(body)]


def lines() -> list[bytes]:
    return gzip.decompress(SAMPLE.read_bytes()).removesuffix(b"\n").split(b"\n")
