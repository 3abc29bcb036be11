"""Lakes of Iceberg tables in which people are erased."""

import json
from pathlib import Path
from typing import Any

from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionSpec
from pyiceberg.table import Table

from firehose.lake.iceberg.catalogs import folder_tables, lake_tables
from tests.compacting import demand, run
from tests.given import s

PHONE, EMAIL = "+15550107301", "ann@example.com"


def of(fan: str, day: str = "2025-01-01") -> Any:
    """A change of a demand with personal data that say whose they are."""
    return demand(fan, day, phoneNumber=s(f"{PHONE}-{fan}"), email=s(f"{fan}-{EMAIL}"))


PIECES = [[of("a"), of("b")], [of("a", "2025-01-02"), of("c", "2025-01-02")], [of("c", "2025-01-03")]]


def fill(lake: Path | str, folder: Path) -> None:
    """Run each piece alone: a commit with files of its own."""
    run(lake, folder, *PIECES, file_format="iceberg")


def table_of(lake: Path | str, name: str = "demand") -> Table:
    """A table as it stands now."""
    table = lake_tables(str(lake)).load(name)
    assert table is not None
    return table


def make_table_beside(lake: Path, name: str, partitions: PartitionSpec = UNPARTITIONED_PARTITION_SPEC) -> Table:
    """A table with the columns of demands, whose manifests hold bounds of all of them."""
    place = folder_tables(str(lake))
    return place.catalog.create_table(
        place.identifier(name), table_of(lake).schema(), location=f"{place.address}/{name}", partition_spec=partitions
    )


def table_rows(lake: Path | str, name: str = "demand") -> list[dict[str, Any]]:
    """The rows of a table, by PyIceberg alone, in an order that no redaction changes."""
    found: list[dict[str, Any]] = table_of(lake, name).scan().to_arrow().to_pylist()
    return sorted(found, key=lambda row: json.dumps([row["fanid"], row["partition_date"], row["change"]], default=str))


def table_files(lake: Path, name: str = "demand") -> dict[str, bytes]:
    """The files of a table, by key."""
    files = (lake / "data-pipeline/iceberg" / name).rglob("*")
    return {path.relative_to(lake).as_posix(): path.read_bytes() for path in files if path.is_file()}
