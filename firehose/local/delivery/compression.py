"""CompressionFormat: objects that are not converted, compressed as Firehose compresses them.

Content-Encodings and extensions are those of real objects (observed): Hadoop's Snappy has `.snappy`, although the guide
says `.hsnappy`. The same rows always give the same bytes.
"""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from struct import pack
from uuid import NAMESPACE_OID, uuid5

import msgspec
import pyarrow as pa

# snappy-java's SnappyOutputStream: a magic, its version, the oldest version that reads it, and blocks of 32 KiB, each
# behind its length in four bytes (xerial/snappy-java, SnappyCodec and SnappyOutputStream). It is not Snappy's own
# framing. SnappyHadoopCompatibleOutputStream has blocks of the same size, each behind its length and its compressed
# length. Both gave the bytes of real objects (floci-io/floci#2328; of a single block).
_XERIAL_HEADER = b"\x82SNAPPY\x00" + pack(">II", 1, 1)
_BLOCK_BYTES = 32 * 1024

# The first date that a zip file can hold; a clock would give the same rows other bytes.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


class Compression(msgspec.Struct, frozen=True):
    """One CompressionFormat. `compress` takes a body and the name of its object."""

    content_encoding: str
    compress: Callable[[bytes, str], bytes]


def _gzip(body: bytes, _: str) -> bytes:
    return gzip.compress(body, mtime=0)


def _zip(body: bytes, name: str) -> bytes:
    # The one file in it is named by a UUID other than the object's, as in real objects. Derived, so that it is stable.
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
