"""Put other column chunks into a Parquet file, and leave everything else in it as it is, byte by byte.

A row group holds a chunk for each leaf of the schema; the footer says where. So a column of some rows is replaced
without decoding the others: the schema with its names, INT96 or INT64, key-value metadata, codecs, encodings and
statistics of the others stay, whoever wrote the file. Writing all of it with PyArrow would change them, and take
longer.

Source: Apache Parquet, parquet.thrift (FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, OffsetIndex).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from firehose.lake.erasure.thrift_compact import (
    I32,
    I64,
    ThriftStruct,
    read_field,
    read_struct,
    write_list,
    write_struct,
)

_MAGIC = b"PAR1"

# FileMetaData, RowGroup.
_ROW_GROUPS = 4
_COLUMNS, _TOTAL_BYTE_SIZE, _SORTING_COLUMNS, _FILE_OFFSET, _TOTAL_COMPRESSED_SIZE = 1, 2, 4, 5, 6
# ColumnChunk.
_FILE_PATH, _CHUNK_OFFSET, _META_DATA = 1, 2, 3
_OFFSET_INDEX, _OFFSET_INDEX_LENGTH, _COLUMN_INDEX, _COLUMN_INDEX_LENGTH, _CRYPTO = 4, 5, 6, 7, 8
# ColumnMetaData.
_PATH, _UNCOMPRESSED_SIZE, _COMPRESSED_SIZE = 3, 6, 7
_DATA_PAGE_OFFSET, _INDEX_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET = 9, 10, 11
_BLOOM_OFFSET, _BLOOM_LENGTH = 14, 15
# What says how the pages of a chunk are made: all but its type, path and key-value metadata.
_OF_PAGES = (2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16)


class ColumnChunk(NamedTuple):
    """A column chunk: the file that it lies in, and what the footer of that file says of it."""

    file: bytes
    footer: ThriftStruct


class ParquetParts:
    """The footer of a Parquet file, in memory.

    Raises:
        ValueError, IndexError, KeyError: it is not a Parquet file, it is encrypted, or it is damaged.
    """

    def __init__(self, body: bytes) -> None:
        if len(body) < 12 or body[:4] != _MAGIC or body[-4:] != _MAGIC:
            raise ValueError("not a Parquet file")
        self._body = body
        self._footer_begin = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
        # All else in the footer is copied: most of it is the schema.
        (self._kind, self._row_groups), self._begin, self._end = read_field(body, self._footer_begin, _ROW_GROUPS)

    def chunk(self, row_group: int, leaf: int) -> ColumnChunk:
        """Return the chunk of a leaf: they are numbered in the order of the schema."""
        return ColumnChunk(self._body, self._columns(row_group)[leaf])

    def with_chunks(self, others: Mapping[tuple[int, int], ColumnChunk]) -> bytes:
        """Return the file with other chunks, by the numbers of row group and leaf."""
        out = bytearray(_MAGIC)
        indexed: list[tuple[ThriftStruct, ColumnChunk, int]] = []
        groups = []
        for number, group in enumerate(self._row_groups):
            begin, columns = len(out), []
            for leaf, own in enumerate(group[_COLUMNS][1][1]):
                source = others.get((number, leaf), ColumnChunk(self._body, own))
                column, moved = _copied(out, own, source)
                columns.append(column)
                indexed.append((column, source, moved))
            changed = {leaf for at, leaf in others if at == number}
            make = partial(_row_group, changed=changed) if changed else _moved_group
            groups.append(make(group, columns, begin))
        for column, source, _ in indexed:
            _copy_bloom_filter(out, column, source)
        for column, source, _ in indexed:
            _copy_column_index(out, column, source)
        for column, source, moved in indexed:
            _copy_offset_index(out, column, source, moved)
        before, after = self._body[self._footer_begin : self._begin], self._body[self._end : -8]
        footer = b"".join([before, write_list((self._kind, groups)), after])
        return b"".join([out, footer, len(footer).to_bytes(4, "little"), _MAGIC])

    def _columns(self, row_group: int) -> list[ThriftStruct]:
        columns: list[ThriftStruct] = self._row_groups[row_group][_COLUMNS][1][1]
        return columns


def _copied(out: bytearray, own: ThriftStruct, source: ColumnChunk) -> tuple[ThriftStruct, int]:
    """Append the pages of a chunk; return what the footer says of it now, and by how many bytes it was moved."""
    if _FILE_PATH in own or _CRYPTO in own:
        raise ValueError("a column lies in another file, or is encrypted")
    own_meta, meta = own[_META_DATA][1], source.footer[_META_DATA][1]
    begin = _begin(meta)
    moved = len(out) - begin
    out += source.file[begin : begin + meta[_COMPRESSED_SIZE][1]]
    made: ThriftStruct = {number: field for number, field in own_meta.items() if number not in _OF_PAGES}
    made |= {number: meta[number] for number in _OF_PAGES if number in meta}
    for number in (_DATA_PAGE_OFFSET, _INDEX_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET):
        if number in made and made[number][1] > 0:
            made[number] = (I64, made[number][1] + moved)
    column = own | {_META_DATA: (own[_META_DATA][0], made)}
    if own[_CHUNK_OFFSET][1]:
        column[_CHUNK_OFFSET] = (I64, len(out) - meta[_COMPRESSED_SIZE][1])
    return column, moved


def _begin(meta: ThriftStruct) -> int:
    """Return the place of a chunk's first page. Some writers put 0 for the dictionary that they do not have."""
    begin: int = meta[_DATA_PAGE_OFFSET][1]
    dictionary = meta.get(_DICTIONARY_PAGE_OFFSET, (I64, 0))[1]
    return dictionary if 0 < dictionary < begin else begin


def _moved_group(group: ThriftStruct, columns: list[ThriftStruct], begin: int) -> ThriftStruct:
    kind, (inner, _) = group[_COLUMNS]
    made = group | {_COLUMNS: (kind, (inner, columns))}
    return made | {_FILE_OFFSET: (I64, begin)} if _FILE_OFFSET in group else made


def _row_group(group: ThriftStruct, columns: list[ThriftStruct], begin: int, changed: set[int]) -> ThriftStruct:
    """Return a row group with changed columns. Its rows no longer count as sorted by one of these."""
    made = _moved_group(group, columns, begin)
    metas = [column[_META_DATA][1] for column in columns]
    made[_TOTAL_BYTE_SIZE] = (I64, sum(meta[_UNCOMPRESSED_SIZE][1] for meta in metas))
    if _TOTAL_COMPRESSED_SIZE in made:
        made[_TOTAL_COMPRESSED_SIZE] = (I64, sum(meta[_COMPRESSED_SIZE][1] for meta in metas))
    sorting = made.get(_SORTING_COLUMNS)
    if sorting and any(one[1][1] in changed for one in sorting[1][1]):
        del made[_SORTING_COLUMNS]
    return made


def _copy_bloom_filter(out: bytearray, column: ThriftStruct, source: ColumnChunk) -> None:
    meta = column[_META_DATA][1]
    if _BLOOM_OFFSET in meta:
        begin = meta[_BLOOM_OFFSET][1]
        header, end = read_struct(source.file, begin)
        meta[_BLOOM_OFFSET] = (I64, len(out))
        out += source.file[begin : end + header[1][1]]


def _copy_column_index(out: bytearray, column: ThriftStruct, source: ColumnChunk) -> None:
    """Append the statistics of a chunk's pages, which say nothing of their places."""
    _copy_index(out, column, source, (_COLUMN_INDEX, _COLUMN_INDEX_LENGTH), lambda index: index)


def _copy_offset_index(out: bytearray, column: ThriftStruct, source: ColumnChunk, moved: int) -> None:
    """Append the places of a chunk's pages."""

    def move(index: bytes) -> bytes:
        struct, _ = read_struct(index)
        for page in struct[1][1][1]:
            page[1] = (I64, page[1][1] + moved)
        return write_struct(struct)

    _copy_index(out, column, source, (_OFFSET_INDEX, _OFFSET_INDEX_LENGTH), move)


def _copy_index(out: bytearray, column: ThriftStruct, source: ColumnChunk, fields: tuple[int, int], move: Any) -> None:
    offset, length = fields
    column.pop(offset, None)
    column.pop(length, None)
    if offset in source.footer:
        begin = source.footer[offset][1]
        index = move(source.file[begin : begin + source.footer[length][1]])
        column[offset], column[length] = (I64, len(out)), (I32, len(index))
        out += index
