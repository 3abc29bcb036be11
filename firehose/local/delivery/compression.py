"""CompressionFormat: objects that are not converted, compressed as Firehose compresses them.

What real objects carry was observed by others: Content-Encoding and extension are those of the table below, and
Hadoop's Snappy has `.snappy` though the guide says `.hsnappy`. The same rows always give the same bytes.
"""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from struct import pack
from uuid import NAMESPACE_OID, uuid5

import msgspec
import pyarrow as pa

# snappy-java's SnappyOutputStream: a magic, its version and the oldest that can read it, and blocks of 32 KiB, each
# after its length in four bytes (xerial/snappy-java, SnappyCodec and SnappyOutputStream). Not Snappy's own framing.
_XERIAL_HEADER = b"\x82SNAPPY\x00" + pack(">II", 1, 1)
_BLOCK_BYTES = 32 * 1024

# Its SnappyHadoopCompatibleOutputStream has blocks of the same size, each after its length and that of what Snappy made
# of it. Both streams gave what real objects were, byte for byte (floci-io/floci#2328; of a single block).

# The first date that a zip file can hold; a clock would give the same rows other bytes.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Compression(msgspec.Struct, frozen=True):
    """One CompressionFormat. `compress` takes a body and the name of its object."""

    content_encoding: str
    compress: Callable[[bytes, str], bytes]


def _gzip(body: bytes, _: str) -> bytes:
    return gzip.compress(body, mtime=0)


def _zip(body: bytes, name: str) -> bytes:
    # A UUID that is not the object's names the one file in it, as in real objects; derived, so that it stays the same.
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(str(uuid5(NAMESPACE_OID, name)), _ZIP_DATE), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _snappy(body: bytes, _: str) -> bytes:
    blocks = (_raw_snappy(block) for block in _blocks(body))
    return _XERIAL_HEADER + b"".join(pack(">I", len(block)) + block for block in blocks)


def _hadoop_snappy(body: bytes, _: str) -> bytes:
    blocks = ((len(block), _raw_snappy(block)) for block in _blocks(body))
    return b"".join(pack(">II", size, len(block)) + block for size, block in blocks)


def _blocks(body: bytes) -> Iterator[bytes]:
    return (body[start : start + _BLOCK_BYTES] for start in range(0, len(body), _BLOCK_BYTES))


def _raw_snappy(block: bytes) -> bytes:
    compressed: bytes = pa.compress(block, codec="snappy", asbytes=True)
    return compressed


COMPRESSIONS = {
    "UNCOMPRESSED": Compression("", lambda body, _: body),
    "GZIP": Compression("gzip", _gzip),
    "ZIP": Compression("zip", _zip),
    "Snappy": Compression("snappy-java", _snappy),
    "HADOOP_SNAPPY": Compression("hadoop-snappy", _hadoop_snappy),
}
