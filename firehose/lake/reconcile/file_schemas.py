"""Find the columns of a table that are newer than a file, by the schema in the file."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from firehose.lake.objects import Lake
from glue import arrow
from glue.layout import ROOT, Format
from glue.tables import TableInput

# The names of fields in lower case, each with the fields inside it: {"date": {"requested": {}}}.
Shape: TypeAlias = dict[str, "Shape"]


class FileSchemas:
    """The schemas of a lake's files, and of the tables by record type."""

    def __init__(self, lake: Lake, table_inputs: Mapping[str, TableInput]) -> None:
        self._lake = lake
        self._shapes = {name: _of_arrow(arrow.schema(one)) for name, one in table_inputs.items()}
        self._read = lru_cache(maxsize=1000)(self._of_file)

    def explain(self, record_type: str, path: str, columns: str) -> bool:
        """Return True if the file lacks a field in each of these columns: "email date"."""
        shape, file = self._shapes[record_type], self._read(path)
        return all(_lacks({name: file[name]} if name in file else {}, {name: shape[name]}) for name in columns.split())

    def _of_file(self, path: str) -> Shape:
        key = path[path.rindex(f"{ROOT}/") :]
        (stored,) = (one for one in self._lake.objects(key.rpartition("/")[0] + "/") if one.key == key)
        with self._lake.open(stored) as file:
            if key.endswith(f".{Format.AVRO}"):
                return _of_avro(fastavro.reader(file).writer_schema)
            return _of_arrow(pq.read_schema(file))


def _lacks(file: Shape, table: Shape) -> bool:
    return any(name not in file or _lacks(file[name], inner) for name, inner in table.items())


def _of_arrow(fields: Iterable[pa.Field]) -> Shape:
    return {field.name.lower(): _of_arrow(_inner(field.type)) for field in fields}


def _inner(kind: pa.DataType) -> Iterable[pa.Field]:
    """Return the fields of a struct, however deep it lies in lists and maps."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):  # the latter in files of PyIceberg
        return _inner(kind.value_type)
    if pa.types.is_map(kind):
        return _inner(kind.item_type)
    return kind if pa.types.is_struct(kind) else ()


def _of_avro(schema: Any) -> Shape:
    named: dict[str, Any] = {}

    def fields(kind: Any) -> Shape:
        if isinstance(kind, list):
            return next((found for one in kind if (found := fields(one))), {})
        if isinstance(kind, str):
            return fields(named[kind]) if kind in named else {}
        if kind["type"] == "record":
            named[kind["name"]] = kind
            return {one["name"].lower(): fields(one["type"]) for one in kind["fields"]}
        return fields(kind.get("items", kind.get("values", [])))

    return fields(schema)
