"""Split an Avro container into its header and blocks, without decoding a row.

Source: Avro specification, "Object container files".

fastavro's own block reader decompresses each block, and its writer compresses it again, which takes most of the time.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

_MAGIC = b"Obj\x01"
_MARKER_BYTES = 16


class Container(NamedTuple):
    """A container: its metadata, as bytes, and its blocks, each with its count and size but without a marker.

    `counts` are the numbers of rows in the blocks.
    """

    body: bytes
    header: bytes
    marker: bytes
    blocks: list[memoryview]
    counts: list[int]

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return sum(self.counts)


def read_container(body: bytes) -> Container:
    """Split a container.

    Raises:
        ValueError: it is not one, or it is damaged.
    """
    if body[: len(_MAGIC)] != _MAGIC:
        raise ValueError("no container")
    place = _after_metadata(body, len(_MAGIC))
    header, marker, place = body[:place], body[place : place + _MARKER_BYTES], place + _MARKER_BYTES
    blocks, counts = [], []
    for begin, end, count in _blocks(body, place):
        if body[end : end + _MARKER_BYTES] != marker:
            raise ValueError("a block does not end in the marker")
        blocks.append(memoryview(body)[begin:end])
        counts.append(count)
    return Container(body, header, marker, blocks, counts)


def write_container(header: bytes, marker: bytes, blocks: Sequence[memoryview]) -> bytes:
    """Return the container of these blocks."""
    return b"".join([header, marker, *(part for block in blocks for part in (block, marker))])


def _blocks(body: bytes, place: int) -> Iterator[tuple[int, int, int]]:
    """Yield the beginning, the end and the count of each block."""
    while place < len(body):
        count, after = _long(body, place)
        size_bytes, after = _long(body, after)
        end = after + size_bytes
        if count < 0 or size_bytes < 0 or end + _MARKER_BYTES > len(body):
            raise ValueError("a block is cut off")
        yield place, end, count
        place = end + _MARKER_BYTES


def _after_metadata(body: bytes, place: int) -> int:
    """Return the place after the metadata: a map of bytes, in blocks of entries."""
    while True:
        count, place = _long(body, place)
        if count == 0:
            return place
        if count < 0:  # then the size of the block follows
            _, place = _long(body, place)
        for _ in range(2 * abs(count)):
            size_bytes, place = _long(body, place)
            if not 0 <= size_bytes <= len(body) - place:
                raise ValueError("the metadata are cut off")
            place += size_bytes


def _long(body: bytes, place: int) -> tuple[int, int]:
    """Read a zig-zag integer; return it and the place after it."""
    number = shift = 0
    while True:
        if place >= len(body) or shift > 63:
            raise ValueError("an integer is cut off")
        byte = body[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), place
