"""Erasures, and everything that a lake holds as an attacker reads it: unpacked, decoded, in every file."""

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pyarrow.parquet as pq

from tests.commands import result_of

# At once, where nothing of theirs is left: else a subject stays pending for a day.
NO_WAIT = ("--retention", "0s")


def erase(lake: Path | str, folder: Path, *subjects: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Erase subjects; the counts."""
    file = folder / "subjects.txt"
    file.write_text("".join(f"{one}\n" for one in subjects))
    result = result_of("erase", "--lake", str(lake), "--subjects", str(file), "--json", *options)
    counts: dict[str, Any] = json.loads(result.stdout)
    is_left = counts["subjects"]["pending"] or counts["subjects"]["failed"]
    assert result.exit_code == (1 if is_left and "--dry-run" not in options else 0)
    return counts


def states(counts: dict[str, Any]) -> tuple[int, int, int]:
    """Return the numbers of subjects that are erased, pending, and failed."""
    return counts["subjects"]["erased"], counts["subjects"]["pending"], counts["subjects"]["failed"]


def reported(files: Mapping[str, bytes]) -> list[tuple[list[str], str]]:
    """The finished reports that say of something that it was done: their lines and sums, without what is of one run."""
    found = []
    for name in sorted(name for name in files if name.endswith(".md")):
        lines = [json.loads(line) for line in files[name.removesuffix("md") + "jsonl"].splitlines()]
        page = files[name].decode()
        if lines:
            sums = page[page.index("## What was done") : page.index("## Proof")]
            found.append((sorted(map(_without_ids, lines)), sums))
    return found


def reports(lake: Path) -> list[tuple[list[str], str]]:
    """The finished reports of a lake in a folder, in which none is unfinished."""
    folder = lake / "dmd-jobs/erasures"
    assert [path for path in folder.rglob("*") if path.is_file() and path.parent != folder] == [], lake.name
    return reported({path.name: path.read_bytes() for path in folder.glob("*.*")})


def _without_ids(line: dict[str, Any]) -> str:
    ids = {name: "" for name in ("before", "etag", "deleted_version") if name in line}
    return json.dumps(line | ids | {"subjects": len(line["subjects"])})


def data(lake: Path) -> dict[str, bytes]:
    """The objects below data-pipeline/, by key; hidden ones left out as Athena does."""
    files = (path for path in (lake / "data-pipeline").rglob("[!.]*") if path.is_file())
    return {path.relative_to(lake).as_posix(): path.read_bytes() for path in files}


def texts(body: bytes) -> Iterator[bytes]:
    """Everything that can be read in an object: its bytes, unpacked, row by row, and out of base64, at any depth."""
    yield body
    if body.startswith(b"\x1f\x8b"):
        yield from texts(gzip.decompress(body))
    elif body.startswith(b"PAR1"):
        yield from strings(pq.read_table(BytesIO(body)).to_pylist())
        yield from strings(pq.read_metadata(BytesIO(body)).to_dict())
    elif body.startswith(b"Obj\x01"):
        yield from strings(list(fastavro.reader(BytesIO(body))))
    else:
        for run in re.findall(rb"[A-Za-z0-9+/]{12,}={0,2}", body):
            try:
                decoded = base64.b64decode(run[: len(run) // 4 * 4])
            except ValueError:
                continue
            yield from texts(decoded)


def strings(value: Any) -> Iterator[bytes]:
    """Every string in a value, at any depth."""
    if isinstance(value, str | bytes):
        yield value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    elif isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def holders(lake: Path, value: str) -> list[str]:
    """The keys of the objects in which a value can be read."""
    files = (path for path in lake.rglob("*") if path.is_file())
    found = {
        path.relative_to(lake).as_posix()
        for path in files
        for text in texts(path.read_bytes())
        if value.encode() in text or json.dumps(value)[1:-1].encode() in text
    }
    return sorted(found)
