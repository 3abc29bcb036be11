"""Writes a full DynamoDB export of sample items into a folder, laid out as in a bucket."""

import gzip
import json
from base64 import b64encode
from hashlib import md5
from itertools import cycle
from pathlib import Path
from typing import Any

from firehose.local.user_error import UserError
from firehose.pipeline.sample.records import items

_TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/prd3292-local-us-east-1-demand-table"
_TIME = "2025-06-30T00:00:00.000Z"  # after all of the sample's changes

# zlib's fastest: nobody who tries out a backfill wants to wait for smaller files.
_LEVEL = 1


def write_export(folder: Path, count: int, seed: int, files: int) -> Path:
    """Write `count` items to FOLDER/AWSDynamoDB/<id>/, in this many data files, and return the folder of the manifests.

    The same count, seed and files give the same export.

    Raises:
        UserError: that export exists, or the folder cannot be written.
    """
    export = f"{seed:014}-{count:08x}"[:23]
    home = folder / "AWSDynamoDB" / export
    try:
        (home / "data").mkdir(parents=True)
        listed = _write_data(home, f"AWSDynamoDB/{export}/data", count, seed, files)
        _write_manifest(home / "manifest-files.json", "".join(json.dumps(one) + "\n" for one in listed))
        _write_manifest(home / "manifest-summary.json", json.dumps(_summary(export, count)))
    except FileExistsError:
        raise UserError(f"{home} already exists") from None
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}") from None
    return home


def _write_data(home: Path, prefix: str, count: int, seed: int, files: int) -> list[dict[str, Any]]:
    """Write the data files, each item to the next one: DynamoDB spreads items by the hash of their keys."""
    paths = [home / "data" / f"{number:026}.json.gz" for number in range(files)]
    opened = [gzip.GzipFile(path, "wb", _LEVEL, mtime=0) for path in paths]
    for file, image in zip(cycle(opened), items(count, seed), strict=False):
        file.write(b'{"Item":%s}\n' % image)
    for file in opened:
        file.close()
    return [_listed(path, f"{prefix}/{path.name}", len(range(at, count, files))) for at, path in enumerate(paths)]


def _listed(path: Path, key: str, count: int) -> dict[str, Any]:
    digest = md5(path.read_bytes(), usedforsecurity=False)
    checksum = b64encode(digest.digest()).decode()
    return {"itemCount": count, "md5Checksum": checksum, "etag": f"{digest.hexdigest()}-1", "dataFileS3Key": key}


def _write_manifest(path: Path, text: str) -> None:
    """Write a manifest, and its checksum beside it."""
    path.write_text(text)
    checksum = b64encode(md5(text.encode(), usedforsecurity=False).digest()).decode()
    path.with_suffix(".checksum").write_text(checksum)


def _summary(export: str, count: int) -> dict[str, Any]:
    return {
        "version": "2020-06-30",
        "exportArn": f"{_TABLE}/export/{export}",
        "startTime": _TIME,
        "endTime": _TIME,
        "tableArn": _TABLE,
        "tableId": "659732b0-5ce6-4e60-a804-f224014bdef3",
        "exportTime": _TIME,
        "s3Bucket": "local-exports",
        "s3Prefix": None,
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"AWSDynamoDB/{export}/manifest-files.json",
        "billedSizeBytes": 0,
        "itemCount": count,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
