"""Sinks: a folder or an S3 bucket that objects are put into. A reader sees an object whole or not at all."""

import fcntl
import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlencode

from firehose.local.aws_errors import as_user_errors
from firehose.local.os_errors import file_named
from firehose.local.private_files import folder_mode, make_folder, open_private, write_file
from firehose.local.sink import MovedError, StoredNote
from firehose.local.temporary_folders import TemporaryFolder, remove_left
from firehose.local.user_error import UserError

S3 = "s3://"

# A put takes S3 some 40 ms, of which Python works 2: more puts at once would wait for each other.
CONCURRENT_PUTS = 16

# The names of temporary files: `next` gives each number once, to whatever thread asks.
_NUMBERS = itertools.count(1)

# The folders known to exist are kept, so many: making sure takes 20 us a folder.
_MADE = 10_000

# What a put takes, and would else drop, of the object that it replaces.
_KEPT = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
    "StorageClass",
)

# S3's codes for a condition that does not hold; the second is of two such puts at the same time.
_MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})


class FolderSink:
    """A folder as a bucket: a key is the path of a file below it. Content types are not kept.

    Files and folders are private to their user (see private_files). Nothing is written through a link below the folder,
    which may itself be one. A crash of the process leaves whole objects only. A power cut may not: objects are not
    synced to the disk.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        remove_left(root)
        self._temporary = TemporaryFolder(root)
        self._made: set[Path] = set()

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str = "application/octet-stream",  # noqa: ARG002
        content_encoding: str = "",  # noqa: ARG002
    ) -> None:
        """Writes `root/key`, by a temporary file and a rename.

        Raises:
            ValueError: the key would leave the folder.
            UserError: on the path of the key is a link, or something else than a folder.
            OSError: the disk's own, naming the file.
        """
        path = self._path(key)
        self._make(path.parent)
        temporary = self._temporary.path() / str(next(_NUMBERS))
        try:
            with file_named(path):
                write_file(temporary, body)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def put_if(self, key: str, body: bytes, content_type: str, version: str | None) -> str:
        """Puts under a lock on the first folder of the key, which then has a file `.lock`."""
        path = self._path(key)
        self._make(path.parent)
        with self._locked(path):
            if _version_of(path) != version:
                raise MovedError(key)
            self.put(key, body, content_type)
            return file_version(path.stat())

    def replace(self, key: str, body: bytes, version: str) -> str:
        """Replaces the file; its mode is that of every file of this sink."""
        return self.put_if(key, body, "", version)

    def read(self, key: str) -> StoredNote | None:
        """Reads the file, which is only ever replaced as a whole.

        Raises:
            OSError: the disk's own, naming the file.
        """
        try:
            with self._path(key).open("rb") as file:
                status = os.fstat(file.fileno())
                return StoredNote(file.read(), file_version(status), status.st_mtime)
        except FileNotFoundError:
            return None

    def delete_if(self, key: str, version: str) -> None:
        """Deletes under the same lock."""
        path = self._path(key)
        with self._locked(path):
            there = _version_of(path)
            if there not in {None, version}:
                raise MovedError(key)
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Removes this sink's temporary folder; the next `put` makes another."""
        self._temporary.close()

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        # Not in the folder of the object, which may be a partition of a table.
        first = self._root.joinpath(*path.relative_to(self._root).parts[:-1][:1])
        self._make(first)
        with open(first / ".lock", "ab", opener=open_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or ".." in parts or "\0" in key or key.endswith("/"):
            raise ValueError("an object key must be a relative path to a file, without '..'")
        return self._root.joinpath(*parts)

    def _make(self, folder: Path) -> None:
        if folder in self._made:
            return
        make_folder(self._root)
        below = folder.relative_to(self._root).parts
        for depth in range(1, len(below) + 1):
            path = self._root.joinpath(*below[:depth])
            with suppress(FileExistsError):
                path.mkdir(folder_mode())
            if path.is_symlink() or not path.is_dir():
                raise UserError(f"{path} is not a folder of its own: objects are not written through links; remove it")
        if len(self._made) == _MADE:
            self._made.clear()
        self._made.add(folder)


class S3Sink:
    """An S3 bucket. boto3 is loaded when the first sink is made without a client."""

    concurrent_puts = CONCURRENT_PUTS

    def __init__(self, bucket: str, client: Any = None) -> None:
        if client is None:
            import boto3  # noqa: PLC0415  0.3 s that a folder lake need not pay
            from botocore.config import Config  # noqa: PLC0415

            # boto3 keeps 10 connections, and makes a new one for each put beyond that.
            client = boto3.client("s3", config=Config(max_pool_connections=CONCURRENT_PUTS))
        self._bucket = bucket
        self._client = client

    def put(
        self, key: str, body: bytes, content_type: str = "application/octet-stream", content_encoding: str = ""
    ) -> None:
        """Puts by PutObject, which is atomic.

        Raises:
            UserError: S3 refused it, after the SDK's own retries.
        """
        encoding: Mapping[str, str] = {"ContentEncoding": content_encoding} if content_encoding else {}
        with as_user_errors(f"{S3}{self._bucket}", "written"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, **encoding)

    def put_if(self, key: str, body: bytes, content_type: str, version: str | None) -> str:
        """Puts by PutObject with S3's own condition."""
        with as_user_errors(f"{S3}{self._bucket}", "written"):
            return self._put_if(key, body, version, ContentType=content_type)

    def replace(self, key: str, body: bytes, version: str) -> str:
        """Replaces by PutObject with S3's own condition; headers, metadata, storage class and tags are copied."""
        with as_user_errors(f"{S3}{self._bucket}", "written"):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in {"404", "NoSuchKey"}:
                    raise
                raise MovedError(key) from None
            kept = {name: head[name] for name in _KEPT if head.get(name)}
            if head.get("TagCount"):
                tags = self._client.get_object_tagging(Bucket=self._bucket, Key=key)["TagSet"]
                kept["Tagging"] = urlencode({tag["Key"]: tag["Value"] for tag in tags})
            return self._put_if(key, body, version, **kept)

    def _put_if(self, key: str, body: bytes, version: str | None, **named: Any) -> str:
        condition = {"IfMatch": version} if version else {"IfNoneMatch": "*"}
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **condition, **named)
        except self._client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in _MOVED:
                raise
            answer = self._own(key, body)
        etag: str = answer["ETag"]
        return etag

    def _own(self, key: str, body: bytes) -> Mapping[str, Any]:
        """Returns the object if it is `body`: the SDK repeats a put whose answer was lost, and finds its own object."""
        try:
            answer: Mapping[str, Any] = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            raise MovedError(key) from None
        if answer["Body"].read() != body:
            raise MovedError(key)
        return answer

    def read(self, key: str) -> StoredNote | None:
        """Reads by GetObject; LastModified is in whole seconds."""
        with as_user_errors(f"{S3}{self._bucket}", "read"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                return None
            return StoredNote(answer["Body"].read(), answer["ETag"], answer["LastModified"].timestamp())

    def delete_if(self, key: str, version: str) -> None:
        """Deletes by DeleteObject with S3's own condition."""
        with as_user_errors(f"{S3}{self._bucket}", "written"):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=version)
            except self._client.exceptions.ClientError as error:
                code = error.response["Error"]["Code"]
                if code != "NoSuchKey" and code in _MOVED:
                    raise MovedError(key) from None
                if code != "NoSuchKey":
                    raise

    def check(self) -> None:
        """Checks that the bucket can be reached.

        Raises:
            botocore.exceptions.ClientError: the bucket does not exist, or belongs to somebody else.
        """
        self._client.head_bucket(Bucket=self._bucket)

    def close(self) -> None:
        """Does nothing: boto3's connections close with the process."""


def bucket_of(where: str, what: str = "bucket") -> FolderSink | S3Sink:
    """Returns the sink of a folder, which is made if it is missing, or of an existing bucket, `s3://bucket`.

    Raises:
        UserError: the folder cannot be made, or the bucket cannot be reached.
    """
    if where.startswith(S3):
        bucket = where.removeprefix(S3).strip("/")
        if not bucket or "/" in bucket:
            raise UserError(f"{where} is not a {what}: it should be s3://bucket")
        with as_user_errors(f"{S3}{bucket}", "written"):
            sink = S3Sink(bucket)
            sink.check()
        return sink
    make_bucket_folder(Path(where), where, what)
    return FolderSink(Path(where))


def make_bucket_folder(folder: Path, where: str, what: str) -> None:
    """Makes the folder of a bucket or lake, with those above it.

    Raises:
        UserError: the folder cannot be made, or an address such as file:///lake is given, not a path.
    """
    if "://" in where:
        raise UserError(f"{where} cannot be a {what}: it should be the path of a folder, or s3://bucket")
    try:
        make_folder(folder)
    except OSError as error:
        raise UserError(f"{where} cannot be a {what}: {error.strerror}") from None


def _version_of(path: Path) -> str | None:
    try:
        return file_version(path.stat())
    except FileNotFoundError:
        return None


def file_version(status: os.stat_result) -> str:
    """Returns the version of a file that is only ever replaced by another file, as sinks do."""
    return f"{status.st_ino}-{status.st_mtime_ns}"
