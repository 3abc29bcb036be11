"""Read an export of a DynamoDB table: its manifests, the data files that they list, and their checksums.

    WHERE[/AWSDynamoDB/<id>]/manifest-summary.json   the table, the time, full or incremental
                             manifest-files.json     a line for each data file: its key, checksum and items
                             data/*.json.gz          the items; those of incremental exports share ../data

Exports get copied, so the keys in a manifest are read relative to it, not as keys of the bucket they are in now.
"""

import gzip
import posixpath
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar, cast

import msgspec

from firehose.lake.backfill.export_place import Place, place_of
from firehose.local.sources.files import bounded_lines
from firehose.local.user_error import UserError

SUMMARY = "manifest-summary.json"
FILES = "manifest-files.json"
INCREMENTAL = "INCREMENTAL_EXPORT"
_READABLE = "DYNAMODB_JSON"
# The first in the documentation, the second in exports of 2022.
_CHECKSUM_ENDINGS = (".checksum", ".md5")

_T = TypeVar("_T")


class _Summary(msgspec.Struct):
    """The members of manifest-summary.json that are used here."""

    tableArn: str  # noqa: N815 - DynamoDB's names
    tableId: str = ""  # noqa: N815
    exportArn: str = ""  # noqa: N815
    exportTime: str | None = None  # noqa: N815
    manifestFilesS3Key: str = ""  # noqa: N815
    outputFormat: str = _READABLE  # noqa: N815
    exportType: str | None = None  # noqa: N815
    outputView: str | None = None  # noqa: N815


class _ListedFile(msgspec.Struct):
    """A line of manifest-files.json."""

    dataFileS3Key: str  # noqa: N815
    md5Checksum: str | None = None  # noqa: N815
    itemCount: int | None = None  # noqa: N815


class DataFile(NamedTuple):
    """A data file of an export: `data/a.json.gz`, relative to the manifest, with its MD5 in base64 and item count."""

    name: str
    checksum: str | None
    items: int | None


class Export(NamedTuple):
    """An export whose manifests are valid and whose files all exist."""

    place: Place
    table: str
    table_arn: str
    region: str
    identity: str  # the export's ARN and the table's id, which copies share
    incremental: bool
    at_micros: int  # the time whose items a full export holds; 0 for an incremental one
    files: list[DataFile]
    unlisted: int  # data files in its folder that its manifest does not list

    @property
    def items(self) -> int:
        """The number of items that the manifest states."""
        return sum(file.items or 0 for file in self.files)

    @contextmanager
    def lines(self, file: DataFile) -> Iterator[Iterator[bytes]]:
        """Open a data file as bounded lines, after checking its checksum.

        Raises:
            UserError: the file is damaged.
        """
        where = self.place.where(file.name)
        with self.place.fetched(file.name) as path:
            if file.checksum is not None and _md5(path) != file.checksum:
                raise UserError(f"{where} is damaged: its MD5 is not the one in the manifest")
            try:
                with gzip.open(path) if file.name.endswith(".gz") else path.open("rb") as opened:
                    yield bounded_lines(cast(BinaryIO, opened))
            except (EOFError, zlib.error, gzip.BadGzipFile):
                raise UserError(f"{where} is damaged: its gzip data is incomplete") from None


def find_export(where: str) -> Export:
    """Return the one export in a folder or below a prefix: `exports`, `s3://bucket/exports/AWSDynamoDB/0166-b6733290`.

    Raises:
        UserError: no export was found, or more than one, or a file of it is missing, unreadable or damaged.
    """
    place = _manifest_place(where)
    summary = _decoded(place, SUMMARY, _Summary)
    if summary.outputFormat != _READABLE:
        raise UserError(
            f"{place.where(SUMMARY)}: an export in {summary.outputFormat} cannot be read; export as {_READABLE}"
        )
    incremental = summary.exportType == INCREMENTAL or (summary.exportType is None and summary.outputView is not None)
    files, unlisted = _files(place, summary)
    arn = summary.tableArn.split(":")  # arn:aws:dynamodb:us-east-1:123456789012:table/NAME
    if len(arn) != 6 or not arn[5].startswith("table/"):
        raise UserError(f"{place.where(SUMMARY)}: tableArn is not the ARN of a table")
    return Export(
        place,
        arn[5].removeprefix("table/"),
        summary.tableArn,
        arn[3],
        f"{summary.exportArn or summary.tableArn} {summary.tableId}",
        incremental,
        0 if incremental else _micros(place, summary.exportTime),
        files,
        unlisted,
    )


def _manifest_place(where: str) -> Place:
    """Return the folder of the one manifest at or below a place."""
    place = place_of(where)
    if place.read(SUMMARY) is not None:
        return place
    found = [
        f"{folder}/{name}" if folder else name
        for folder in ("AWSDynamoDB", "")
        for name in place.folders(folder)
        if place.read(f"{folder}/{name}/{SUMMARY}" if folder else f"{name}/{SUMMARY}") is not None
    ]
    if not found:
        raise UserError(f"no export in {where}: there is no {SUMMARY}, here or in AWSDynamoDB/<id>/")
    if len(found) > 1:
        names = ", ".join(place.where(name) for name in found)
        raise UserError(f"{where} holds {len(found)} exports, choose one: {names}")
    return place.below(found[0])


def _files(place: Place, summary: _Summary) -> tuple[list[DataFile], int]:
    lines = _checked(place, FILES).splitlines()
    listed = [_decode(place, FILES, line, _ListedFile) for line in lines if line.strip()]
    home = posixpath.dirname(summary.manifestFilesS3Key)
    own, shared = place.names("data"), place.names("../data")
    there = {f"data/{name}" for name in own} | {f"../data/{name}" for name in shared}
    files = [DataFile(_name(place, one, home, there), one.md5Checksum, one.itemCount) for one in listed]
    names = {file.name for file in files}
    if len(names) < len(files):
        raise UserError(f"{place.where(FILES)} lists a data file twice")
    # The rest of ../data belongs to other incremental exports.
    return files, len({f"data/{name}" for name in own} - names)


def _name(place: Place, listed: _ListedFile, home: str, there: set[str]) -> str:
    """Return the name of a data file relative to the manifest; the data is in the same folder or one beside it."""
    key = listed.dataFileS3Key
    base = posixpath.basename(key)
    relative = posixpath.relpath(f"/{key}", f"/{home}") if home else ""
    for name in (relative, f"data/{base}", f"../data/{base}"):
        if name in there:
            return name
    raise UserError(f"{place.where(f'data/{base}')} is missing; {place.where(FILES)} lists it")


def _decoded(place: Place, name: str, kind: type[_T]) -> _T:
    return _decode(place, name, _checked(place, name), kind)


def _decode(place: Place, name: str, text: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UserError(f"{place.where(name)} is not the manifest of an export") from None


def _checked(place: Place, name: str) -> bytes:
    """Return a manifest, after checking its checksum if it has one."""
    body = place.read(name)
    if body is None:
        raise UserError(f"{place.where(name)} is missing")
    for ending in _CHECKSUM_ENDINGS:
        checksum = place.read(name.removesuffix(".json") + ending)
        if checksum is not None and checksum.strip() != b64encode(md5(body, usedforsecurity=False).digest()):
            raise UserError(f"{place.where(name)} is damaged: its MD5 is not the one in its {ending} file")
    return body


def _micros(place: Place, text: str | None) -> int:
    """2022-11-12T04:30:50.456Z -> 1668227450456000."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        raise UserError(f"{place.where(SUMMARY)}: exportTime is not a time") from None
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _md5(path: Path) -> str:
    digest = md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return b64encode(digest.digest()).decode()
