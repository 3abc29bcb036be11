"""The pages of a column chunk, which no Parquet library tells: their headers, read by Thrift's compact protocol."""

from collections.abc import Iterator

# PageHeader of parquet.thrift: two of its fields, and the types of pages.
_TYPE, _COMPRESSED_SIZE = 1, 3
_PAGES = {0: "data", 2: "dictionary", 3: "data v2"}

_BYTE, _DOUBLE, _BINARY, _STRUCT = 3, 7, 8, 12
_BOOLEANS = (1, 2)  # a boolean's value is its type


def pages(file: bytes, place: int, end: int) -> Iterator[str]:
    """The kinds of the pages from `place` to `end`."""
    while place < end:
        reader = _Compact(file, place)
        header: dict[int, int] = {}
        for number, kind in reader.fields():
            if number in (_TYPE, _COMPRESSED_SIZE):
                header[number] = reader.integer()
            else:
                reader.skip(kind)
        yield _PAGES[header[_TYPE]]
        place = reader.place + header[_COMPRESSED_SIZE]


class _Compact:
    """As much of the protocol as page headers need; `place` is where the next read begins."""

    def __init__(self, encoded: bytes, place: int) -> None:
        self._encoded = encoded
        self.place = place

    def fields(self) -> Iterator[tuple[int, int]]:
        """The fields of a struct, number and type; the caller reads or skips each value before the next."""
        number = 0
        while header := self._byte():
            number += header >> 4
            yield number, header & 15

    def integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def skip(self, kind: int) -> None:
        if kind == _STRUCT:
            for _, inner in self.fields():
                self.skip(inner)
        elif kind == _BINARY:
            length = self._varint()
            self.place += length
        elif kind == _DOUBLE:
            self.place += 8
        elif kind == _BYTE:
            self.place += 1
        elif kind not in _BOOLEANS:
            self._varint()

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
