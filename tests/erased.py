"""Subjects who are erased, and a search for what a lake still says of them: in every file, unpacked and decoded."""

import gzip
import json
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq

from firehose.lake.erasure.erased_subjects import SubjectList
from firehose.lake.opening import open_lake, open_lake_to_write
from tests.given import CHANGED_MS

# A day after the changes of tests.given.
ERASED_MICROS = (CHANGED_MS + 86_400_000) * 1000


def list_erased(lake: Path | str, *subjects: str, at_micros: int = ERASED_MICROS, key: str = "") -> None:
    """Enter subjects into a lake's list, as an erasure does before it redacts anything."""
    where = str(lake)
    with closing(open_lake_to_write(where)) as store:
        SubjectList(store, open_lake(where, may_be_empty=True), where, key).request(subjects, at_micros)


def holding(folder: Path, *values: str) -> list[str]:
    """Return the files below a folder that hold one of these values, in whatever form."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        path.relative_to(folder).as_posix()
        for path in files
        if any(value.encode() in text for text in _texts(path.read_bytes()) for value in values)
    ]


def _texts(body: bytes) -> Iterator[bytes]:
    yield body
    if body.startswith(b"\x1f\x8b"):
        yield from _texts(gzip.decompress(body))
    elif body.startswith(b"PAR1"):
        yield repr(pq.read_table(BytesIO(body)).to_pylist()).encode()
    elif body.startswith(b"Obj\x01"):
        yield repr(list(fastavro.reader(BytesIO(body)))).encode()
    else:
        for line in body.splitlines():
            yield from _strings(line)


def _strings(body: bytes) -> Iterator[bytes]:
    """Yield the texts of a JSON document, and what they hold in base64 or as JSON."""
    try:
        waiting: list[Any] = [json.loads(body)]
    except ValueError:
        return
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting += [*one, *one.values()] if isinstance(one, dict) else one
        elif isinstance(one, str):
            yield one.encode("utf-8", "surrogatepass")
            yield from _strings(one.encode("utf-8", "surrogatepass"))
            try:
                decoded = b64decode(one, validate=True)
            except (Error, ValueError):
                continue
            yield decoded
            yield from _strings(decoded)
