"""Parquet footers with the names of Hive's writer, which Firehose uses: `hive_schema`, `bag.array_element`, `map`.

A reader that names a nested column by its path needs them: `pq.ParquetFile(file).read(["tags.bag.array_element"])`
finds the column in an object of Firehose. parquet-tools, DuckDB's parquet_schema and Avro's reader show these names.
Arrow's writer has names of its own for the root and for the repeated groups of lists and maps, and no option for them:
`use_compliant_nested_type=False` leaves the element's name alone, and nothing else.

The names are in the footer only, at the end of the file, so replacing them moves nothing else: in the schema, and in
the path of each column chunk. That takes 0.12 ms for the 110 columns of an event, whose file takes 2.3 ms to write.

Source: Hive, HiveSchemaConverter; Apache Parquet, parquet.thrift (FileMetaData, SchemaElement, ColumnMetaData); Apache
Thrift, "Thrift Compact protocol encoding".
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

# The name of a list's element. A Converter's types have it, and Arrow's writer keeps it.
ARRAY_ELEMENT = "array_element"

_LIST, _BAG, _KEY_VALUE, _MAP = "list", "bag", "key_value", "map"

# Elements of the schema up to their last field, as (Arrow's, Hive's): repetition_type (field 3), name (4), num_children
# (5). Only the groups of lists and maps are REPEATED (2, as a zigzag integer 4), and only the root is REQUIRED (0) with
# a name that follows at once. Hive annotates the group of a map: converted_type (6) is MAP_KEY_VALUE (2).
_SCHEMA_NAMES = (
    (b"\x35\x00\x18\x06schema", b"\x35\x00\x18\x0bhive_schema"),
    (b"\x35\x04\x18\x04list\x15\x02\x00", b"\x35\x04\x18\x03bag\x15\x02\x00"),
    (b"\x35\x04\x18\x09key_value\x15\x04\x00", b"\x35\x04\x18\x03map\x15\x04\x15\x04\x00"),
)
# Ends the schema: the stop of its last element, and the only 64-bit integer that can follow a stop, num_rows.
_SCHEMA_END = b"\x00\x16"
# What follows a schema in the footer of a file without rows: num_rows (field 3), row_groups (4), a stop.
_NO_ROWS = b"\x16\x00\x19\x0c\x00"
_MAGIC = b"PAR1"


class _Naming(NamedTuple):
    """One table's schema as Hive writes it, and what path_in_schema becomes in each column that is renamed."""

    schema: bytes
    paths: dict[bytes, bytes]
    any_path: re.Pattern[bytes]


def with_hive_names(footer: bytes, row_groups: int) -> bytes | None:
    """Returns the same FileMetaData with Hive's names; None if a statistic in it holds the bytes of a path.

    The caller then writes the file again without statistics.
    """
    end = footer.index(_SCHEMA_END) + 1
    naming = _naming(footer[:end])
    rest, renamed = naming.any_path.subn(lambda found: naming.paths[found[0]], footer[end:])
    return naming.schema + rest if renamed == len(naming.paths) * row_groups else None


@lru_cache(maxsize=64)
def _naming(schema: bytes) -> _Naming:
    hive_schema = schema
    for arrow, hive in _SCHEMA_NAMES:
        hive_schema = hive_schema.replace(arrow, hive)
    footer = schema + _NO_ROWS
    file = b"".join([_MAGIC, footer, len(footer).to_bytes(4, "little"), _MAGIC])
    paths = {
        _encoded_path(arrow): _encoded_path(hive)
        for field in pq.read_schema(pa.BufferReader(file))
        for arrow, hive in _paths_of(field)
        if arrow != hive
    }
    return _Naming(hive_schema, paths, re.compile(b"|".join(map(re.escape, paths)) or rb"(?!)"))


def _paths_of(field: pa.Field) -> Iterator[tuple[list[str], list[str]]]:
    kind = field.type
    arrow, hive, children = [field.name], [field.name], []
    if pa.types.is_map(kind):
        arrow, hive, children = [*arrow, _KEY_VALUE], [*hive, _MAP], [kind.key_field, kind.item_field]
    elif pa.types.is_list(kind):
        arrow, hive, children = [*arrow, _LIST], [*hive, _BAG], [kind.value_field]
    elif pa.types.is_struct(kind):
        children = list(kind)
    else:
        yield arrow, hive
    for child in children:
        for arrow_below, hive_below in _paths_of(child):
            yield [*arrow, *arrow_below], [*hive, *hive_below]


def _encoded_path(path: list[str]) -> bytes:
    """Returns path_in_schema as Thrift: field 3, a list (9) of binaries (8)."""
    size = bytes([len(path) << 4 | 8]) if len(path) < 15 else b"\xf8" + _varint(len(path))
    return b"\x19" + size + b"".join(_varint(len(part.encode())) + part.encode() for part in path)


def _varint(number: int) -> bytes:
    head = bytearray()
    while number >= 128:
        head.append(number & 127 | 128)
        number >>= 7
    return bytes([*head, number])
