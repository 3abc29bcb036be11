"""A lake as it is read: the objects of a folder or of `s3://bucket`, under S3's keys in both."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Protocol, cast

from firehose.local.aws_errors import as_user_errors
from firehose.local.sinks import S3, FolderSink, S3Sink, bucket_of, file_version, make_folder
from firehose.local.user_error import UserError
from glue.layout import ROOT


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of a lake: `data-pipeline/errors/records/partition_date=2025-01-01/a.jsonl`."""

    key: str
    size_bytes: int
    version: str = ""  # another one whenever the object is replaced: S3's ETag


class Lake(Protocol):
    """What readers need of a lake."""

    def objects(self, prefix: str) -> Iterator[Stored]:
        """The objects below a prefix that ends in `/`, in order of key, without those whose name Hive passes over."""

    def open(self, stored: Stored) -> BinaryIO:
        """The object as a file that can seek; what is not read is not fetched."""

    def where(self, stored: Stored) -> str:
        """Where the object lies, as a user opens it: `lake/data-pipeline/...`, `s3://bucket/data-pipeline/...`."""


def open_lake(where: str) -> Lake:
    """The lake in a folder or a bucket, `.local/lake` or `s3://bucket`.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    if where.startswith(S3):
        return BucketLake(where)
    if not Path(where).is_dir():
        raise UserError(f"no such lake: {where} is not a folder")
    if not (Path(where) / ROOT).is_dir():
        raise UserError(f"{where} is not a lake: there is no {ROOT}/ in it")
    return FolderLake(Path(where))


def sink_of(lake: str) -> FolderSink | S3Sink:
    """The sink of a lake: a folder, made if need be, or `s3://bucket`, which must be there.

    Raises:
        UserError: the folder cannot be made or written, or the bucket cannot be reached.
    """
    if not lake:
        raise UserError("say with --lake where the lake is: a folder, or s3://bucket")
    if not lake.startswith(S3):
        make_folder(Path(lake, ROOT), lake, "lake")
    return bucket_of(lake, "lake")


class FolderLake:
    """A lake in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def objects(self, prefix: str) -> Iterator[Stored]:
        """Walks the folder of that prefix; a folder that is not there holds nothing."""
        found = []
        if (self._root / prefix).is_dir():
            for folder, _, names in os.walk(self._root / prefix, onerror=_cannot_be_read):
                found += [self._stored(Path(folder, name)) for name in names]
        return iter(sorted((one for one in found if _is_data(one.key)), key=lambda one: one.key))

    def _stored(self, path: Path) -> Stored:
        status = path.stat()
        return Stored(path.relative_to(self._root).as_posix(), status.st_size, file_version(status))

    def open(self, stored: Stored) -> BinaryIO:
        """The file."""
        try:
            return (self._root / stored.key).open("rb")
        except OSError as error:
            _cannot_be_read(error)

    def where(self, stored: Stored) -> str:
        """The file's path."""
        return str(self._root / stored.key)


class BucketLake:
    """A lake in a bucket, by the credentials and endpoint that boto3 finds.

    There must be something below the prefix that it `holds`; None asks for nothing.
    """

    def __init__(self, where: str, *, holds: str | None = f"{ROOT}/") -> None:
        import boto3  # noqa: PLC0415 - costs 0.3 s, which a folder lake need not wait for

        self._bucket = where.removeprefix(S3).rstrip("/")
        if not self._bucket or "/" in self._bucket:
            raise UserError(f"{where} is not a lake: it is a folder, or a whole bucket, s3://bucket")
        with as_user_errors(f"{S3}{self._bucket}", "read"):
            self._client = boto3.client("s3")
            answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=holds or "", MaxKeys=1)
        if holds is not None and not answer["KeyCount"]:
            what = f"not a lake: there is no {ROOT}/ in it" if holds == f"{ROOT}/" else f"empty below {holds}"
            raise UserError(f"{where} is {what}")

    def objects(self, prefix: str) -> Iterator[Stored]:
        """Lists the bucket, a thousand keys a request."""
        with as_user_errors(f"{S3}{self._bucket}", "read"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for one in page.get("Contents", []):
                    if _is_data(one["Key"]):
                        yield Stored(one["Key"], one["Size"], one["ETag"])

    def open(self, stored: Stored) -> BinaryIO:
        """A file over the object; each read is a ranged GetObject."""
        return cast(BinaryIO, _Ranges(self._client, self._bucket, stored))

    def where(self, stored: Stored) -> str:
        """The object's address."""
        return f"{S3}{self._bucket}/{stored.key}"


class _Ranges(io.RawIOBase):
    """An S3 object as a file. Parquet readers ask for the footer and the columns they need, in few large reads."""

    def __init__(self, client: Any, bucket: str, stored: Stored) -> None:
        self._client = client
        self._bucket = bucket
        self._named = {"Bucket": bucket, "Key": stored.key}
        self._size = stored.size_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        if end <= self._at:
            return b""
        with as_user_errors(f"{S3}{self._bucket}", "read"):
            answer = self._client.get_object(**self._named, Range=f"bytes={self._at}-{end - 1}")
            body: bytes = answer["Body"].read()
        self._at += len(body)
        return body

    def readall(self) -> bytes:
        return self.read()


def _is_data(key: str) -> bool:
    """Hive and Athena pass over files whose name begins with a dot or an underscore; S3 may hold `folder/` markers."""
    return not key.rpartition("/")[2].startswith((".", "_")) and not key.endswith("/")


def _cannot_be_read(error: OSError) -> NoReturn:
    raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error
