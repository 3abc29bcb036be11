"""Measure one flush of sample rows into Iceberg tables of a folder, by its parts, beside the same records as Parquet.

    python -m bench.iceberg_flush --records 10000

The tables have the columns of the Parquet tables and `partition_date`, by which they are partitioned.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from pyiceberg.io import pyarrow as writing
from pyiceberg.table import Transaction

from bench.tables import table
from firehose.local.conversion.iceberg_rows import IcebergRows
from firehose.local.data_plane import DataPlane
from firehose.local.delivery.iceberg_writes import TableWriter
from firehose.local.iceberg_catalogs import folder_catalog
from firehose.local.local_stream import LocalStream
from firehose.local.sinks import FolderSink
from firehose.local.sources.source_names import named_by_records
from firehose.pipeline.change_records import number_changes
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import local_pipeline, local_streams
from glue.arrow import in_micros, schema
from glue.layout import PARTITION, Format
from glue.model import pii_names
from glue.schema import SCHEMAS, load
from glue.tables import parquet_table
from transform.function import build

_Seconds = defaultdict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.iceberg_flush", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    records = list(number_changes(changes(parser.parse_args().records, 1), pii_names(load())))
    with TemporaryDirectory() as folder:
        parquet = _timed(lambda: local_pipeline(FolderSink(Path(folder, "parquet"))).run(records))
        spent: _Seconds = defaultdict(float)
        plane, catalog = _iceberg(Path(folder, "iceberg"), records)
        _watch(spent, catalog)
        whole = _timed(lambda: plane.run(records))
        rows = [(part, seconds) for part, seconds in spent.items()]
        rows.append(("the function, routing, buffers, the rest", whole - sum(spent.values())))
        rows += [("all", whole), ("the same records in Parquet mode", parquet)]
        report = plane.report.streams[0]
        files = f"{report.rows:,} rows in {report.objects:,} files of {report.bytes_out / 1e6:.1f} MB"
        print(
            table(files, ["CPU", "seconds", "of all"], [[part, f"{it:.2f}", f"{it / whole:.0%}"] for part, it in rows])
        )
        catalog.close()


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _iceberg(folder: Path, records: Sequence[Any]) -> tuple[DataPlane, Any]:
    catalog = folder_catalog(folder)
    types = load()
    (stream,) = local_streams(types, Format.ICEBERG)
    database = stream.variables["DATABASE"]
    catalog.create_namespace(database)
    for name, record_type in types.items():
        fields = [field.with_type(in_micros(field.type)) for field in schema(parquet_table(record_type))]
        made = catalog.create_table((database, name), pa.schema([*fields, pa.field(PARTITION, pa.string())]))
        with made.update_spec() as spec:
            spec.add_identity(PARTITION)
    sink = FolderSink(folder / "bucket")
    function = build(stream.variables, sink, SCHEMAS)
    local = LocalStream(stream.request, function=function, keeps_event=True, catalog=lambda: catalog)
    return DataPlane([local], sink, source_of=named_by_records(records)), catalog


def _watch(spent: _Seconds, catalog: Any) -> None:
    """Count the CPU of the parts of a write; one within another counts for itself only."""
    within: list[float] = []

    def watched(part: str, owner: Any, name: str) -> None:
        work = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            within.append(0.0)
            began = time.process_time()
            found = work(*arguments, **named)
            found = list(found) if part.startswith("write") else found
            took = time.process_time() - began
            spent[part] += took - within.pop()
            if within:
                within[-1] += took
            return found

        setattr(owner, name, timed)

    watched("load the table", TableWriter, "load")
    watched("convert JSON", IcebergRows, "convert")
    watched("write Parquet files", writing, "_dataframe_to_data_files")
    watched("manifests", Transaction, "append")
    watched("commit", catalog, "commit_table")


if __name__ == "__main__":
    main()
