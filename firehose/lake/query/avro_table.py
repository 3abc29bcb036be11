"""A Glue table over Avro containers, as a dataset that DuckDB scans as it scans Parquet.

DuckDB says which columns it needs and what it filters by. Containers under other dates than it asks for are not read,
of the others only those columns are decoded, and they pass by a thousand rows at a time: memory does not grow with the
table, but with what the SQL itself has to keep, such as what it sorts or groups by.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from fastavro.read import SchemaResolutionError
from pyarrow.fs import LocalFileSystem

from firehose.lake.query.avro_container import ContainerReader, Row
from firehose.lake.storage import Lake, Stored
from firehose.local.user_error import UserError
from glue.layout import PARTITION

# Enough that Arrow's 0.2 ms a batch do not count; an event is some 30 KB while it is a row of Python's.
BATCH_ROWS = 1000

# S3 takes some 30 ms to begin an answer, however short. A container is a few MiB at most, and so is what waits.
READ_AHEAD = 16

# Nothing is read by it: Arrow wants a format to a dataset.
_FORMAT = ds.ParquetFileFormat()


class AvroTable(ds.FileSystemDataset):  # type: ignore[misc]  # pyarrow has no types
    """The containers of a table, each under the date of its partition.

    It is a FileSystemDataset for the sake of two things: DuckDB says what it needs to the `scanner` of any dataset, and
    a dataset's fragments know which of them a filter leaves.

    `declared` are the columns by their Glue types, `shown` those by the types that the answer has, and the partition.
    What cannot be read becomes a UserError and goes to `on_error`, since DuckDB hides what a scan raises.
    """

    def __init__(
        self,
        containers: Mapping[Stored, str],
        lake: Lake,
        literal: str,
        *,
        declared: pa.Schema,
        shown: pa.Schema,
        on_error: Callable[[UserError], None],
    ) -> None:
        fragments = [
            _FORMAT.make_fragment(stored.key, LocalFileSystem(), partition_expression=ds.field(PARTITION) == date)
            for stored, date in containers.items()
        ]
        super().__init__(fragments, shown, _FORMAT)
        self._containers = {stored.key: (stored, date) for stored, date in containers.items()}
        self._lake = lake
        self._literal = literal
        self._declared = declared
        self._on_mistake = on_error

    def scanner(self, columns: list[str] | None = None, filter: Any = None) -> ds.Scanner:  # noqa: A002  pyarrow's names
        """Scans these columns of the rows that pass the filter."""
        # What an expression filters by cannot be asked for; its text names it. A column too many does no harm.
        wanted = {*(self.schema.names if columns is None else columns), *re.findall(r"\w+", str(filter))}
        needed = [name for name in self.schema.names if name in wanted]
        schema = pa.schema([self.schema.field(name) for name in needed])
        paths = [fragment.path for fragment in self.get_fragments(filter)]
        return ds.Scanner.from_batches(self._batches(paths, schema), schema=schema, columns=columns, filter=filter)

    def _batches(self, paths: list[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        reader = ContainerReader(self._literal, schema.names)
        rows: list[Row] = []
        dates: list[str] = []
        for path, body in _ahead(paths, self._body):
            stored, date = self._containers[path]
            for block in self._blocks(reader, stored, body):
                rows += block
                dates += [date] * len(block)
                if len(rows) >= BATCH_ROWS:
                    yield self._batch(rows, dates, schema)
                    rows, dates = [], []
        if rows:
            yield self._batch(rows, dates, schema)

    def _body(self, path: str) -> bytes:
        with self._lake.open(self._containers[path][0]) as file:
            return file.read()

    def _blocks(self, reader: ContainerReader, stored: Stored, body: Future[bytes]) -> Iterator[list[Row]]:
        where = self._lake.where(stored)
        try:
            yield from reader.rows(body.result())
            return
        except UserError as mistake:
            problem = mistake
        except SchemaResolutionError:
            problem = UserError(f"{where} was written by a schema that the table's own does not read")
        except Exception:  # noqa: BLE001  whatever damaged bytes make fastavro, zlib or msgspec raise
            problem = UserError(f"{where} is no Avro container, or it is damaged")
        self._on_mistake(problem)
        raise problem from None

    def _batch(self, rows: list[Row], dates: list[str], schema: pa.Schema) -> pa.RecordBatch:
        arrays = []
        for field in schema:
            if field.name == PARTITION:
                arrays.append(pa.array(dates, field.type))
            else:
                column = [row[field.name] for row in rows]
                arrays.append(pa.array(column, self._declared.field(field.name).type).cast(field.type))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _ahead(paths: list[str], read: Callable[[str], bytes]) -> Iterator[tuple[str, Future[bytes]]]:
    """Each path with what stands there, in order; those that come next are read meanwhile."""
    reading: deque[tuple[str, Future[bytes]]] = deque()
    with ThreadPoolExecutor(READ_AHEAD) as pool:
        for path in paths:
            reading.append((path, pool.submit(read, path)))
            if len(reading) > READ_AHEAD:
                yield reading.popleft()
        yield from reading
