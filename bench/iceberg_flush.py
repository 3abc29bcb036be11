"""Measure what flushes into Iceberg tables of a folder cost beside the same records as Parquet, flushed as often.

    python -m bench.iceberg_flush --records 10000 --every 100

The first table compares the CPU of both, in rounds. The second says which parts of Iceberg mode take it; the third the
size of the tables' metadata, with old metadata files deleted after each commit, as our tables have it, and kept.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io import pyarrow as writing
from pyiceberg.table import TableProperties, Transaction

from bench.rounds import Round, compare
from bench.tables import table
from firehose.local.conversion.iceberg_rows import IcebergRows
from firehose.local.data_plane import DataPlane
from firehose.local.delivery.iceberg_writes import TableWriter
from firehose.local.event_record import EventRecord
from firehose.local.iceberg_catalogs import folder_catalog
from firehose.local.sinks import FolderSink
from firehose.local.sources.source_names import named_by_records
from firehose.pipeline.change_records import number_changes
from firehose.pipeline.iceberg_tables import TablePlace, make_tables
from firehose.pipeline.sample.records import changes
from firehose.pipeline.streams import IcebergLake, local_pipeline
from glue.layout import ICEBERG_NAMESPACE, Format
from glue.model import pii_names
from glue.schema import load

_Seconds = defaultdict[str, float]
_Records = Sequence[EventRecord]


def main() -> None:
    options = _options()
    records = list(number_changes(changes(options.records, 1), pii_names(load())))
    every = options.every or len(records)
    with TemporaryDirectory() as folder:
        _compare(records, every, options.rounds, lambda: Path(mkdtemp(dir=folder)))
        cleaned, kept = Path(folder, "cleaned"), Path(folder, "kept")
        _flush(_iceberg(kept, records, clean_up=False), records, every)
        _print_parts(_iceberg(cleaned, records), records, every)
        sizes = [_metadata_bytes(each) for each in (cleaned, kept)]
    rows = [[name, *(f"{size[name] / 1e6:.1f}" for size in sizes)] for name in sizes[0]]
    print(table("Metadata, MB", ["files", "cleaned up", "kept"], rows))


def _compare(records: _Records, every: int, rounds: int, new_folder: Callable[[], Path]) -> None:
    contenders = {
        "Parquet mode": lambda: _flush(local_pipeline(FolderSink(new_folder())), records, every),
        "Iceberg mode": lambda: _flush(_iceberg(new_folder(), records), records, every),
    }
    results = compare(contenders, rounds)
    rows = [[it, f"{results.seconds(it):.2f}", f"{results.ratio(it, to='Parquet mode'):.1f}"] for it in contenders]
    print(table(f"{len(records):,} records, a flush every {every:,}", ["CPU", "seconds", "times"], rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.iceberg_flush", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--every", type=int, help="records after which both flush; default: all in one flush a table")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def _print_parts(plane: DataPlane, records: _Records, every: int) -> None:
    spent: _Seconds = defaultdict(float)
    _watch(spent)
    whole = _flush(plane, records, every).seconds
    spent["the function, routing, buffers, the rest"] = whole - sum(spent.values())
    rows = [[part, f"{it:.2f}", f"{it / whole:.0%}"] for part, it in spent.items()]
    print(table(f"Iceberg mode, {plane.report.streams[0].objects:,} files", ["part", "seconds", "of all"], rows))


def _iceberg(folder: Path, records: _Records, *, clean_up: bool = True) -> DataPlane:
    catalog = folder_catalog(folder / "tables")
    catalog.create_namespace(ICEBERG_NAMESPACE)
    make_tables(TablePlace(catalog, ICEBERG_NAMESPACE, str(folder / "tables")), load())
    for name in [] if clean_up else catalog.list_tables(ICEBERG_NAMESPACE):
        with catalog.load_table(name).transaction() as transaction:
            transaction.set_properties({TableProperties.METADATA_DELETE_AFTER_COMMIT_ENABLED: "false"})
    lake = IcebergLake(lambda: catalog, ICEBERG_NAMESPACE, named_by_records(records))
    return local_pipeline(FolderSink(folder / "bucket"), file_format=Format.ICEBERG, iceberg=lake)


def _flush(plane: DataPlane, records: _Records, every: int) -> Round:
    began = time.process_time()
    for number, record in enumerate(records, 1):
        plane.accept(record, None)
        if number % every == 0:
            plane.finish()
    plane.finish()
    return Round(time.process_time() - began, 0)


def _metadata_bytes(folder: Path) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for kind, pattern in (("table metadata", "*.json"), ("lists", "snap-*.avro"), ("manifests", "*-m*.avro")):
        found[kind] = sum(path.stat().st_size for path in folder.rglob(f"metadata/{pattern}"))
    return found


def _watch(spent: _Seconds) -> None:
    """Count the CPU of the parts of a write; one within another counts for itself only."""
    within: list[float] = []

    def watched(part: str, owner: Any, name: str) -> None:
        work: Callable[..., Any] = getattr(owner, name)

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
    watched("commit", SqlCatalog, "commit_table")


if __name__ == "__main__":
    main()
