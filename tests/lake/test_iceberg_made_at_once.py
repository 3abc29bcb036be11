"""Processes that make the same tables at the same moment all find them made."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import msgspec
import pytest

from firehose.lake.iceberg.catalogs import folder_tables
from firehose.lake.iceberg.writing import tables_to_write
from glue.model import Field, RecordType, Scalar
from glue.schema import load

TYPES = load()
WRITERS = 4


def with_field(record_type: RecordType) -> RecordType:
    more = Field("more", Scalar.STRING, optional=True, doc="New.")
    row = record_type.row
    return msgspec.structs.replace(record_type, row=msgspec.structs.replace(row, fields=(*row.fields, more)))


def write_at_once(lake: Path, types: Mapping[str, RecordType]) -> None:
    """Open the tables of a lake in as many catalogs, each with connections of its own as another process has."""
    begin = Barrier(WRITERS)

    def open_tables(_: int) -> None:
        begin.wait()
        tables_to_write(str(lake), types, None)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(open_tables, range(WRITERS)))


@pytest.mark.parametrize("turn", range(3))
def test_a_new_lake_and_its_tables_are_made_and_then_evolved_by_all_of_them(tmp_path: Path, turn: int) -> None:
    write_at_once(tmp_path / "lake", TYPES)
    write_at_once(tmp_path / "lake", {name: with_field(one) for name, one in TYPES.items()})

    place = folder_tables(str(tmp_path / "lake"))
    for name in TYPES:
        table = place.load(name.lower())
        assert table is not None
        assert table.schema().find_field("more").doc == "New."
