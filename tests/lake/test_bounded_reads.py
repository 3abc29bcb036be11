"""Nothing that is read from a lake or an export takes more memory than what belongs there: a line, a file, a value."""

import gzip
import io
import json
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastavro
import pytest

from firehose.lake.backfill.export import find_export
from firehose.lake.backfill.item_source import ExportSource
from firehose.lake.errors.failed_records import Unreadable, read
from firehose.lake.errors.report import report
from firehose.lake.objects import MOST_OBJECT_BYTES
from firehose.lake.query.avro_container import MOST_BLOCK_BYTES, ContainerReader
from firehose.lake.query.sql import query
from firehose.local.user_error import UserError
from tests.exports import demand, export, full, full_export
from tests.failed import document_of, documents, error_object, failed
from tests.lakes import image_of_demand, write_avro

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
LONG = 256 * MIB


@contextmanager
def at_most(peak_bytes: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < peak_bytes
    finally:
        tracemalloc.stop()


def bomb(size_bytes: int = LONG, start: bytes = b"") -> bytes:
    """Gzip data of so many spaces, a thousandth of the size."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(start)
        for _ in range(size_bytes // MIB):
            file.write(b" " * MIB)
    return packed.getvalue()


def sparse(path: Path, size_bytes: int) -> Path:
    """A file of so many zeros, which takes no place on the disk."""
    with path.open("ab") as file:
        file.truncate(size_bytes)
    return path


@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_a_long_line_of_an_export_is_one_that_is_not_an_item(tmp_path: Path, kind: str) -> None:
    home = export(tmp_path, [full(demand("a"))], listed={"md5Checksum": None, "itemCount": 2})
    if kind == "incremental":
        summary = json.loads((home / "manifest-summary.json").read_bytes()) | {"exportType": "INCREMENTAL_EXPORT"}
        (home / "manifest-summary.json").write_text(json.dumps(summary))
        for ending in (".checksum", ".md5"):
            (home / f"manifest-summary{ending}").unlink(missing_ok=True)
    (path,) = (home / "data").iterdir()
    path.write_bytes(bomb(start=b"{}\n"))

    with at_most(30 * MIB):
        (page,) = ExportSource(find_export(str(tmp_path)), personal=frozenset()).pages(0, "")

    assert (page.items, page.counts.not_lines) == ([], 2)
    assert page.counts.places[1] == f"{path}:2: not an item: 268,435,456 bytes; an item has at most 400 KB"


@pytest.mark.parametrize("name", ["manifest-summary.json", "manifest-files.json", "manifest-files.checksum"])
def test_a_file_that_is_larger_than_a_manifest_is_named(tmp_path: Path, name: str) -> None:
    home = full_export(tmp_path, [demand("a")])
    sparse(home / name, LONG)

    with at_most(200 * MIB), pytest.raises(UserError, match=rf"{name} is larger than the manifest of an export"):
        find_export(str(tmp_path))


def test_a_long_line_of_error_documents_is_unreadable_and_those_around_it_are_not(tmp_path: Path) -> None:
    path = documents(tmp_path, document_of(b"1"))
    sparse(path, LONG)
    with path.open("ab") as file:
        file.write(b"\n" + json.dumps(document_of(b"2")).encode())

    with at_most(100 * MIB):
        found = report(str(tmp_path))

    assert ([one.count for one in found.failures], found.unreadable) == ([2], [f"{path}:2"])


def test_an_error_object_that_unpacks_to_more_than_one_can_have_is_one_unreadable_thing() -> None:
    body = bomb(MOST_OBJECT_BYTES, start=b"{}")

    with at_most(10 * MIB):
        found = list(read(body))

    assert found == [Unreadable(0)]


def test_objects_nested_without_end_are_given_up_after_a_few_seconds() -> None:
    started = time.process_time()

    assert list(read(b'{"a":' * 1_000_000)) == [Unreadable(0)]

    assert time.process_time() - started < 20


def test_an_error_object_that_is_too_large_is_named(tmp_path: Path) -> None:
    path = sparse(error_object(tmp_path, failed(b"{")), MOST_OBJECT_BYTES + 1)

    with at_most(10 * MIB), pytest.raises(UserError, match=rf"^{path} has 268,435,457 bytes; an object of its kind"):
        report(str(tmp_path))


ROW: dict[str, Any] = {"type": "record", "name": "row", "fields": [{"name": "id", "type": "string", "default": ""}]}


def container(block: bytes, schema: Any = ROW, codec: str = "deflate") -> bytes:
    """A container whose blocks are these bytes."""
    file = io.BytesIO()
    fastavro.writer(file, schema, [], codec=codec, sync_marker=b"s" * 16)
    return file.getvalue() + block + b"s" * 16


def long(number: int) -> bytes:
    file = io.BytesIO()
    fastavro.schemaless_writer(file, "long", number)
    return file.getvalue()


def deflated(size_bytes: int) -> bytes:
    packer = zlib.compressobj(1, wbits=-15)
    parts = [packer.compress(bytes(MIB)) for _ in range(size_bytes // MIB)]
    return b"".join([*parts, packer.flush()])


DEFLATED = deflated(LONG)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(container(long(LONG) + long(len(DEFLATED)) + DEFLATED), id="a block unpacks to too much"),
        pytest.param(container(long(1) + long(2**50)), id="a block says that it has a petabyte"),
        pytest.param(container(long(2**50) + long(0), ROW | {"fields": []}, "null"), id="rows without a byte"),
    ],
)
def test_a_block_that_is_larger_than_it_can_be_is_damaged(body: bytes) -> None:
    reader = ContainerReader(json.dumps(ROW), ["id"])

    with at_most(MOST_BLOCK_BYTES * 3), pytest.raises(ValueError, match="a block"):
        list(reader.rows(io.BytesIO(body)))


def test_the_rows_of_a_large_block_are_decoded_some_at_a_time() -> None:
    reader = ContainerReader(json.dumps(ROW), ["id"])
    body = container(long(10 * MIB) + long(10 * MIB) + bytes(10 * MIB), codec="null")

    with at_most(30 * MIB):
        first = next(reader.rows(io.BytesIO(body)))

    assert len(first) == 1000


def test_a_large_container_is_not_read_whole(tmp_path: Path) -> None:
    path = write_avro(tmp_path, "demand", "2025-01-01", [image_of_demand("2025-01-01")])
    sparse(path, 1024 * MIB)

    with at_most(40 * MIB), pytest.raises(UserError, match=rf"^{path} is not an Avro container, or it is damaged"):
        query("SELECT count(*) FROM demand", str(tmp_path))
