"""Exports of a DynamoDB table, written by hand as DynamoDB lays them out, and the lakes made of them."""

import gzip
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import boto3

from firehose.lake.backfill.job import BackfillJob
from firehose.lake.backfill.run import BackfillResult, Throttle, run
from firehose.lake.erasure.erased_subjects import ErasedSubjects
from firehose.lake.jobs.pool import Pool
from tests.given import Attributes, image, m, payload, s

TABLE = "prd3292-test-us-east-1-demand-table"
ID = "01735725600000-5f2cd0e0"
EXPORTED = "2025-03-01T10:00:00.500Z"
EXPORTED_MICROS = 1_740_823_200_500_000
# Of a job: a chunk ends after two items, a page after one.
SMALL = {"chunk_items": 2, "page_items": 1}
WRITTEN_MICROS = 1_740_000_000_123_456


def demand(fan: str, day: str = "2025-01-01", **attributes: Any) -> Attributes:
    """Return an item of the table: a demand of a fan, by whose name tests tell rows apart."""
    attributes_of_demand = {"fanId": s(fan), "date": m(requested=s(f"{day}T10:00:00.000Z"))}
    return item("demand", fan, **attributes_of_demand | attributes)


def item(record_type: str, key: str, **attributes: Any) -> Attributes:
    """Return an item of any type, with its keys."""
    return {"pk": s(f"PK#{key}"), "sk": s("SK")} | image(record_type, **attributes)


KEYS = {"pk": s("P"), "sk": s("S")}


def full(one: Attributes) -> dict[str, Any]:
    """Return the line of an item in a full export."""
    return {"Item": one}


def written(
    new: Attributes | None, old: Attributes | None = None, micros: Any = WRITTEN_MICROS, **members: Any
) -> dict[str, Any]:
    """Return the line of an item in an incremental export, without the members that are None."""
    keys = {name: (new or old or demand("gone"))[name] for name in ("pk", "sk")}
    typed = {"N": str(micros)} if isinstance(micros, int) else micros
    line = {"Metadata": {"WriteTimestampMicros": typed}, "Keys": keys, "NewImage": new, "OldImage": old} | members
    return {name: member for name, member in line.items() if member is not None}


def checksum(body: bytes) -> str:
    """Return an MD5 in base64, as in manifests."""
    return b64encode(md5(body, usedforsecurity=False).digest()).decode()


def lines_of(lines: Iterable[Any]) -> bytes:
    """Return the uncompressed body of a data file. Bytes are a line as they are."""
    return b"".join(payload(line) + b"\n" for line in lines)


def export(
    folder: Path,
    *files: Sequence[Any],
    prefix: str = "exports/",
    data: str = "data",
    listed: Mapping[str, Any] = {},
    **summary: Any,
) -> Path:
    """Write an export into folder/AWSDynamoDB/<id>, a data file for each list of lines, and return that folder.

    `listed` replaces members of each line of manifest-files.json, `summary` of manifest-summary.json.
    """
    home = folder / "AWSDynamoDB" / ID
    (home / data).mkdir(parents=True, exist_ok=True)
    manifest = []
    key = f"{prefix}AWSDynamoDB/{ID}" if data == "data" else f"{prefix}AWSDynamoDB"
    for number, lines in enumerate(files):
        body = gzip.compress(lines_of(lines), mtime=0)
        name = f"{number:04}abcdefghijklmnopqrstuv.json.gz"
        (home / data / name).write_bytes(body)
        one = {"itemCount": len(lines), "md5Checksum": checksum(body), "etag": "a88f6b42-1"}
        manifest.append(one | {"dataFileS3Key": f"{key}/data/{name}"} | dict(listed))
    put_manifest(home, "manifest-files", lines_of(manifest))
    described = {
        "version": "2020-06-30",
        "exportArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}/export/{ID}",
        "tableArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}",
        "exportTime": EXPORTED,
        "s3Bucket": "exports",
        "s3Prefix": prefix.rstrip("/") or None,
        "manifestFilesS3Key": f"{prefix}AWSDynamoDB/{ID}/manifest-files.json",
        "itemCount": sum(map(len, files)),
        "outputFormat": "DYNAMODB_JSON",
    }
    put_manifest(home, "manifest-summary", json.dumps(described | summary).encode())
    return home


def full_export(folder: Path, *files: Sequence[Attributes], **members: Any) -> Path:
    """Write a full export of these items."""
    return export(folder, *([full(one) for one in items] for items in files), **members)


def incremental_export(folder: Path, *files: Sequence[Any], **members: Any) -> Path:
    """Write an incremental export of these lines. Its data lies beside that of others."""
    described = {"exportTime": None, "exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES"}
    return export(folder, *files, data="../data", **described | members)


def put_manifest(home: Path, name: str, body: bytes) -> None:
    """Write a manifest and its checksum file."""
    (home / f"{name}.json").write_bytes(body)
    (home / f"{name}.checksum").write_text(checksum(body))


def backfilled(
    source: Path | str, lake: Path | str, state: Path, *, processes: int = 1, **members: Any
) -> BackfillResult:
    """Backfill an export, or with `is_table` a table, into a lake. SMALL makes many chunks of it.

    The keys of a full export are named, which spares the first pass over it.
    """
    options: dict[str, Any] = {"is_table": False, "is_stream": False, "keys": ("pk", "sk")} | members
    job = BackfillJob(source=str(source), target=str(lake), **options)
    erased = None if job.is_stream else ErasedSubjects(job.target)
    outcome = run(job, state, executor=Pool(processes), throttle=Throttle(), phase=silent, erased=erased)
    assert not state.exists(), "a backfill that is done leaves nothing behind"
    return outcome


def silent(_name: str, _items: int) -> Any:
    """Show no progress."""
    return lambda _more: None


def make_table(*items: Attributes, name: str = TABLE) -> None:
    """Create a table in moto's DynamoDB that holds these items."""
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    for one in items:
        client.put_item(TableName=name, Item=one)
