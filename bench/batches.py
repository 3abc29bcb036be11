"""Make Lambda events as Firehose sends them from change records."""

import base64
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

COMMITTED_SAMPLE = Path(__file__).parent.parent / "tests" / "corpora" / "sample.jsonl.gz"

# Firehose batches by bytes. With base64 and enrichment, 1.5 MiB of changes give a 3 MB reply; the limit is 6 MB.
_EVENT_BYTES = 1_572_864

_ARRIVAL_MS = 1_750_000_000_000
_FIRST_SEQUENCE = 49_546_986_683_135_544_286_507_457_936_321_625_675_700_192_471_156_785_154


@dataclass(frozen=True)
class Batch:
    """Change records to measure with: raw, in base64 for the baselines, and in Lambda events for the function."""

    name: str
    lines: list[bytes]

    @cached_property
    def encoded(self) -> list[str]:
        return [base64.b64encode(line).decode() for line in self.lines]

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        return [event_of(lines) for lines in _split(self.lines)]

    @property
    def mean_bytes(self) -> int:
        return sum(map(len, self.lines)) // len(self.lines)


def lines_of(source: Path) -> list[bytes]:
    """Return the lines of a .jsonl or .jsonl.gz file."""
    content = source.read_bytes()
    return (gzip.decompress(content) if source.suffix == ".gz" else content).removesuffix(b"\n").split(b"\n")


def event_of(lines: list[bytes]) -> dict[str, Any]:
    """Return the event of a delivery stream that reads a Kinesis stream."""
    return {
        "invocationId": "8f0d1f0b-0c7b-4d2c-9d57-2f1b8a3f0c11",
        "sourceKinesisStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/bench",
        "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/bench",
        "region": "us-east-1",
        "records": [_record(number, line) for number, line in enumerate(lines)],
    }


def _record(number: int, line: bytes) -> dict[str, Any]:
    sequence = str(_FIRST_SEQUENCE + number)
    return {
        "recordId": f"shardId-000000000000{sequence:0>128}{0:012}",
        "approximateArrivalTimestamp": _ARRIVAL_MS + number,
        "data": base64.b64encode(line).decode(),
        "kinesisRecordMetadata": {
            "shardId": "shardId-000000000000",
            "partitionKey": f"{number:032X}",
            "approximateArrivalTimestamp": _ARRIVAL_MS + number,
            "sequenceNumber": sequence,
            "subsequenceNumber": 0,
        },
    }


def _split(lines: list[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) > _EVENT_BYTES:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    yield part
