"""The objects of a lake as they are read: from a folder or from `s3://bucket`, under S3's keys in both."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from stat import S_ISDIR, S_ISREG
from typing import Any, BinaryIO, NoReturn, Protocol, cast

from firehose.local.aws_errors import as_user_errors
from firehose.local.sinks import S3, file_version
from firehose.local.user_error import UserError


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a lake: `data-pipeline/errors/records/partition_date=2025-01-01/a.jsonl`."""

    key: str
    size_bytes: int
    version: str = ""  # changes whenever the object is replaced: S3's ETag
    written_ms: int = 0  # epoch milliseconds: S3's LastModified


class Lake(Protocol):
    """The objects of a lake, for readers."""

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that ends in `/`, in order of key, without those that Hive ignores."""

    def open(self, stored: StoredObject) -> BinaryIO:
        """Open an object as a seekable file; only the parts that are read are fetched."""

    def path(self, stored: StoredObject) -> Path | None:
        """Return the path of an object in a folder; None for one in a bucket."""

    def where(self, stored: StoredObject) -> str:
        """Return the path or address of an object: `lake/data-pipeline/...`, `s3://bucket/data-pipeline/...`."""


# The largest object that is read whole is an error object: a buffer of 128 MiB at most, and a third more in base64.
MOST_OBJECT_BYTES = 256 * 1024 * 1024


def read_whole(lake: Lake, stored: StoredObject) -> bytes:
    """Return the bytes of an object.

    Raises:
        UserError: it cannot be read, or is larger than an object of its kind can be.
    """
    if stored.size_bytes > MOST_OBJECT_BYTES:
        raise UserError(
            f"{lake.where(stored)} has {stored.size_bytes:,} bytes; an object of its kind has at most "
            f"{MOST_OBJECT_BYTES:,}: remove it"
        )
    with lake.open(stored) as file:
        return file.read(stored.size_bytes)


class FolderLake:
    """A lake in a folder, which may itself be a link.

    Below it only files and folders are objects. A link, a FIFO, a socket or a device in the place of one is refused
    before it is opened: a link may leave the lake, and reading a FIFO would wait for ever.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._beside = str(root / "x").removesuffix("x")  # "" for ".", whose paths do not begin with it

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the files below the folder of a prefix; none if it does not exist.

        Raises:
            UserError: a folder cannot be listed, or something in it is neither a file nor a folder.
        """
        folder = self._root
        for part in PurePosixPath(prefix).parts:
            folder /= part
            try:
                is_folder = _is_folder(folder, folder.lstat())
            except FileNotFoundError:
                return iter(())
            except OSError as error:
                _raise_unreadable(error)
            if not is_folder:
                raise UserError(f"{folder} is a file, but a lake has a folder there: remove it")
        return self._walk(str(folder), prefix)

    def _walk(self, folder: str, prefix: str) -> Iterator[StoredObject]:
        """Yield the files below a folder. Texts, because pathlib would cost more than the rest of a query's listing."""
        try:
            entries = sorted(os.scandir(folder), key=_key_order)
        except OSError as error:
            _raise_unreadable(error)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(entry.path, f"{prefix}{entry.name}/")
            elif _is_data(entry.name):
                status = entry.stat(follow_symlinks=False)
                _is_folder(entry.path, status)
                key, written_ms = prefix + entry.name, status.st_mtime_ns // 1_000_000
                yield StoredObject(key, status.st_size, file_version(status), written_ms)

    def open(self, stored: StoredObject) -> BinaryIO:
        """Open the file."""
        try:
            return (self._root / stored.key).open("rb")
        except OSError as error:
            _raise_unreadable(error)

    def path(self, stored: StoredObject) -> Path:
        """Return the path of the file."""
        return self._root / stored.key

    def where(self, stored: StoredObject) -> str:
        """Return the path of the file as text."""
        return self._beside + stored.key


class BucketLake:
    """A lake in a bucket, by the credentials and endpoint that boto3 finds."""

    concurrent_puts = 10  # the connections that boto3 keeps, for reads as well

    def __init__(self, bucket: str) -> None:
        import boto3  # noqa: PLC0415 - costs 0.3 s, which a folder lake need not wait for

        self._bucket = bucket
        with as_user_errors(f"{S3}{bucket}", "read"):
            self._client = boto3.client("s3")

    def holds(self, prefix: str) -> bool:
        """Return True if an object lies below a prefix, "" for the whole bucket.

        Raises:
            UserError: the bucket cannot be listed.
        """
        with as_user_errors(f"{S3}{self._bucket}", "read"):
            return bool(self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=1)["KeyCount"])

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """List the bucket, a thousand keys a request."""
        with as_user_errors(f"{S3}{self._bucket}", "read"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for one in page.get("Contents", []):
                    if _is_data(one["Key"].rpartition("/")[2]):
                        written_ms = int(one["LastModified"].timestamp() * 1000)
                        yield StoredObject(one["Key"], one["Size"], one["ETag"], written_ms)

    def open(self, stored: StoredObject) -> BinaryIO:
        """Open a file over the object; each read is a ranged GetObject."""
        return cast(BinaryIO, _Ranges(self._client, self._bucket, stored))

    def path(self, _: StoredObject) -> None:
        """Return None: a bucket has no paths."""

    def where(self, stored: StoredObject) -> str:
        """Return the address of the object."""
        return f"{S3}{self._bucket}/{stored.key}"


class _Ranges(io.RawIOBase):
    """An S3 object as a file. Parquet readers ask for the footer and the columns they need, in few large reads."""

    def __init__(self, client: Any, bucket: str, stored: StoredObject) -> None:
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

    def readinto(self, buffer: Any) -> int:
        body = self.read(len(buffer))
        buffer[: len(body)] = body
        return len(body)

    def readall(self) -> bytes:
        return self.read()


def _key_order(entry: "os.DirEntry[str]") -> str:
    """Sort a folder's entries so that a walk yields keys in S3's order: `a-b/c` before `a/b`."""
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def _is_data(name: str) -> bool:
    """Return True if Hive and Athena read a file of this name; an S3 folder marker has an empty name."""
    return not name.startswith((".", "_")) and name != ""


def _is_folder(path: Path | str, status: os.stat_result) -> bool:
    """Return True for a folder, False for a file.

    Raises:
        UserError: it is something else.
    """
    if not S_ISDIR(status.st_mode) and not S_ISREG(status.st_mode):
        raise UserError(f"{path} is a link, a FIFO or the like, neither a file nor a folder: remove it")
    return S_ISDIR(status.st_mode)


def _raise_unreadable(error: OSError) -> NoReturn:
    raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error
