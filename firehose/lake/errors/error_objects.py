"""Error objects: Firehose's own in a lake, or any that lie in a folder or below a prefix."""

from collections import Counter
from collections.abc import Callable, Iterator, Set
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from firehose.lake.errors.failed_records import FailedRecord, read
from firehose.lake.objects import FolderLake, Lake, read_whole
from firehose.lake.opening import open_bucket
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from glue.layout import ERROR_DOCUMENTS, FIREHOSE_ERRORS, REPLAY_JOURNAL
from transform.scrub import digest_of_original

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403"})


class DeniedError(UserError):
    """Firehose's error objects may not be read: their policy is tighter than that of the function's documents."""


class ErrorObject(NamedTuple):
    """An error object. Its `key` identifies it in the journal for ever; `where` is its path or address."""

    key: str
    where: str
    body: bytes


def lake_errors(lake: Lake, replayed: Callable[[str], bool]) -> Iterator[ErrorObject]:
    """Yield all of Firehose's error objects of a lake: first those that are `replayed` in part, then the rest, by key.

    A record that several streams lost counts for the object that is read first. Once that object is replayed it must
    stay the first, even if the object of another stream arrives later with a smaller key.

    Raises:
        DeniedError: they may not be read.
        UserError: they cannot be read.
    """
    try:
        for stored in sorted(lake.objects(FIREHOSE_ERRORS), key=lambda one: not replayed(one.key)):
            yield ErrorObject(stored.key, lake.where(stored), read_whole(lake, stored))
    except UserError as error:
        if is_denied(error):
            raise DeniedError(f"you may not read Firehose's error objects: {error}") from error
        raise


def errors_elsewhere(where: str, lake: str, personal: Set[str]) -> Iterator[ErrorObject]:
    """Return the error objects below a folder or `s3://bucket/prefix`, which may lie in the lake itself.

    The key of an object outside the lake is a digest of its records, with a number if several are equal. So a replay
    recognises it even if its folder was moved or is named by another path, and two equal files count as two. The
    `personal` attributes are redacted before the digest, because the journal keeps the key (BR-23).

    Raises:
        UserError: there is nothing to read, or these are the function's documents in the lake.
    """
    reader, prefix = _open(where)
    return _elsewhere(where, reader, prefix, _prefix_in_lake(where, lake), personal)


def _elsewhere(where: str, reader: Lake, prefix: str, in_lake: str | None, personal: Set[str]) -> Iterator[ErrorObject]:
    """Yield the objects below a prefix; `in_lake` is its place in the lake, if it lies there."""
    equal: Counter[str] = Counter()
    for stored in reader.objects(prefix):
        path = stored.key.removeprefix(prefix)
        lake_key = "" if in_lake is None else f"{in_lake}{path}"
        if lake_key.startswith(REPLAY_JOURNAL):
            continue
        if lake_key.startswith(ERROR_DOCUMENTS):
            raise UserError(
                f"{where} holds the function's error documents, whose originals Firehose has too: leave out --errors"
            )
        body = read_whole(reader, stored)
        if lake_key.startswith(FIREHOSE_ERRORS):
            yield ErrorObject(lake_key, reader.where(stored), body)
        else:
            digest = _digest(body, personal)
            yield ErrorObject(f"{digest}-{equal[digest]}", reader.where(stored), body)
            equal[digest] += 1


def _digest(body: bytes, personal: Set[str]) -> str:
    digest = sha256(b"%d" % len(body))
    for found in read(body):
        if isinstance(found, FailedRecord):
            facts = (found.place, found.arrival_ms, found.code, found.sequence, digest_of_original(found.raw, personal))
            digest.update(repr(facts).encode())
    return digest.hexdigest()


def is_denied(error: UserError) -> bool:
    """Return True if the error is a lack of permission."""
    cause = error.__cause__
    # botocore's exceptions of a connection have a `response`, too, which is None.
    response = getattr(cause, "response", None) or {}
    return isinstance(cause, PermissionError) or response.get("Error", {}).get("Code") in _DENIED


def _open(where: str) -> tuple[Lake, str]:
    """Return a reader of the objects of a place, and their prefix in it."""
    if where.startswith(S3):
        bucket, prefix = _bucket_and_prefix(where)
        return open_bucket(bucket, prefix), prefix
    if not Path(where).is_dir():
        raise UserError(f"no such folder of error objects: {where}")
    return FolderLake(Path(where)), ""


def _prefix_in_lake(where: str, lake: str) -> str | None:
    """Return the prefix of a place that lies in the lake: "data-pipeline/errors/firehose/". None elsewhere."""
    if where.startswith(S3) != lake.startswith(S3):
        return None
    if where.startswith(S3):
        bucket, prefix = _bucket_and_prefix(where)
        return prefix if bucket == _bucket_and_prefix(lake)[0] else None
    found, root = Path(where).resolve(), Path(lake).resolve()
    if not found.is_relative_to(root):
        return None
    return "" if found == root else f"{found.relative_to(root).as_posix()}/"


def _bucket_and_prefix(where: str) -> tuple[str, str]:
    """s3://bucket/some/place -> ("bucket", "some/place/")."""
    bucket, _, path = where.removeprefix(S3).partition("/")
    return bucket, f"{path.strip('/')}/" if path.strip("/") else ""
