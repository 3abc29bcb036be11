"""Parquet footers with the names that Hive's writer uses: `hive_schema`, `bag.array_element`, `map`.

Arrow's writer has names of its own for the root and for the repeated groups of lists and maps, and no setting for them.
They stand in the footer only, which comes last, so they are exchanged there after writing and no place in the file
moves: in the schema, the same bytes for every file of a table, and in each column's path. A path is exchanged by its
bytes where these occur just as often as there are such columns. Elsewhere (the bytes stand in a statistic too, or a
struct has such members) the footer is read field by field.

Source: Hive, HiveSchemaConverter; Apache Parquet, parquet.thrift (FileMetaData, SchemaElement, ColumnMetaData).
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from firehose.local.conversion.thrift import Compact, encoded_binary, spliced

# Arrow names the element of a list itself as it is told to, which is why `array_element` needs no exchange.
ARRAY_ELEMENT = "array_element"

_ROOT = b"hive_schema"
_LIST, _MAP = 3, 1  # ConvertedType
# The group of a list and of a map, Arrow's name and Hive's.
_GROUPS = {_LIST: (b"list", b"bag"), _MAP: (b"key_value", b"map")}
# The annotation that Hive gives the group of a map: converted_type, the field after num_children, 2.
_MAP_KEY_VALUE = b"\x15\x04"
# How a group stands in a path: with what follows it.
_MARKS = [
    (encoded_binary(arrow) + encoded_binary(below), encoded_binary(hive) + encoded_binary(below))
    for arrow, hive, below in [
        (b"list", b"bag", ARRAY_ELEMENT.encode()),
        (b"key_value", b"map", b"key"),
        (b"key_value", b"map", b"value"),
    ]
]

_FILE_SCHEMA, _FILE_ROW_GROUPS = 2, 4
_ELEMENT_NAME, _ELEMENT_CHILDREN, _ELEMENT_CONVERTED = 4, 5, 6
_GROUP_COLUMNS, _CHUNK_METADATA, _METADATA_PATH = 1, 3, 3

# A part of the bytes and what stands there instead.
_Change: TypeAlias = tuple[int, int, bytes]
# The new names of a column's path by their places in it.
_Renamed: TypeAlias = dict[int, bytes]


class _Element(msgspec.Struct, frozen=True):
    """One element of the schema: its name, where that lies, its children, where their number ends, its annotation."""

    name: bytes
    place: tuple[int, int]
    children: int
    children_end: int
    converted: int | None


class _Naming(msgspec.Struct, frozen=True):
    """One table's schema, as Arrow and as Hive write it, and what is renamed in the paths of its columns.

    `counts` says how often each mark stands in the paths of one row group; None where that is not told by its bytes.
    """

    arrow: bytes
    hive: bytes
    columns: tuple[_Renamed, ...]
    counts: tuple[int, ...] | None


_known: list[_Naming] = []
_MOST_KNOWN = 64


def with_hive_names(footer: bytes) -> bytes:
    """The same FileMetaData under Hive's names."""
    naming = _naming(footer)
    rest = footer[len(naming.arrow) :]
    groups = _row_groups(rest)
    if naming.counts is None or any(
        rest.count(arrow) != count * groups for (arrow, _), count in zip(_MARKS, naming.counts, strict=True)
    ):
        return naming.hive + _read_through(footer, naming)[len(naming.arrow) :]
    for arrow, hive in _MARKS:
        rest = rest.replace(arrow, hive)
    return naming.hive + rest


def _naming(footer: bytes) -> _Naming:
    for naming in _known:
        if footer.startswith(naming.arrow):
            return naming
    naming = _new_naming(footer)
    if len(_known) == _MOST_KNOWN:
        del _known[0]
    _known.append(naming)
    return naming


def _row_groups(rest: bytes) -> int:
    """How many row groups follow the schema: field 3, num_rows, and the list's length."""
    reader = Compact(rest)
    reader.place += 1
    reader.integer()
    reader.place += 1
    return reader.length()


def _new_naming(footer: bytes) -> _Naming:
    elements, end = _schema(footer)
    changes: list[_Change] = [(*elements[0].place, encoded_binary(_ROOT))]
    columns: list[tuple[list[bytes], _Renamed]] = []
    remaining = iter(elements[1:])
    for _ in range(elements[0].children):
        columns += _columns(next(remaining), remaining, None, changes)
    paths = [b"".join(map(encoded_binary, path)) for path, _ in columns]
    raw = tuple(sum(path.count(mark) for path in paths) for mark, _ in _MARKS)
    meant = sum(len(renamed) for _, renamed in columns)
    hive = spliced(footer[:end], sorted(changes))
    return _Naming(footer[:end], hive, tuple(renamed for _, renamed in columns), raw if sum(raw) == meant else None)


def _schema(footer: bytes) -> tuple[list[_Element], int]:
    """The elements, depth first, and where the schema ends."""
    reader = Compact(footer)
    for number, kind in reader.fields():
        if number == _FILE_SCHEMA:
            return [_element(reader) for _ in range(reader.length())], reader.place
        reader.skip(kind)
    raise ValueError("a footer without a schema")


def _element(reader: Compact) -> _Element:
    name, place, children, children_end, converted = b"", (0, 0), 0, 0, None
    for number, kind in reader.fields():
        start = reader.place
        if number == _ELEMENT_NAME:
            name, place = reader.binary(), (start, reader.place)
        elif number == _ELEMENT_CHILDREN:
            children, children_end = reader.integer(), reader.place
        elif number == _ELEMENT_CONVERTED:
            converted = reader.integer()
        else:
            reader.skip(kind)
    return _Element(name, place, children, children_end, converted)


def _columns(
    element: _Element, remaining: Iterator[_Element], above: int | None, changes: list[_Change]
) -> Iterator[tuple[list[bytes], _Renamed]]:
    """The columns at and below an element: Arrow's path and what is renamed in it. `above` annotates the parent."""
    renamed: _Renamed = {}
    if above in _GROUPS:
        renamed = {0: encoded_binary(_GROUPS[above][1])}
        changes.append((*element.place, renamed[0]))
    if above == _MAP:
        changes.append((element.children_end, element.children_end, _MAP_KEY_VALUE))
    if not element.children:
        yield [element.name], renamed
    for _ in range(element.children):
        for path, below in _columns(next(remaining), remaining, element.converted, changes):
            yield [element.name, *path], renamed | {place + 1: name for place, name in below.items()}


def _read_through(footer: bytes, naming: _Naming) -> bytes:
    """The footer with the paths of all its columns renamed, field by field."""
    reader = Compact(footer)
    changes: list[_Change] = []
    for number, kind in reader.fields():
        if number == _FILE_ROW_GROUPS:
            for _ in range(reader.length()):
                _row_group(reader, naming, changes)
        else:
            reader.skip(kind)
    return spliced(footer, changes)


def _row_group(reader: Compact, naming: _Naming, changes: list[_Change]) -> None:
    for number, kind in reader.fields():
        if number != _GROUP_COLUMNS:
            reader.skip(kind)
            continue
        for _, renamed in zip(range(reader.length()), naming.columns, strict=True):
            _column_chunk(reader, renamed, changes)


def _column_chunk(reader: Compact, renamed: _Renamed, changes: list[_Change]) -> None:
    for number, kind in reader.fields():
        if number != _CHUNK_METADATA:
            reader.skip(kind)
            continue
        for inner, inner_kind in reader.fields():
            if inner != _METADATA_PATH:
                reader.skip(inner_kind)
                continue
            for place in range(reader.length()):
                start = reader.place
                reader.binary()
                if place in renamed:
                    changes.append((start, reader.place, renamed[place]))
