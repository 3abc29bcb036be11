"""CompressionFormat: what others' decoders make of our objects, and that the same body is always the same bytes."""

import gzip
import io
import zipfile
from collections.abc import Callable
from struct import unpack_from
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firehose.local.config.s3_settings import EXTENSIONS
from firehose.local.delivery.compression import COMPRESSIONS

NAME = "orders-1-2025-01-02-03-04-05-cdbdc54e-a4e9-561a-9e8c-168a1f62b265"


def compressed(kind: str, body: bytes) -> bytes:
    return COMPRESSIONS[kind].compress(body, NAME + EXTENSIONS[kind])


def unzipped(stored: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert archive.testzip() is None
        (name,) = archive.namelist()
        assert str(UUID(name)) == name
        assert name not in NAME
        return archive.read(name)


def unsnapped(stored: bytes) -> bytes:
    """By the description of snappy-java's stream."""
    assert stored[:16] == b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
    body, place = b"", 16
    while place < len(stored):
        (size,) = unpack_from(">I", stored, place)
        body += raw(stored[place + 4 : place + 4 + size], at_most=32 * 1024)
        place += 4 + size
    return body


def unsnapped_by_hadoop(stored: bytes) -> bytes:
    """By the description of Hadoop's blocks."""
    body, place = b"", 0
    while place < len(stored):
        uncompressed, size = unpack_from(">II", stored, place)
        block = raw(stored[place + 8 : place + 8 + size], at_most=32 * 1024)
        assert len(block) == uncompressed
        body += block
        place += 8 + size
    return body


def raw(block: bytes, *, at_most: int) -> bytes:
    """A raw Snappy block, which begins with its length in seven bits a byte."""
    size = shift = 0
    for byte in block:
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    assert 0 < size <= at_most
    body: bytes = pa.decompress(block, decompressed_size=size, codec="snappy", asbytes=True)
    return body


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "UNCOMPRESSED": bytes,
    "GZIP": gzip.decompress,
    "ZIP": unzipped,
    "Snappy": unsnapped,
    "HADOOP_SNAPPY": unsnapped_by_hadoop,
}


@pytest.mark.parametrize("kind", DECODERS)
@given(body=st.binary(max_size=2000), times=st.sampled_from([1, 50, 400]))
@example(body=b"", times=1)
@example(body=b"x" * 1024, times=32)
@example(body=b"0123456789", times=60_000)
def test_what_was_compressed_is_read_again(kind: str, body: bytes, times: int) -> None:
    assert DECODERS[kind](compressed(kind, body * times)) == body * times


@pytest.mark.parametrize("kind", DECODERS)
def test_the_same_body_is_the_same_bytes_at_any_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compressed(kind, b"body" * 1000)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))

    assert compressed(kind, b"body" * 1000) == first


def test_foobar_is_the_published_example_of_snappy_java() -> None:
    # A dump of snappy-java's own output, in the public sources of a Haskell reader of it.
    expected = "82534e4150505900 00000001 00000001 00000009 07 18 666f6f6261720a"

    assert compressed("Snappy", b"foobar\n") == bytes.fromhex(expected)


def test_each_format_has_the_encoding_and_extension_that_real_objects_have() -> None:
    assert {kind: (each.content_encoding, EXTENSIONS[kind]) for kind, each in COMPRESSIONS.items()} == {
        "UNCOMPRESSED": ("", ""),
        "GZIP": ("gzip", ".gz"),
        "ZIP": ("zip", ".zip"),
        "Snappy": ("snappy-java", ".snappy"),
        "HADOOP_SNAPPY": ("hadoop-snappy", ".snappy"),
    }
