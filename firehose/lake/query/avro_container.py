"""Read Avro containers as rows, under the lower-case names of their Glue table.

fastavro resolves the file's writer schema with the table's reader schema. We change the reader schema twice: names are
lower case at every depth, as Hive folds them, with the file's names as aliases; and columns that a query does not need
are left out, so that they are skipped rather than decoded.

A container takes little memory whatever is in it: a block above MOST_BLOCK_BYTES is refused, and rows are decoded
ROWS_AT_ONCE at a time.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO, TypeAlias, cast

import fastavro
import msgspec
from fastavro.read import BLOCK_READERS

Row: TypeAlias = dict[str, Any]
_Schema: TypeAlias = Any

# The function's containers have 10 MB or so at most, the rows of a payload of 6 MB. Other writers' blocks are small.
MOST_BLOCK_BYTES = 64 * 1024 * 1024

# Enough rows that a list of them costs nothing; an event takes some 30 KB as a Python dict.
ROWS_AT_ONCE = 1000


class ContainerReader:
    """Reads containers by the `avro.schema.literal` of a table, as Hive's AvroSerDe does.

    A field that a file lacks has the literal's default, and one that the literal lacks is ignored. `columns` are the
    lower-case names of those to decode.

    Raises, when it is made:
        fastavro.schema.SchemaParseException, KeyError, msgspec.DecodeError: the literal is not the schema of a record.
    """

    def __init__(self, literal: str, columns: Collection[str]) -> None:
        self._schema = fastavro.parse_schema(_LowerCase(msgspec.json.decode(literal)).record(columns))

    def rows(self, container: BinaryIO) -> Iterator[list[Row]]:
        """Yield the rows of a container in lists; no list crosses a block.

        -> [{"fanid": "f1", "isdeleted": False, "date": {"requested": datetime(2025, 1, 1, 10, tzinfo=UTC)}}], ...

        Damaged bytes raise whatever fastavro, zlib or msgspec raise. Never show their messages: they may quote a value.
        """
        blocks: Any = fastavro.block_reader(cast(BinaryIO, _Bounded(container)), self._schema)
        for block in blocks:
            if block.num_records > block.bytes_.getbuffer().nbytes:
                raise ValueError("a block has more rows than bytes")
            left = iter(block)
            while rows := list(islice(left, ROWS_AT_ONCE)):
                yield rows
            if block.bytes_.read(1):
                raise ValueError("a block has more rows than its count says")


class _Bounded:
    """A container that refuses to read a block above MOST_BLOCK_BYTES: fastavro reads what the container asks for."""

    def __init__(self, container: BinaryIO) -> None:
        self.tell = container.tell
        self._read = container.read

    def read(self, size: int) -> bytes:
        if size > MOST_BLOCK_BYTES:
            raise ValueError("a block is too large")
        return self._read(size)


def _unpack(decompressor: Callable[[], Any], container: BinaryIO) -> BytesIO:
    """Return the next block, unpacked. It replaces fastavro's own reader, which unpacks blocks of any size."""
    packed = fastavro.schemaless_reader(container, "bytes")
    unpacking = decompressor()
    block: bytes = unpacking.decompress(packed, MOST_BLOCK_BYTES)
    if not unpacking.eof:
        raise ValueError("a block is too large when unpacked, or cut short")
    return BytesIO(block)


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "deflate": partial(zlib.decompressobj, -zlib.MAX_WBITS),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
}
BLOCK_READERS |= {codec: partial(_unpack, decompressor) for codec, decompressor in _DECOMPRESSORS.items()}


class _LowerCase:
    """Rewrites a schema: lower-case field names at every depth, each with the name in the file as its alias.

    A named type is defined at its first use. Without some columns that may be another place than in the literal, so all
    definitions are collected first.
    """

    def __init__(self, record: _Schema) -> None:
        self._record = record
        self._definitions: dict[str, _Schema] = {}
        self._defined: set[str] = set()
        self._collect(record)

    def record(self, columns: Collection[str]) -> _Schema:
        """Return the record with these columns only."""
        fields = [field for field in self._record["fields"] if field["name"].lower() in columns]
        self._definitions[self._record["name"]] = self._record | {"fields": fields}
        return self._named(self._record["name"])

    def _collect(self, avro: _Schema) -> None:
        for part in avro if isinstance(avro, list) else [avro]:
            if isinstance(part, dict):
                if "name" in part:
                    self._definitions[part["name"]] = part
                for inner in (
                    *(field["type"] for field in part.get("fields", [])),
                    part.get("items"),
                    part.get("values"),
                ):
                    self._collect(inner)

    def _type(self, avro: _Schema) -> _Schema:
        if isinstance(avro, list):
            return [self._type(branch) for branch in avro]
        if isinstance(avro, str):
            return self._named(avro) if avro in self._definitions else avro
        if "name" in avro:
            return self._named(avro["name"])
        return avro | {member: self._type(avro[member]) for member in ("items", "values") if member in avro}

    def _named(self, name: str) -> _Schema:
        """Return the definition the first time, then the name."""
        if name in self._defined:
            return name
        self._defined.add(name)
        definition = self._definitions[name]
        return (
            definition | {"fields": [self._field(field) for field in definition["fields"]]}
            if "fields" in definition
            else definition
        )

    def _field(self, field: dict[str, Any]) -> _Schema:
        name = field["name"]
        return field | {"name": name.lower(), "type": self._type(field["type"]), "aliases": [name]}
