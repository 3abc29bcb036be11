"""A scratch lake for the items of a table. It holds their personal data, so it is always removed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from firehose.lake.opening import open_lake
from firehose.local.aws_errors import as_user_errors
from firehose.local.sinks import S3
from firehose.local.temporary_folders import TemporaryFolder, remove_left
from firehose.local.user_error import UserError
from glue.layout import ROOT


class Scratch(NamedTuple):
    """A scratch lake, a folder for the state of the backfill that fills it, and one for what memory does not hold."""

    lake: str
    state: Path
    spill: Path


@contextmanager
def scratch_lake(where: str = "") -> Iterator[Scratch]:
    """Provide an empty lake: in a folder that does not exist yet, in `s3://bucket`, or in a temporary folder.

    Raises:
        UserError: something is there already, or it cannot be written.
    """
    temporary = Path(tempfile.gettempdir())
    remove_left(temporary)
    folder = TemporaryFolder(temporary)
    try:
        state, spill = folder.path() / "state", folder.path() / "spill"
        if where.startswith(S3):
            with _bucket(where):
                yield Scratch(where, state, spill)
        elif where:
            with _folder(Path(where)):
                yield Scratch(where, state, spill)
        else:
            yield Scratch(str(folder.path() / "lake"), state, spill)
    finally:
        folder.close()


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        raise UserError(f"{path} exists: name a new folder for --scratch, which is removed at the end") from None
    except OSError as error:
        raise UserError(f"{path} cannot be created for --scratch: {error.strerror}") from None
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _bucket(where: str) -> Iterator[None]:
    lake = open_lake(where, may_be_empty=True)
    if any(True for _ in lake.objects(f"{ROOT}/")):
        raise UserError(f"{where} is a lake already: name a bucket for --scratch that has nothing below {ROOT}/")
    try:
        yield
    finally:
        _empty(where.removeprefix(S3).strip("/"))


def _empty(bucket: str) -> None:
    """Remove every object below the root of a lake. All of them are ours: `_bucket` refuses a bucket that has any."""
    import boto3  # noqa: PLC0415 - 0.3 s that a folder need not pay

    with as_user_errors(f"{S3}{bucket}", "written"):
        client = boto3.client("s3")
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{ROOT}/"):
            for one in page.get("Contents", []):
                client.delete_object(Bucket=bucket, Key=one["Key"])
