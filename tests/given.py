"""What the specifications are told with: change records, events, functions, and what is true of every reply."""

import base64
import contextlib
import copy
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from firehose.pipeline import change_records
from glue.model import pii_names
from glue.schema import SCHEMAS, load
from transform.function import build

ARRIVED_MS = 1_735_725_600_123  # 2025-01-01T10:00:00.123Z
CHANGED_MS = 1_735_725_600_000
STREAM = "dmnd-test"
DATABASE = "dmnd_pipeline"
ERROR_PREFIX = "data-pipeline/errors/records/"
LIMIT_BYTES = 6_291_456
ALL_TYPES = "demand,event,notification,sale"
PERSONAL = pii_names(load())

number_changes = partial(change_records.number_changes, personal=PERSONAL)

Attributes = dict[str, Any]


def s(text: str) -> Attributes:
    """A string attribute."""
    return {"S": text}


def m(**attributes: Any) -> Attributes:
    """A map attribute."""
    return {"M": attributes}


def image(record_type: str, **attributes: Any) -> Attributes:
    """The smallest image of a type that is valid, with further attributes, or without those given as None."""
    ids = {"type": s(record_type), "eventId": s("e1"), "saleId": s("s1"), "fanId": s("f1")}
    least: dict[str, Attributes] = {
        "demand": ids
        | {"requestedDateTime": s("2025-01-01T10:00:00Z"), "date": m(requested=s("2025-01-01T10:00:00.000Z"))},
        "notification": ids | {"date": m(created=s("2025-01-02T10:00:00.000Z"))},
        "sale": {"type": s("sale"), "id": s("s1"), "eventId": s("e1"), "saleStartDateTime": s("2025-01-03T10:00:00Z")},
        "event": {"type": s("event"), "id": s("e1")},
    }
    merged = least.get(record_type, {"type": s(record_type)}) | attributes
    return {name: attribute for name, attribute in merged.items() if attribute is not None}


def change(record_type: str = "demand", name: str = "INSERT", /, **attributes: Any) -> dict[str, Any]:
    """A change record of one type, as DynamoDB puts it into Kinesis."""
    return change_of(image(record_type, **attributes), name)


def change_of(item: Any, name: str = "INSERT", **members: Any) -> dict[str, Any]:
    """A change record that carries an image; `members` replace or, given as ..., remove members of it."""
    record: dict[str, Any] = {
        "awsRegion": "us-east-1",
        "eventID": "11111111-2222-3333-4444-555555555555",
        "eventName": name,
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "prd3292-test-us-east-1-demand-table",
        "dynamodb": {
            "ApproximateCreationDateTime": CHANGED_MS,
            "Keys": keys_of(item),
            "OldImage" if name == "REMOVE" else "NewImage": item,
            "SizeBytes": 100,
            "ApproximateCreationDateTimePrecision": "MILLISECOND",
        },
        "eventSource": "aws:dynamodb",
    }
    record |= members
    return {key: value for key, value in record.items() if value is not ...}


def keys_of(item: Any) -> Attributes:
    """The keys of an image's item in the table: those of two images are the same where their reference is."""
    ids = [item.get(name) for name in ("eventId", "saleId", "fanId", "id")] if isinstance(item, dict) else []
    texts = [attribute["S"] for attribute in ids if isinstance(attribute, dict) and isinstance(attribute.get("S"), str)]
    return {"pk": s("P"), "sk": s("_".join(texts) or "S")}


def payload(record: Any, separators: tuple[str, str] = (",", ":")) -> bytes:
    """The bytes of a change record in Kinesis: without blanks, as DynamoDB writes it."""
    return record if isinstance(record, bytes) else json.dumps(record, separators=separators).encode()


def spaced(record: Any) -> bytes:
    """The same with blanks, which the function decodes step by step and not on the fast path."""
    return payload(record, (", ", ": "))


def event(*records: Any, stream: str = STREAM) -> dict[str, Any]:
    """What Firehose calls the function with: change records, or raw bytes, in order."""
    return {
        "invocationId": "5f2cd0e0-0000-4000-8000-000000000000",
        "sourceKinesisStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/dmnd-table-stream",
        "deliveryStreamArn": f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{stream}",
        "region": "us-east-1",
        "records": [firehose_record(position, payload(record)) for position, record in enumerate(records)],
    }


def firehose_record(position: int, data: bytes) -> dict[str, Any]:
    """One record of that event."""
    sequence = f"{49_546_986_683_135_544_286_507_457_936_321_625_675_700_192_471_156_785_154 + position}"
    return {
        "recordId": f"shardId-000000000000{sequence:0>128}{0:012}",
        "approximateArrivalTimestamp": ARRIVED_MS,
        "data": base64.b64encode(data).decode(),
        "kinesisRecordMetadata": {
            "shardId": "shardId-000000000000",
            "partitionKey": "A" * 32,
            "approximateArrivalTimestamp": ARRIVED_MS,
            "sequenceNumber": sequence,
            "subsequenceNumber": 0,
        },
    }


@dataclass
class Bucket:
    """A store that remembers what was put."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        assert content_type
        self.objects[key] = body

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for body in self.objects.values() for line in body.splitlines()]


@dataclass
class Function:
    """A function under test: calls it, checks the contract, keeps what it printed."""

    types: str = ALL_TYPES
    claims: bool = True
    format: str = "parquet"
    bucket: Any = field(default_factory=Bucket)
    schemas: Path = SCHEMAS
    printed: str = ""
    context: Any = None
    handler: Callable[[dict[str, Any], Any], dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.handler = build(
            environment(self.types, claims=self.claims) | {"FORMAT": self.format}, self.bucket, self.schemas
        )

    def __call__(self, *records: Any) -> dict[str, Any]:
        return self.reply(event(*records))

    def reply(self, invocation: dict[str, Any]) -> dict[str, Any]:
        output, before = io.StringIO(), copy.deepcopy(invocation)
        with contextlib.redirect_stdout(output):
            reply = self.handler(invocation, self.context)
        assert invocation == before, "the local data plane counts on it that the function keeps its event"
        self.printed += output.getvalue()
        assert_keeps_the_contract(invocation, reply)
        return reply

    def row(self, record: Any) -> dict[str, Any]:
        """The row of a record that must be delivered."""
        one, other = self(record, spaced(record))["records"]
        assert one["result"] == "Ok", self.bucket.documents()
        assert one["metadata"] == other["metadata"]
        row = row_of(one)
        assert unplaced(row_of(other)) == unplaced(row)
        return row

    def failure(self, record: Any) -> dict[str, Any]:
        """The error document of a record that must fail."""
        assert results(self(record)) == ["ProcessingFailed"]
        document: dict[str, Any] = self.bucket.documents()[-1]
        if not isinstance(record, bytes):
            assert results(self(spaced(record))) == ["ProcessingFailed"]
            assert (self.bucket.documents()[-1]["error"], self.bucket.documents()[-1]["type"]) == (
                document["error"],
                document["type"],
            )
        return document

    def metrics(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.printed.splitlines()]
        return [line for line in lines if "_aws" in line]

    def logs(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.printed.splitlines()]
        return [line for line in lines if "_aws" not in line]


def environment(types: str, *, claims: bool) -> dict[str, str]:
    return {
        "RECORD_TYPES": types,
        "CLAIMS_UNREADABLE": str(claims).lower(),
        "BUCKET": "lake",
        "ERROR_PREFIX": ERROR_PREFIX,
        "FORMAT": "parquet",
        "DATABASE": DATABASE,
    }


def results(reply: Mapping[str, Any]) -> list[str]:
    return [result["result"] for result in reply["records"]]


def row_of(result: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(base64.b64decode(result["data"]))
    return row


def unplaced(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without its record's place in the stream, in which even equal records differ."""
    return {**row, "change": {name: value for name, value in row["change"].items() if name != "sequence"}}


def assert_keeps_the_contract(invocation: Mapping[str, Any], reply: Mapping[str, Any]) -> None:
    """What is true of every reply (Firehose guide, "Transform source data")."""
    assert [r["recordId"] for r in reply["records"]] == [r["recordId"] for r in invocation["records"]]
    assert len(json.dumps(reply)) <= LIMIT_BYTES
    for result in reply["records"]:
        assert result["result"] in {"Ok", "Dropped", "ProcessingFailed"}
        data = base64.b64decode(result["data"], validate=True)
        if result["result"] != "Ok":
            assert data == b""
            assert "metadata" not in result
            continue
        row = json.loads(data)
        assert_lower_case(row)
        (kind,) = result["metadata"]
        _METADATA[kind](result["metadata"][kind], row, data)


def _assert_partition_keys(metadata: Mapping[str, str], row: Mapping[str, Any], data: bytes) -> None:
    assert metadata.keys() == {"type", "date"}
    assert metadata["type"] == row["type"]
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1


def _assert_table(metadata: Mapping[str, str], row: Mapping[str, Any], data: bytes) -> None:
    assert metadata == {
        "destinationDatabaseName": DATABASE,
        "destinationTableName": row["type"],
        "operation": "insert",
    }
    assert b"\n" not in data


# By the kind of metadata that a row's result has: in Parquet mode, and in Iceberg mode.
_METADATA = {"partitionKeys": _assert_partition_keys, "otfMetadata": _assert_table}


def assert_lower_case(value: Any) -> None:
    if isinstance(value, dict):
        assert all(key == key.lower() for key in value)
        for inner in value.values():
            assert_lower_case(inner)
    if isinstance(value, list):
        for inner in value:
            assert_lower_case(inner)
