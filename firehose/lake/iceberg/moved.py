"""Moves the Iceberg tables of a folder: rewrites the absolute paths in their metadata to those of today.

Paths stand in table metadata (JSON), in manifest lists and manifests (Avro), and in the catalog. Each file is replaced
as a whole, the catalog's rows last, and only what names the old place is changed: after a kill, run it again.
"""

import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import fastavro
from fastavro.write import Writer

from firehose.lake.iceberg.catalogs import address, metadata_of
from firehose.local.private_files import write_file
from firehose.local.user_error import UserError
from glue.layout import ICEBERG_CATALOG, Format, format_prefix

_POSITION_DELETES = 1  # the content of a manifest (Iceberg specification, "Manifest lists")


def move_tables(lake: str, *, dry_run: bool = False) -> int:
    """Rewrite the paths of a lake's tables, and return the number of metadata files that named another place.

    Raises:
        UserError: the lake has no catalog, its tables come from several places, or a table has delete files.
    """
    if not Path(lake, ICEBERG_CATALOG).is_file():
        raise UserError(f"{lake} has no Iceberg tables: make them with dmd iceberg tables --lake {lake}")
    here = f"{address(lake)}/"
    if (there := _old_place(lake, here)) is None:
        return 0
    changed = 0
    sizes: dict[str, int] = {}
    for path in _metadata_files(Path(lake, format_prefix(Format.ICEBERG))):
        before = path.read_bytes()
        after = _json(before, there, here) if path.suffix == ".json" else _avro(before, there, here, sizes)
        if path.suffix == ".avro":
            sizes[str(path.absolute())] = len(after)
        if after == before:
            continue
        changed += 1
        if not dry_run:
            _replace(path, after)
    if not dry_run:
        _move_rows(lake, there, here)
    return changed


def _old_place(lake: str, here: str) -> str | None:
    end = f"/{format_prefix(Format.ICEBERG)}"
    places = {one.partition(end)[0] + end for one in metadata_of(lake).values()} - {here}
    if len(places) > 1:
        raise UserError(f"the Iceberg tables of {lake} come from several places: {', '.join(sorted(places))}")
    return next(iter(places), None)


def _metadata_files(folder: Path) -> Iterator[Path]:
    """Yield a lake's metadata files: manifests before the lists that hold their sizes."""
    avro = sorted(folder.glob("*/metadata/*.avro"))
    yield from (path for path in avro if not path.name.startswith("snap-"))
    yield from (path for path in avro if path.name.startswith("snap-"))
    yield from sorted(folder.glob("*/metadata/*.metadata.json"))


def _json(body: bytes, there: str, here: str) -> bytes:
    document = json.loads(body)
    moved = _moved(document, there, here)
    return body if moved == document else json.dumps(moved, separators=(",", ":")).encode()


def _avro(body: bytes, there: str, here: str, sizes: dict[str, int]) -> bytes:
    """Return an Avro file with the paths of its records moved; in a manifest list also with the manifests' sizes."""
    reader = fastavro.reader(io.BytesIO(body))
    records = list(reader)
    moved = [_moved(record, there, here) for record in records]
    for record in moved:
        if record.get("content") == _POSITION_DELETES and "manifest_path" in record:
            raise UserError("a table has delete files, whose paths lie within data files: it cannot be moved")
        if record.get("manifest_path") in sizes:
            record["manifest_length"] = sizes[record["manifest_path"]]
    if moved == records:
        return body
    kept = {name: value for name, value in reader.metadata.items() if name not in {"avro.schema", "avro.codec"}}
    file = io.BytesIO()
    writer = Writer(file, json.loads(reader.metadata["avro.schema"]), reader.codec, metadata=kept)
    for record in moved:
        writer.write(record)
    writer.flush()
    return file.getvalue()


def _moved(value: Any, there: str, here: str) -> Any:
    """Return a value with every text that is an address below the old place moved to the new one."""
    if isinstance(value, str):
        return here + value[len(there) :] if value.startswith(there) else value
    if isinstance(value, dict):
        return {_moved(name, there, here): _moved(one, there, here) for name, one in value.items()}
    return [_moved(one, there, here) for one in value] if isinstance(value, list) else value


def _replace(path: Path, body: bytes) -> None:
    beside = path.with_name(f".{path.name}.moving")
    write_file(beside, body)
    beside.replace(path)


def _move_rows(lake: str, there: str, here: str) -> None:
    with closing(sqlite3.connect(Path(lake, ICEBERG_CATALOG))) as connection, connection:
        for column in ("metadata_location", "previous_metadata_location"):
            connection.execute(
                f"UPDATE iceberg_tables SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608 - ours
                (here, len(there) + 1, len(there), there),
            )
