"""Where the parts of a Parquet footer lie: as much of Thrift's compact protocol as finding them needs.

A library would decode the footer and encode it again, 3 ms and more for 110 columns; here only places are found, once
per table, so that names can be exchanged for others.

Source: Apache Thrift, "Thrift Compact protocol encoding"; Apache Parquet, parquet.thrift.
"""

from collections.abc import Iterator, Sequence

_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12


class Compact:
    """Reads forwards through bytes of the compact protocol; `place` is where the next read begins."""

    def __init__(self, encoded: bytes, place: int = 0) -> None:
        self._encoded = encoded
        self.place = place

    def fields(self) -> Iterator[tuple[int, int]]:
        """The fields of a struct: number and type. The caller reads or skips each value before the next."""
        number = 0
        while header := self._byte():
            delta, kind = header >> 4, header & 15
            number = number + delta if delta else self.integer()
            yield number, kind

    def integer(self) -> int:
        """A zigzag integer."""
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def binary(self) -> bytes:
        """A string or bytes."""
        length = self._varint()
        self.place += length
        return self._encoded[self.place - length : self.place]

    def length(self) -> int:
        """The length of a list, whose elements follow."""
        header = self._byte()
        return header >> 4 if header < 0xF0 else self._varint()

    def skip(self, kind: int) -> None:
        """A value of this type, as `fields` yields it."""
        if kind == _STRUCT:
            for _, inner in self.fields():
                self.skip(inner)
        elif kind in (_LIST, _SET):
            self._skip_list()
        elif kind == _BINARY:
            self.binary()
        elif kind == _DOUBLE:
            self.place += 8
        elif kind == _BYTE:
            self.place += 1
        elif kind not in (_TRUE, _FALSE):  # a boolean is its type; Parquet has no maps
            self._varint()

    def _skip_list(self) -> None:
        header = self._byte()
        length = header >> 4 if header < 0xF0 else self._varint()
        kind = header & 15
        if kind in (_TRUE, _FALSE):  # in a list, a byte each
            self.place += length
            return
        for _ in range(length):
            self.skip(kind)

    def _byte(self) -> int:
        self.place += 1
        return self._encoded[self.place - 1]

    def _varint(self) -> int:
        shift = number = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7


def encoded_binary(text: bytes) -> bytes:
    r"""A string as the protocol writes it: b"bag" -> b"\x03bag"."""
    length, head = len(text), bytearray()
    while length >= 128:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes([*head, length]) + text


def spliced(encoded: bytes, changes: Sequence[tuple[int, int, bytes]]) -> bytes:
    """The bytes with parts (from, to, instead) exchanged, in ascending order."""
    parts, place = [], 0
    for start, end, instead in changes:
        parts += [encoded[place:start], instead]
        place = end
    return b"".join([*parts, encoded[place:]])
