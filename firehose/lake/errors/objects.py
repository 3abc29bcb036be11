"""Error objects, wherever they lie: Firehose's own in a lake, or a folder or prefix of any."""

from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from firehose.lake.storage import BucketLake, FolderLake, Lake, Stored
from firehose.local.sinks import S3
from firehose.local.user_error import UserError
from glue.layout import ERROR_DOCUMENTS, FIREHOSE_ERRORS, REPLAY_JOURNAL

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403"})


class DeniedError(UserError):
    """Firehose's error objects may not be read: they lie under a tighter policy than the function's documents."""


class ErrorObject(NamedTuple):
    """An error object: the key that names its records for good, where a user finds it, and what it holds."""

    key: str
    where: str
    body: bytes


def lake_errors(lake: Lake, replayed: Callable[[str], bool]) -> Iterator[ErrorObject]:
    """Firehose's error objects of a lake, of every kind, in order of key, those first that are `replayed` in part.

    So a record that was replayed from one object is not another stream's failure because that one's object came later
    and has the smaller key.

    Raises:
        DeniedError: they may not be read.
        UserError: they cannot be read.
    """
    try:
        for stored in sorted(lake.objects(FIREHOSE_ERRORS), key=lambda one: not replayed(one.key)):
            yield ErrorObject(stored.key, lake.where(stored), _body(lake, stored))
    except UserError as mistake:
        if is_denied(mistake):
            raise DeniedError(f"Firehose's error objects may not be read: {mistake}") from mistake
        raise


def errors_elsewhere(where: str, lake: str) -> Iterator[ErrorObject]:
    """The error objects below a folder or `s3://bucket/prefix`, which may lie in the lake itself.

    Elsewhere a key is a digest of the object, and a number where several are equal: what has been replayed is known
    again though its folder was moved, or is given in another path; two equal files are two.

    Raises:
        UserError: there is nothing to read, or these are the function's documents in the lake.
    """
    reader, prefix = _opened(where)
    return _elsewhere(where, reader, prefix, _place_in_lake(where, lake))


def _elsewhere(where: str, reader: Lake, prefix: str, in_lake: str | None) -> Iterator[ErrorObject]:
    """The objects below a prefix, which is `in_lake` where it lies in the lake."""
    equal: Counter[str] = Counter()
    for stored in reader.objects(prefix):
        path = stored.key.removeprefix(prefix)
        lake_key = None if in_lake is None else f"{in_lake}{path}"
        if lake_key is not None and lake_key.startswith(REPLAY_JOURNAL):
            continue
        if lake_key is not None and lake_key.startswith(ERROR_DOCUMENTS):
            raise UserError(f"{where} holds the function's documents; Firehose has the originals: leave out --errors")
        body = _body(reader, stored)
        if lake_key is not None and lake_key.startswith(FIREHOSE_ERRORS):
            yield ErrorObject(lake_key, reader.where(stored), body)
        else:
            digest = sha256(body).hexdigest()
            yield ErrorObject(f"{digest}-{equal[digest]}", reader.where(stored), body)
            equal[digest] += 1


def is_denied(mistake: UserError) -> bool:
    """Whether something cannot be read because it is not allowed."""
    cause = mistake.__cause__
    # botocore's exceptions of a connection have a `response`, too, which is None.
    response = getattr(cause, "response", None) or {}
    return isinstance(cause, PermissionError) or response.get("Error", {}).get("Code") in _DENIED


def _opened(where: str) -> tuple[Lake, str]:
    """What reads the objects of a place, and their prefix in it."""
    if where.startswith(S3):
        bucket, _, path = where.removeprefix(S3).partition("/")
        prefix = f"{path.strip('/')}/" if path.strip("/") else ""
        return BucketLake(f"{S3}{bucket}", holds=prefix), prefix
    if not Path(where).is_dir():
        raise UserError(f"no such folder of error objects: {where}")
    return FolderLake(Path(where)), ""


def _place_in_lake(where: str, lake: str) -> str | None:
    """The prefix in the lake of a place that lies in it: "data-pipeline/errors/firehose/"; None elsewhere."""
    if where.startswith(S3) != lake.startswith(S3):
        return None
    if where.startswith(S3):
        bucket, _, path = where.removeprefix(S3).partition("/")
        inside = path.strip("/") if bucket == lake.removeprefix(S3).strip("/") else None
    else:
        found, root = Path(where).resolve(), Path(lake).resolve()
        inside = found.relative_to(root).as_posix() if found.is_relative_to(root) else None
    if inside is None:
        return None
    return "" if inside in {"", "."} else f"{inside}/"


def _body(lake: Lake, stored: Stored) -> bytes:
    with lake.open(stored) as file:
        return file.read()
