"""Avro containers as rows that Arrow takes, under the names of their Glue table.

All of it is done by fastavro in C, because both schemas are rewritten before it gets them:

- names are lower case, as Hive folds them; the names in the file are their aliases
- logical types are left out: Arrow takes days and milliseconds as the numbers that they are in the file
- a map is read as the array of {key, value} that its bytes also are, which is how Arrow takes maps
- a block of a container is read as the block of an array that its bytes also are, in one call instead of one a row
"""

from collections.abc import Collection, Iterator
from functools import lru_cache
from io import BytesIO
from typing import Any, TypeAlias

import fastavro
import msgspec

from transform.avro_binary import long

Row: TypeAlias = dict[str, Any]
_Schema: TypeAlias = Any

_END = b"\0"  # of an array: a block of no items


class ContainerReader:
    """Reads containers by the schema of a table, `avro.schema.literal`, as Hive's AvroSerDe does.

    What a file does not have has the literal's default, and what the literal does not name is passed over. Of the
    columns, lower-case, only those asked for are decoded.

    Raises, when it is made:
        fastavro.schema.SchemaParseException, KeyError, msgspec.DecodeError: the literal is no schema of a record.
    """

    def __init__(self, literal: str, columns: Collection[str]) -> None:
        self._schema = _rows_schema(_Reader(msgspec.json.decode(literal)).schema(columns))

    def rows(self, body: bytes) -> Iterator[list[Row]]:
        """The rows of a container, those of a block at a time.

        -> [{"fanid": "f1", "isdeleted": False, "date": {"requested": 1735725600000, ...}, ...}], ...

        Whatever is not as it should be raises, and what is raised may quote a value: it is not to be shown.
        """
        blocks: Any = fastavro.block_reader(BytesIO(body))
        written = _written_schema(blocks.metadata["avro.schema"])
        for block in blocks:
            if block.num_records < 0:
                raise ValueError("a block of less than no rows")
            count = long(block.num_records).encode("latin-1")
            yield self._block(written, count + block.bytes_.getvalue() + _END)

    def _block(self, written: _Schema, array: bytes) -> list[Row]:
        file = BytesIO(array)
        read: Any = fastavro.schemaless_reader(file, written, self._schema)
        if file.tell() != len(array):
            raise ValueError("a block has other rows than it says")
        rows: list[Row] = read["rows"]
        return rows


# A lake has few schemas and many files; one of events takes a millisecond to parse.
@lru_cache(maxsize=64)
def _written_schema(text: str) -> _Schema:
    return _rows_schema(_Writer(msgspec.json.decode(text)).schema())


def _rows_schema(row: _Schema) -> _Schema:
    # A record of one field has the bytes of that field; fastavro keeps only records parsed.
    rows = {"name": "rows", "type": {"type": "array", "items": row}}
    return fastavro.parse_schema({"type": "record", "name": "RowsOfBlock", "fields": [rows]})


class _Writer:
    """Rewrites the schema that a file was written by."""

    def __init__(self, avro: _Schema) -> None:
        self._avro = avro
        self._definitions: dict[str, _Schema] = {}
        self._defined: set[str] = set()
        self._define(avro)

    def schema(self) -> _Schema:
        return self._type(self._avro, "")

    def _define(self, avro: _Schema) -> None:
        """Remembers named types: what names one may come to stand before what defines it, once columns are left out."""
        for part in avro if isinstance(avro, list) else [avro]:
            if isinstance(part, dict):
                if "name" in part:
                    self._definitions[part["name"]] = part
                for inner in (
                    *(field["type"] for field in part.get("fields", [])),
                    part.get("items"),
                    part.get("values"),
                ):
                    self._define(inner)

    def _type(self, avro: _Schema, where: str) -> _Schema:
        if isinstance(avro, list):
            return [self._type(branch, where) for branch in avro]
        if isinstance(avro, str):
            return self._named(avro) if avro in self._definitions else avro
        match avro["type"]:
            case "record" | "enum":
                return self._named(avro["name"])
            case "array":
                return {"type": "array", "items": self._type(avro["items"], where)}
            case "map":
                value = {"name": "value", "type": self._type(avro["values"], f"{where}_value")}
                # The entry's name is the same in every version of the schema, for records are matched by name.
                entry = {
                    "type": "record",
                    "name": f"{where}_entry",
                    "fields": [{"name": "key", "type": "string"}, value],
                }
                return {"type": "array", "items": entry}
            case plain:
                return plain

    def _named(self, name: str) -> _Schema:
        """The definition where the name is met first, else the name."""
        if name in self._defined:
            return name
        self._defined.add(name)
        avro = self._definitions[name]
        if avro["type"] == "enum":
            return avro
        return avro | {"fields": [self._field(field, name) for field in avro["fields"]]}

    def _field(self, field: dict[str, Any], record: str) -> _Schema:
        return field | {"type": self._type(field["type"], f"{record.rpartition('.')[2]}_{field['name']}")}


class _Reader(_Writer):
    """Rewrites the schema that a table is read by: some columns, under lower-case names at every depth."""

    def schema(self, columns: Collection[str] | None = None) -> _Schema:
        if columns is not None:
            fields = [field for field in self._avro["fields"] if field["name"].lower() in columns]
            self._definitions[self._avro["name"]] = self._avro | {"fields": fields}
        return super().schema()

    def _field(self, field: dict[str, Any], record: str) -> _Schema:
        name = field["name"]
        return super()._field(field, record) | {"name": name.lower(), "aliases": [name]}
