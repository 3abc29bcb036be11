"""Read the files of an export, in a folder or below a prefix of a bucket, by relative names: `data/a.json.gz`."""

import contextlib
import posixpath
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from firehose.local.aws_errors import as_user_errors
from firehose.local.os_errors import file_named
from firehose.local.private_files import open_private
from firehose.local.sinks import S3
from firehose.local.temporary_folders import TemporaryFolder, remove_left
from firehose.local.user_error import UserError

# A manifest has some 250 bytes for each data file.
_MOST_SMALL_BYTES = 64 * 1024 * 1024


class Place(Protocol):
    """A folder of files. Names may leave it by `../`: incremental exports share the folder of their data."""

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a small file, or None if it does not exist. A large one raises UserError."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder, `data` or `../data`. A folder that does not exist is empty."""

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""

    def fetched(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """Provide a file on this machine while the context lasts: the file itself, or a temporary copy."""

    def where(self, name: str) -> str:
        """Return the path or address of a file: `exports/AWSDynamoDB/1/data/a.json.gz`, `s3://bucket/...`."""

    def below(self, folder: str) -> "Place":
        """Return the place of a folder in this one."""


def place_of(where: str) -> Place:
    """Return the place at `exports/AWSDynamoDB/0166...` or `s3://bucket/exports`.

    Raises:
        UserError: the folder does not exist, or the bucket's name is missing.
    """
    if where.startswith(S3):
        return BucketPlace(where)
    if not Path(where).is_dir():
        raise UserError(f"no such export: {where} is not a folder")
    return FolderPlace(Path(where))


class FolderPlace:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """Return the bytes of the file."""
        path = self._root / name
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is not a file")
        with _as_user_errors(path):
            try:
                _check_small(path.stat().st_size, str(path))
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> list[str]:
        """Return the names of the files."""
        return [path.name for path in self._paths(folder) if path.is_file()]

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders."""
        return [path.name for path in self._paths(folder) if path.is_dir()]

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """Provide the file itself."""
        path = self._root / name
        with _as_user_errors(path):
            path.open("rb").close()
        yield path

    def where(self, name: str) -> str:
        """Return the path of the file."""
        return posixpath.normpath(str(self._root / name))

    def below(self, folder: str) -> "FolderPlace":
        """Return a folder below."""
        return FolderPlace(self._root / folder)

    def _paths(self, folder: str) -> list[Path]:
        path = self._root / folder
        with _as_user_errors(path):
            return sorted(path.iterdir()) if path.is_dir() else []


class BucketPlace:
    """A prefix of a bucket, by the credentials and endpoint that boto3 finds."""

    def __init__(self, where: str, client: Any = None) -> None:
        self._bucket, _, prefix = where.removeprefix(S3).partition("/")
        self._prefix = prefix.strip("/")
        if not self._bucket:
            raise UserError(f"{where} is not an export: it should be a folder or s3://bucket/prefix")
        remove_left(Path(tempfile.gettempdir()))
        with as_user_errors(S3 + self._bucket, "read"):
            self._client = client or _s3_client()

    def __reduce__(self) -> tuple[type["BucketPlace"], tuple[str]]:
        """Pickle the address: another process makes a client of its own."""
        return BucketPlace, (self.where(""),)

    def read(self, name: str) -> bytes | None:
        """Get the whole object."""
        with as_user_errors(self.where(name), "read"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(name))
            except self._client.exceptions.NoSuchKey:
                return None
            _check_small(answer["ContentLength"], self.where(name))
            body: bytes = answer["Body"].read()
            return body

    def names(self, folder: str) -> list[str]:
        """Return the keys below the prefix, without the marker of the folder itself."""
        return [key for key in self._listed(folder, "Contents", "Key") if key]

    def folders(self, folder: str) -> list[str]:
        """Return the common prefixes below the prefix."""
        return [prefix.rstrip("/") for prefix in self._listed(folder, "CommonPrefixes", "Prefix")]

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """Provide a complete copy, because the checksum can only be verified at the last byte."""
        folder = TemporaryFolder(Path(tempfile.gettempdir()))
        try:
            path = folder.path() / posixpath.basename(name)
            with as_user_errors(self.where(name), "read"):
                body = self._client.get_object(Bucket=self._bucket, Key=self._key(name))["Body"]
                with file_named(path), open(path, "wb", opener=open_private) as file:
                    shutil.copyfileobj(body, file, 1 << 20)
            yield path
        finally:
            folder.close()

    def where(self, name: str) -> str:
        """Return the address of the object."""
        return f"{S3}{self._bucket}/{self._key(name)}"

    def below(self, folder: str) -> "BucketPlace":
        """Return a longer prefix."""
        return BucketPlace(self.where(folder), self._client)

    def _key(self, name: str) -> str:
        return posixpath.normpath(posixpath.join("/", self._prefix, name)).lstrip("/")

    def _listed(self, folder: str, kind: str, member: str) -> list[str]:
        key = self._key(folder)
        prefix = f"{key}/" if key else ""
        found: list[str] = []
        with as_user_errors(self.where(folder), "read"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/"):
                found += [one[member].removeprefix(prefix) for one in page.get(kind, [])]
        return found


def _check_small(size_bytes: int, where: str) -> None:
    if size_bytes > _MOST_SMALL_BYTES:
        raise UserError(f"{where} is larger than the manifest of an export can be, {_MOST_SMALL_BYTES:,} bytes")


def _s3_client() -> Any:
    import boto3  # noqa: PLC0415 - 0.3 s that an export in a folder need not pay
    from botocore.config import Config  # noqa: PLC0415 - with boto3

    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 8}))


@contextmanager
def _as_user_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error
