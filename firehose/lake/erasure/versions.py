"""Noncurrent versions of a bucket's objects: what was replaced or deleted stays in a bucket that keeps versions."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from firehose.local.aws_errors import as_user_errors
from firehose.local.sinks import S3
from firehose.local.user_error import UserError


class ObjectVersion(NamedTuple):
    """A noncurrent version of an object."""

    key: str
    version: str
    size_bytes: int


class Versions(Protocol):
    """The noncurrent versions of a lake's objects."""

    def noncurrent(self, prefix: str) -> Iterator[ObjectVersion]:
        """Yield all of them below a prefix.

        Raises:
            UserError: they cannot be listed.
        """

    def are_kept(self) -> bool:
        """Return True if what is replaced stays, as a noncurrent version."""

    def read(self, version: ObjectVersion) -> bytes | None:
        """Return the bytes of one, None if it is gone."""

    def delete(self, key: str, version: str) -> None:
        """Delete one for good; one that is gone stays so."""


class FolderVersions:
    """A folder keeps none."""

    def noncurrent(self, _: str) -> Iterator[ObjectVersion]:
        """Yield none."""
        return iter(())

    def are_kept(self) -> bool:
        """Return False."""
        return False

    def read(self, _: ObjectVersion) -> None:
        """Return None."""

    def delete(self, key: str, version: str) -> None:
        """Do nothing."""


class BucketVersions:
    """The noncurrent versions of a bucket, by the credentials that boto3 finds."""

    def __init__(self, bucket: str) -> None:
        import boto3  # noqa: PLC0415 - costs 0.3 s, which a folder lake need not wait for

        self._bucket = bucket
        with as_user_errors(f"{S3}{bucket}", "read"):
            self._client: Any = boto3.client("s3")

    def noncurrent(self, prefix: str) -> Iterator[ObjectVersion]:
        """List them, a thousand a request. Delete markers hold nothing, and stay."""
        with as_user_errors(f"the versions in {S3}{self._bucket}", "listed"):
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
                for one in page.get("Versions", []):
                    if not one["IsLatest"]:
                        yield ObjectVersion(one["Key"], one["VersionId"], one["Size"])

    def are_kept(self) -> bool:
        """Ask GetBucketVersioning. A bucket in which it was suspended keeps what it has, but no more."""
        with as_user_errors(f"the versioning of {S3}{self._bucket}", "read"):
            return bool(self._client.get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled")

    def read(self, version: ObjectVersion) -> bytes | None:
        """Read one by GetObject."""
        with as_user_errors(f"a version in {S3}{self._bucket}", "read"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=version.key, VersionId=version.version)
            except self._client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchVersion"}:
                    return None
                raise
            body: bytes = answer["Body"].read()
        return body

    def delete(self, key: str, version: str) -> None:
        """Delete one by DeleteObject. An Object Lock refuses that."""
        with as_user_errors(f"a version in {S3}{self._bucket}", "deleted"):
            self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version)


def versions_of(where: str) -> Versions:
    """Return the noncurrent versions of a lake.

    Raises:
        UserError: the bucket does not exist.
    """
    if not where.startswith(S3):
        return FolderVersions()
    bucket = where.removeprefix(S3).rstrip("/")
    if not bucket or "/" in bucket:
        raise UserError(f"{where} is not a lake: it should be a folder, or a whole bucket, s3://bucket")
    return BucketVersions(bucket)
